"""The way to replace the rows of a table of PostgreSQL while it stays in use: only what differs is touched."""

from collections.abc import Collection
from contextlib import ExitStack
from typing import Any

import pyarrow as pa
from psycopg.sql import SQL, Composable, Identifier, Literal

from rowferry.backends.postgresql.constraints import BULK_ROWS
from rowferry.backends.postgresql.refusals import PostgresqlRefusals
from rowferry.backends.postgresql.snapshot import WHOLE_TABLES
from rowferry.backends.postgresql.table import PostgresqlTable, equal, spelled
from rowferry.backends.postgresql.ways import LoadingTransaction
from rowferry.backends.postgresql.writer import DirectWriter, StagedWriter
from rowferry.backends.protocol import Comparison, Examples, Key, Referring
from rowferry.dictionary.rules import TableRules

_MOST_EXAMPLES = 100

_REFERRING = """
SELECT n.nspname, c.relname, array_agg(ca.attname::text ORDER BY k.at), array_agg(
  CASE WHEN o.oid IS NULL THEN format('c.%%I = t.%%I', ca.attname, pa.attname)
  ELSE format('c.%%I COLLATE %%I.%%I = t.%%I', ca.attname, m.nspname, o.collname, pa.attname) END ORDER BY k.at)
FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL unnest(f.conkey, f.confkey) WITH ORDINALITY AS k (child, parent, at)
JOIN pg_attribute ca ON ca.attrelid = f.conrelid AND ca.attnum = k.child
JOIN pg_attribute pa ON pa.attrelid = f.confrelid AND pa.attnum = k.parent
LEFT JOIN pg_collation o ON o.oid = pa.attcollation LEFT JOIN pg_namespace m ON m.oid = o.collnamespace
WHERE f.confrelid = %(table)s::regclass AND f.contype = 'f' AND f.conparentid = 0
  AND NOT EXISTS (SELECT FROM unnest(%(among)s::text[]) AS one (name) WHERE f.conrelid = to_regclass(one.name))
GROUP BY f.oid, n.nspname, c.relname ORDER BY n.nspname, c.relname, f.oid
"""
"""What else refers to a table, as the database knows it: schema, table, its columns, and the conditions of its keys.

The collation that counts is that of the table which is referred to.
"""


class ReplacingTransaction(LoadingTransaction):
    """Implements Transaction."""

    def replacer(self, rules: TableRules, *, bulk: bool, dry_run: bool) -> "DirectReplacer | StagedReplacer":
        self.execute(SQL(WHOLE_TABLES))
        table = PostgresqlTable(self, rules)
        if bulk and (checks := self.takes_over(table, dry_run=dry_run)):
            return DirectReplacer(self, table, rules, checks)
        return StagedReplacer(self, table, rules, dry_run=dry_run)


class DirectReplacer(DirectWriter):
    """Into an empty table, of which nothing can be surplus."""

    _first: pa.RecordBatch | None = None

    def write(self, rows: pa.RecordBatch) -> None:
        if self._first is None and rows.num_rows:
            self._first = rows.select(list(self._rules.key)).slice(0, _MOST_EXAMPLES)
        super().write(rows)

    def surplus(self) -> int:
        return 0

    def examples(self, count: int) -> Examples:
        return Examples(self._first.to_pylist()[:count] if self._first else [], [], [])

    def referring(self, count: int, among: Collection[str]) -> list[Referring]:  # noqa: ARG002  # nothing is surplus
        return []

    def remove(self) -> int:
        return 0

    def acting(self) -> list[str]:
        return []  # else it would not be the way

    def compare_again(self) -> Comparison:
        return Comparison(0, self._rows, 0)


class StagedReplacer(StagedWriter):
    """Into a table that has rows. Here `known` has only what differs, as most rows of a table do not.

    A row of it without a number is surplus: it has no row in the stage. One that is not known to be equal or different
    is new: it has no row in the table.
    """

    _surplus = 0

    def surplus(self) -> int:
        return self._surplus

    def examples(self, count: int) -> Examples:
        names = self._names()
        new = SQL("SELECT {keys} FROM {stage} s {new} ORDER BY s.{number} LIMIT {count}").format(
            keys=self._keys("s"), new=self._only_new(), count=Literal(count), **names
        )
        surplus = SQL("SELECT {keys} FROM {known} k WHERE k.{number} IS NULL ORDER BY {keys} LIMIT {count}").format(
            keys=self._kept_key(), count=Literal(count), **names
        )
        return Examples(
            self._found(new) if self._comparison.new else [],
            self._first_different(count) if self._comparison.different else [],
            self._found(surplus) if self._surplus else [],
        )

    def referring(self, count: int, among: Collection[str]) -> list[Referring]:
        if not self._surplus:
            return []
        tables = self._rules.table.metadata.tables
        told = [spelled(table).as_string() for table in tables.values() if table.name in among]
        found = self._transaction.execute(SQL(_REFERRING), {"table": self._table.name.as_string(), "among": told})
        order = {name: at for at, name in enumerate(tables)}
        others = sorted(found, key=lambda one: order.get(one[1], len(order)))
        if not self._dry_run:
            for schema, table, *_ in others:
                self._transaction.execute(
                    SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(Identifier(schema, table))
                )
        each = (self._referring(Identifier(*one[:2]), one[3], count) for one in others)
        return [
            Referring(one[1], tuple(one[2]), rows, keys) for one, (rows, keys) in zip(others, each, strict=True) if rows
        ]

    def remove(self) -> int:
        if not self._surplus:
            return 0
        with ExitStack() as stack:
            # Each row that is deleted would be looked for in every table that may refer to it.
            if self._surplus >= BULK_ROWS and self._table.skips_triggers() and self._table.is_referred_to_as_known():
                stack.enter_context(self._table.triggers_aside())
            delete = SQL("DELETE FROM {table} t USING {known} k WHERE k.{number} IS NULL AND {is_surplus}")
            return self._transaction.execute(delete.format(is_surplus=self._is_surplus(), **self._names())).rowcount

    def acting(self) -> list[str]:
        return PostgresqlRefusals(self._table, self._rules).acting()

    def compare_again(self) -> Comparison:
        self._transaction.execute(SQL("DROP TABLE IF EXISTS {known}").format(**self._names()))
        self._surplus = 0
        return self.compare()

    def _meets_known_keys(self) -> bool:
        """Whether the table holds any key; one that the rows have not is surplus."""
        return self._table.has_rows()

    def _only_new(self) -> Composable:
        if not self._has_known:
            return SQL("")
        return SQL("WHERE EXISTS (SELECT FROM {known} k WHERE k.{number} = s.{number} AND k.equal IS NULL)").format(
            **self._names()
        )

    def _find_known(self) -> tuple[int, int]:
        """Hold each row of the table against the stage; how many are equal and how many different."""
        self._has_known = True
        self._transaction.execute(SQL("ANALYZE {stage}").format(**self._names()))
        self._transaction.execute(
            SQL(
                "CREATE TEMPORARY TABLE {known} ON COMMIT DROP AS SELECT s.{number}, "
                "CASE WHEN s.{number} IS NOT NULL AND t.{key} IS NOT NULL THEN FALSE END AS equal, {keys} "
                "FROM {table} t FULL JOIN {stage} s ON {same} "
                "WHERE s.{number} IS NULL OR t.{key} IS NULL OR NOT ({equal})"
            ).format(
                key=Identifier(self._rules.key[0]),
                equal=equal(self._rules),
                keys=self._keys_of_surplus(),
                **self._names(),
            )
        )
        self._transaction.execute(SQL("ANALYZE {known}").format(**self._names()))
        count = SQL(
            "SELECT count(*) FILTER (WHERE {number} IS NULL), count(*) FILTER (WHERE NOT equal), "
            "count(*) FILTER (WHERE {number} IS NOT NULL AND equal IS NULL) FROM {known}"
        )
        row = self._transaction.execute(count.format(**self._names())).fetchone()
        assert row is not None  # noqa: S101  # an aggregate has a row
        self._surplus, different, new = row
        return self._rows - different - new, different

    def _referring(self, child: Identifier, conditions: list[str], count: int) -> tuple[int, list[Key]]:
        """How many rows of a table refer to surplus rows, and to which."""
        refers = SQL(" AND ").join(map(SQL, conditions))
        source = SQL(
            "FROM {child} c JOIN {table} t ON {refers} JOIN {known} k ON {is_surplus} WHERE k.{number} IS NULL"
        ).format(child=child, refers=refers, is_surplus=self._is_surplus(), **self._names())
        rows = self._transaction.value(SQL("SELECT count(*) {}").format(source))
        keys = self._keys("t")
        some = SQL("SELECT DISTINCT {} {} ORDER BY {} LIMIT {}").format(keys, source, keys, Literal(count))
        return rows, self._found(some) if rows else []

    def _first_different(self, count: int) -> list[tuple[Key, list[str]]]:
        keys = len(self._rules.key)
        find = SQL(
            "SELECT {keys}, {tests} FROM {known} k JOIN {stage} s USING ({number}) JOIN {table} t ON {same} "
            "WHERE NOT k.equal ORDER BY {keys} LIMIT {count}"
        ).format(keys=self._keys("s"), tests=self._tests(), count=Literal(count), **self._names())
        return [
            (self._key(row[:keys]), [n for n, differs in zip(self._rules.values, row[keys:], strict=True) if differs])
            for row in self._transaction.execute(find)
        ]

    def _found(self, find: Composable) -> list[Key]:
        return [self._key(row) for row in self._transaction.execute(find)]

    def _key(self, values: Collection[Any]) -> Key:
        return dict(zip(self._rules.key, values, strict=True))

    def _keys(self, of: str) -> Composable:
        return SQL(", ").join(Identifier(of, name) for name in self._rules.key)

    def _keys_of_surplus(self) -> Composable:
        """The keys of the table where they are of use, so that what is kept is small."""
        spelled = SQL("CASE WHEN s.{number} IS NULL THEN t.{key} END AS {kept}")
        number = self._names()["number"]
        return SQL(", ").join(
            spelled.format(number=number, key=Identifier(name), kept=_kept(at))
            for at, name in enumerate(self._rules.key)
        )

    def _is_surplus(self) -> Composable:
        pairs = enumerate(map(Identifier, self._rules.key))
        return SQL(" AND ").join(SQL("t.{} = k.{}").format(name, _kept(at)) for at, name in pairs)

    def _kept_key(self) -> Composable:
        return SQL(", ").join(SQL("k.{}").format(_kept(at)) for at in range(len(self._rules.key)))


def _kept(at: int) -> Identifier:
    return Identifier(f"rowferry_key_{at}")
