"""The way to replace the rows of a table of PostgreSQL while it stays in use: only what differs is touched."""

from collections.abc import Collection, Iterator
from contextlib import ExitStack

import pyarrow as pa
from psycopg.sql import SQL, Identifier
from sqlalchemy import Boolean, literal_column

from rowferry.arrow.arrays import rows_as_python
from rowferry.backends.plan import known_table, named_table, numbered_table, table_of
from rowferry.backends.postgresql.constraints import BULK_ROWS
from rowferry.backends.postgresql.plan import PostgresqlPlanWithoutKey, PostgresqlReplacingPlan, as_text
from rowferry.backends.postgresql.refusals import PostgresqlRefusals
from rowferry.backends.postgresql.snapshot import WHOLE_TABLES
from rowferry.backends.postgresql.table import PostgresqlTable, spelled
from rowferry.backends.postgresql.ways import LoadingTransaction
from rowferry.backends.postgresql.writer import DirectWriter, PostgresqlStagedWriter
from rowferry.backends.protocol import Comparison, Examples, Referring
from rowferry.backends.replacing_plan import surplus_among, surplus_columns
from rowferry.backends.staged import ChildTable, StagedReplacer
from rowferry.dictionary.rules import ROW_NUMBER, TableRules
from rowferry.errors import ViewWithoutKey

_MOST_EXAMPLES = 100

_PLACE = ("tableoid", "ctid")
"""Where a row lies: in which of the partitions or heirs of a table, and where there."""

_REFERRING = """
WITH RECURSIVE tree AS (
  SELECT %(table)s::regclass::oid AS oid UNION SELECT inhrelid FROM pg_inherits JOIN tree ON inhparent = oid
)
SELECT n.nspname, c.relname, known.key, pg_table_is_visible(c.oid),
array_agg(ca.attname::text ORDER BY k.at), array_agg(pa.attname::text ORDER BY k.at),
f.confupdtype = 'c', array_agg(
  CASE WHEN o.oid IS NULL THEN format('c.%%I = t.%%I', ca.attname, pa.attname)
  ELSE format('c.%%I COLLATE %%I.%%I = t.%%I', ca.attname, m.nspname, o.collname, pa.attname) END ORDER BY k.at)
FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL unnest(f.conkey, f.confkey) WITH ORDINALITY AS k (child, parent, at)
LEFT JOIN (SELECT to_regclass(m.name) AS oid, m.key, m.at FROM unnest(%(tables)s::text[], %(keys)s::text[])
           WITH ORDINALITY AS m (name, key, at)) known ON known.oid = c.oid
JOIN pg_attribute ca ON ca.attrelid = f.conrelid AND ca.attnum = k.child
JOIN pg_attribute pa ON pa.attrelid = f.confrelid AND pa.attnum = k.parent
LEFT JOIN pg_collation o ON o.oid = pa.attcollation LEFT JOIN pg_namespace m ON m.oid = o.collnamespace
WHERE f.confrelid IN (SELECT oid FROM tree) AND f.contype = 'f' AND f.conparentid = 0
  AND coalesce(known.key, '') <> ALL(%(among)s::text[])
GROUP BY f.oid, f.confupdtype, c.oid, n.nspname, c.relname, known.key, known.at
ORDER BY known.at, n.nspname, c.relname, f.oid
"""
"""What else refers to a table, as the database knows it, in the order of the models: schema, table, its key in them,
whether its name alone finds it, its columns, those that these refer to, whether they follow them, and the conditions.

It may refer to a partition or an heir alone. The collation that counts is that of the table which is referred to.
"""


class ReplacingTransaction(LoadingTransaction):
    """Implements Transaction."""

    def replacer(self, rules: TableRules, *, bulk: bool, dry_run: bool) -> "DirectReplacer | PostgresqlStagedReplacer":
        self.execute(SQL(WHOLE_TABLES))
        table = PostgresqlTable(self, rules)
        follows = bulk and PostgresqlRefusals(table, rules).following()
        if bulk and not follows and (checks := self.takes_over(table, dry_run=dry_run)):
            return DirectReplacer(self, table, rules, checks)
        return PostgresqlStagedReplacer(self, table, rules, dry_run=dry_run)


class DirectReplacer(DirectWriter):
    """Into an empty table, of which nothing can be surplus."""

    _first: pa.RecordBatch | None = None

    def write(self, rows: pa.RecordBatch) -> None:
        if self._first is None and rows.num_rows:
            self._first = rows.select(list(self._rules.identity)).slice(0, _MOST_EXAMPLES)
        super().write(rows)

    def surplus(self) -> int:
        return 0

    def examples(self, count: int) -> Examples:
        return Examples(rows_as_python(self._first)[:count] if self._first else [], [], [])

    def referring(self, count: int, among: Collection[str]) -> list[Referring]:  # noqa: ARG002  # nothing is surplus
        return []

    def remove(self) -> int:
        return 0

    def acting(self) -> list[str]:
        return []  # else it would not be the way

    def compare_again(self) -> Comparison:
        return Comparison(0, self._sent, 0)


class PostgresqlStagedReplacer(PostgresqlStagedWriter, StagedReplacer):
    """Into a table that has rows."""

    _plan: PostgresqlReplacingPlan | PostgresqlPlanWithoutKey

    def _planned(self, stage: str, known: str) -> PostgresqlReplacingPlan | PostgresqlPlanWithoutKey:
        rules, rows = self._rules, numbered_table(stage, self._rules.names)
        key = rules.key or _PLACE
        noted = known_table(known, surplus_columns(key))
        surplus = surplus_among(noted, key)
        if rules.key:
            return PostgresqlReplacingPlan(rules, table_of(rules), rows, noted, surplus)
        if self._table.is_view():
            raise ViewWithoutKey(table=rules.name)
        table = named_table(rules.table.name, (*rules.names, *_PLACE), rules.table.schema)
        return PostgresqlPlanWithoutKey(rules, table, rows, noted, surplus, _PLACE)

    def acting(self) -> list[str]:
        return PostgresqlRefusals(self._table, self._rules).acting()

    def _children(self, among: Collection[str]) -> Iterator[ChildTable]:
        tables = self._rules.table.metadata.tables
        asked = {
            "table": self._table.name.as_string(),
            "tables": [spelled(table).as_string() for table in tables.values()],
            "keys": list(tables),
            "among": list(among),
        }
        rows = self._transaction.execute(SQL(_REFERRING), asked).fetchall()
        both = [(*row, self._moving(row[5], follows=row[6])) for row in rows]
        found = [row for row in both if self._surplus or row[-1]]
        if not self._dry_run:
            for schema, name, *_ in found:
                lock = SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(Identifier(schema, name))
                self._transaction.execute(lock)
        for schema, name, key, is_visible, columns, targets, _, conditions, moving in found:
            refers = literal_column(" AND ".join(conditions), Boolean)
            child = named_table(name, columns, schema).alias("c")
            called = key or (name if is_visible else f"{schema}.{name}")
            yield ChildTable(called, tuple(columns), tuple(targets), moving, child, refers)

    def _remove(self) -> int:
        with ExitStack() as stack:
            # Each row that is deleted would be looked for in every table that may refer to it.
            if self._surplus >= BULK_ROWS and self._table.skips_triggers() and self._table.is_referred_to_as_known():
                stack.enter_context(self._table.triggers_aside())
            return super()._remove()

    def _meets_known_keys(self) -> bool:
        """Whether the table holds any row; one that the stage has not is surplus."""
        return self._table.has_rows()

    def _find_known(self) -> tuple[int, int]:
        """Hold each row of the table against the stage; how many are equal and how many different."""
        self._has_known = True
        self._transaction.execute(SQL("ANALYZE {}").format(self._stage))
        self._transaction.execute(SQL("DROP TABLE IF EXISTS {}").format(self._known))
        note = SQL("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS ").format(self._known).as_bytes()
        self._transaction.driver.execute(note + as_text(self._plan.all_but_equal()))
        self._transaction.execute(SQL("ANALYZE {}").format(self._known))
        count = SQL(
            "SELECT count(*) FILTER (WHERE NOT equal), count(*) FILTER (WHERE {} IS NOT NULL AND equal IS NULL) FROM {}"
        )
        row = self._transaction.execute(count.format(Identifier(ROW_NUMBER), self._known)).fetchone()
        assert row is not None  # noqa: S101  # an aggregate has a row
        different, new = row
        return self._rows - different - new, different

    def _find_surplus(self) -> int:
        if not self._has_known:
            return 0
        count = SQL("SELECT count(*) FROM {} WHERE {} IS NULL").format(self._known, Identifier(ROW_NUMBER))
        return int(self._transaction.value(count))
