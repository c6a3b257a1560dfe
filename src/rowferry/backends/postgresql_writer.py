"""The way into a table of PostgreSQL: binary COPY, and foreign keys checked as a set instead of row by row.

A trigger fires for each row and foreign key, and takes most of the time of a plain load; an index is built faster at
once than row by row. Both matter only where many rows come (docs/decisions/0004-into-postgresql.md).
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self

import psycopg
import pyarrow as pa
from psycopg import Copy
from psycopg.sql import SQL, Composable, Identifier, Literal
from sqlalchemy import Connection, Table

from rowferry.backends.backend import Comparison
from rowferry.backends.copy_format import copy_format
from rowferry.backends.key_range import KeyRange
from rowferry.dictionary.rules import ROW_NUMBER, Reference, TableRules
from rowferry.errors import ParentsVanished

BULK_ROWS = 10_000
"""From this many rows on, checking foreign keys as a set pays off."""

_TUNING = "SET LOCAL work_mem = '64MB'"

_SKIPS_TRIGGERS = """
SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
  AND NOT EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                  WHERE t.tgrelid = %(table)s::regclass AND t.tgenabled <> 'D' AND p.proname NOT LIKE 'RI\\_FKey\\_%%')
  AND NOT EXISTS (SELECT FROM pg_rewrite WHERE ev_class = %(table)s::regclass)
"""
"""Whether the triggers of a table may be left out: it has none but those of foreign keys, and we have the right."""

_OWNS = "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = %(table)s::regclass"

_FOREIGN_KEYS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = %(table)s::regclass AND contype = 'f' AND conparentid = 0 ORDER BY conname
"""

_SPARE_KEY = """
SELECT c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c
JOIN pg_class i ON i.oid = c.conindid JOIN pg_index x ON x.indexrelid = i.oid JOIN pg_class t ON t.oid = c.conrelid
WHERE c.conrelid = %(table)s::regclass AND c.contype = 'p' AND NOT c.condeferrable
  AND t.relkind = 'r' AND t.relreplident = 'd' AND NOT t.relhassubclass AND NOT t.relispartition
  AND i.reltablespace = 0 AND i.reloptions IS NULL AND NOT x.indisclustered
  AND obj_description(c.oid, 'pg_constraint') IS NULL AND obj_description(i.oid, 'pg_class') IS NULL
  AND NOT EXISTS (SELECT FROM pg_constraint r WHERE r.confrelid = c.conrelid)
  AND pg_has_role(t.relowner, 'USAGE')
"""
"""The primary key, if it can be dropped and added again without a trace: nothing refers to it, nothing is special."""


class PostgresqlTransaction:
    """One transaction; `with` ends a COPY that an error has cut off."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.open = ExitStack()
        self.stages = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open.__exit__(kind, error, trace)

    def writer(self, rules: TableRules, *, bulk: bool, dry_run: bool) -> "DirectWriter | StagedWriter":
        table = _Table(self, rules.table)
        if bulk:
            self.execute(SQL(_TUNING))
        if bulk and not dry_run and table.skips_triggers() and table.take_over_empty():
            return DirectWriter(table, rules)
        return StagedWriter(table, rules, dry_run=dry_run)

    def append(self, table: Table, rows: pa.RecordBatch) -> None:
        form = copy_format(rows.schema)
        columns = SQL(", ").join(map(Identifier, rows.schema.names))
        into = SQL("COPY {} ({}) FROM STDIN ({})").format(Identifier(table.name), columns, SQL(form.options))
        with self.driver.cursor().copy(into) as copy:
            copy.write(form.begin() + form.rows(rows) + form.end())

    @property
    def driver(self) -> psycopg.Connection[Any]:
        connection = self.connection.connection.dbapi_connection
        assert isinstance(connection, psycopg.Connection)  # noqa: S101  # for the type checker
        return connection

    def execute(self, statement: Composable, parameters: Any = None) -> psycopg.Cursor[Any]:
        return self.driver.execute(statement.as_bytes(self.driver), parameters)

    def value(self, statement: Composable, parameters: Any = None) -> Any:
        row = self.execute(statement, parameters).fetchone()
        return row[0] if row else None


class _Table:
    """A table of the database, with what can be done to its constraints."""

    def __init__(self, transaction: PostgresqlTransaction, table: Table) -> None:
        self.transaction = transaction
        self.name = Identifier(*filter(None, (table.schema, table.name)))
        self._spelled = {"table": self.name.as_string()}

    def has_rows(self) -> bool:
        return bool(self.transaction.value(SQL("SELECT EXISTS (SELECT FROM {})").format(self.name)))

    def skips_triggers(self) -> bool:
        return bool(self.transaction.value(SQL(_SKIPS_TRIGGERS), self._spelled))

    def is_ours(self) -> bool:
        return bool(self.transaction.value(SQL(_OWNS), self._spelled))

    def take_over_empty(self) -> bool:
        """Lock the table if it is empty; a table that has rows is left in use."""
        if self.has_rows():
            return False
        self.transaction.execute(SQL("SAVEPOINT rowferry_take_over"))
        self.transaction.execute(SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(self.name))
        if self.has_rows():
            self.transaction.execute(SQL("ROLLBACK TO SAVEPOINT rowferry_take_over"))
            return False
        return True

    @contextmanager
    def key_aside(self) -> Iterator[None]:
        """Build the index of the primary key at the end, if that leaves no trace."""
        with self._aside(self.transaction.execute(SQL(_SPARE_KEY), self._spelled).fetchall()):
            yield

    @contextmanager
    def foreign_keys_aside(self) -> Iterator[None]:
        """Let the database check the foreign keys of all rows at the end."""
        with self._aside(self.transaction.execute(SQL(_FOREIGN_KEYS), self._spelled).fetchall()):
            yield

    @contextmanager
    def triggers_aside(self) -> Iterator[None]:
        """Fire no trigger; the caller sees to it that foreign keys hold."""
        self.transaction.execute(SQL("SET LOCAL session_replication_role = replica"))
        yield
        self.transaction.execute(SQL("SET LOCAL session_replication_role = origin"))

    @contextmanager
    def _aside(self, constraints: list[tuple[str, str]]) -> Iterator[None]:
        for name, _ in constraints:
            self.transaction.execute(SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(self.name, Identifier(name)))
        yield
        for name, definition in constraints:
            add = SQL("ALTER TABLE {} ADD CONSTRAINT {} ").format(self.name, Identifier(name))
            self.transaction.execute(add + SQL(definition))  # as the database spelled it


class _Referred:
    """The keys that rows refer to; held against deletion when the rows go in."""

    MOST = 50_000

    def __init__(self, rules: TableRules) -> None:
        self.rules = rules
        self._keys = {r.column: pa.array([], rules.by_name[r.column].arrow) for r in rules.references}

    def add(self, rows: pa.RecordBatch) -> None:
        for column, known in self._keys.items():
            if len(known) <= self.MOST:
                self._keys[column] = pa.concat_arrays([known, rows.column(column).unique()]).unique()

    def hold(self, transaction: PostgresqlTransaction, rows: Composable) -> None:
        """Lock the parents of `rows` as the trigger of a foreign key would; ParentsVanished if one is not there."""
        for reference in self.rules.references:
            keys = self._keys[reference.column].drop_null()
            if len(keys) > self.MOST:
                wanted = SQL("SELECT {0} FROM {1} WHERE {0} IS NOT NULL").format(Identifier(reference.column), rows)
                count = transaction.value(SQL("SELECT count(*) FROM ({} GROUP BY 1)").format(wanted))
                held = self._hold(transaction, reference, wanted, ())
            elif count := len(keys):
                held = self._hold(transaction, reference, SQL("SELECT unnest(%s)"), (keys.to_pylist(),))
            else:
                continue
            if held != count:
                raise ParentsVanished

    def _hold(
        self, transaction: PostgresqlTransaction, reference: Reference, wanted: Composable, keys: tuple[object, ...]
    ) -> int:
        parent = self.rules.table.metadata.tables[reference.parent]
        name = Identifier(*filter(None, (parent.schema, parent.name)))
        lock = SQL("SELECT count(*) FROM (SELECT FROM {} WHERE {} IN ({}) FOR KEY SHARE)")
        return int(transaction.value(lock.format(name, Identifier(reference.target), wanted), keys))


class PostgresqlWriter:
    """What both ways into a table share: rows go into a target by one COPY that lasts until `end`."""

    took_over = False

    def __init__(self, table: _Table, rules: TableRules) -> None:
        self._table = table
        self._rules = rules
        self._transaction = table.transaction
        self._rows = 0
        self._referred = _Referred(rules)

    def _open(self, target: Composable, schema: pa.Schema) -> None:
        self._format = copy_format(schema)
        columns = SQL(", ").join(map(Identifier, schema.names))
        into = SQL("COPY {} ({}) FROM STDIN ({})").format(target, columns, SQL(self._format.options))
        self._copies = self._transaction.open.enter_context(ExitStack())
        self._copy: Copy = self._copies.enter_context(self._transaction.driver.cursor().copy(into))
        self._copy.write(self._format.begin())

    def _send(self, rows: pa.RecordBatch, *, numbered: bool) -> None:
        self._rows += rows.num_rows
        self._referred.add(rows)
        self._copy.write(self._format.rows(rows if numbered else rows.select(list(self._rules.names))))

    def end(self) -> None:
        self._copy.write(self._format.end())
        self._copies.close()


class DirectWriter(PostgresqlWriter):
    """Into an empty table that is locked: no stage, no triggers, and the primary key's index built at the end."""

    took_over = True

    def __init__(self, table: _Table, rules: TableRules) -> None:
        super().__init__(table, rules)
        self._aside = table.transaction.open.enter_context(ExitStack())
        self._aside.enter_context(table.key_aside())
        self._aside.enter_context(table.triggers_aside())
        self._open(table.name, rules.schema)

    def write(self, rows: pa.RecordBatch) -> None:
        self._send(rows, numbered=False)

    def end(self) -> None:
        super().end()
        self._aside.close()

    def compare(self) -> Comparison:
        return Comparison(self._rows, 0, 0)

    def different(self) -> Iterator[tuple[int, list[str]]]:
        return iter(())

    def publish(self, *, update: bool) -> tuple[int, int]:  # noqa: ARG002  # there is nothing to update
        self._referred.hold(self._transaction, self._table.name)
        return self._rows, 0


class StagedWriter(PostgresqlWriter):
    """Into a table in use: rows wait in a temporary table, which no one else sees and the transaction's end drops."""

    def __init__(self, table: _Table, rules: TableRules, *, dry_run: bool) -> None:
        super().__init__(table, rules)
        self._dry_run = dry_run
        self._range = KeyRange(rules)
        table.transaction.stages += 1
        self._stage = Identifier(f"rowferry_stage_{table.transaction.stages}")
        self._known = Identifier(f"rowferry_known_{table.transaction.stages}")
        self._has_known = False
        self._transaction.execute(
            SQL("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {}, 0::bigint AS {} FROM {} WITH NO DATA").format(
                self._stage, self._columns(rules.names), Identifier(ROW_NUMBER), table.name
            )
        )
        self._open(self._stage, rules.numbered_schema)

    def write(self, rows: pa.RecordBatch) -> None:
        self._range.add(rows)
        self._send(rows, numbered=True)

    def compare(self) -> Comparison:
        if not self._dry_run:
            self._transaction.execute(SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(self._table.name))
        if not self._meets_known_keys():
            return Comparison(self._rows, 0, 0)
        equal, different = self._find_known()
        return Comparison(self._rows - equal - different, equal, different)

    def different(self) -> Iterator[tuple[int, list[str]]]:
        if not self._has_known:
            return
        values = self._rules.values
        tests = SQL(", ").join(SQL("s.{0} IS DISTINCT FROM t.{0}").format(Identifier(name)) for name in values)
        found = SQL(
            "SELECT s.{number}, {tests} FROM {known} k JOIN {stage} s USING ({number}) JOIN {table} t ON {same} "
            "WHERE NOT k.equal ORDER BY 1"
        ).format(tests=tests, **self._names())
        with self._transaction.driver.cursor("rowferry_different") as cursor:
            cursor.itersize = 10_000
            for row_number, *differs in cursor.execute(found):
                yield row_number, [name for name, flag in zip(values, differs, strict=True) if flag]

    def publish(self, *, update: bool) -> tuple[int, int]:
        with self._foreign_keys():
            updated = self._update() if update and self._has_known else 0
            new = SQL("WHERE NOT EXISTS (SELECT FROM {known} k WHERE k.{number} = s.{number})").format(**self._names())
            inserted = self._transaction.execute(
                SQL("INSERT INTO {table} ({columns}) SELECT {columns} FROM {stage} s {new}").format(
                    columns=self._columns(self._rules.names), new=new if self._has_known else SQL(""), **self._names()
                )
            ).rowcount
        return inserted, updated

    def _update(self) -> int:
        if not self._rules.values:
            return 0
        changes = SQL(", ").join(SQL("{0} = s.{0}").format(Identifier(name)) for name in self._rules.values)
        return self._transaction.execute(
            SQL(
                "UPDATE {table} t SET {changes} FROM {stage} s JOIN {known} k USING ({number}) "
                "WHERE NOT k.equal AND {same}"
            ).format(changes=changes, **self._names())
        ).rowcount

    @contextmanager
    def _foreign_keys(self) -> Iterator[None]:
        """Check the foreign keys in the cheapest way that is open to us; each is as safe as the triggers."""
        with ExitStack() as stack:
            if self._rows >= BULK_ROWS and self._rules.references:
                if self._table.skips_triggers():
                    self._referred.hold(self._transaction, self._stage)
                    stack.enter_context(self._table.triggers_aside())
                elif self._table.is_ours():
                    if not self._table.has_rows():
                        stack.enter_context(self._table.key_aside())
                    stack.enter_context(self._table.foreign_keys_aside())
            yield

    def _meets_known_keys(self) -> bool:
        """Whether the table may hold keys of the rows: any key within the range of theirs."""
        if not self._range.known:
            return True
        if not self._range.bounds:
            return False
        find = SQL("SELECT EXISTS (SELECT FROM {} WHERE {} BETWEEN %s AND %s)")
        column = Identifier(self._range.column)
        return bool(self._transaction.value(find.format(self._table.name, column), self._range.bounds))

    def _find_known(self) -> tuple[int, int]:
        """Note the rows whose key the table holds; how many of them are equal and how many different."""
        equal = SQL(" AND ").join(
            SQL("s.{0} IS NOT DISTINCT FROM t.{0}").format(Identifier(name)) for name in self._rules.values
        )
        self._has_known = True
        self._transaction.execute(SQL("ANALYZE {stage}").format(**self._names()))
        self._transaction.execute(
            SQL(
                "CREATE TEMPORARY TABLE {known} ON COMMIT DROP AS "
                "SELECT s.{number}, {equal} AS equal FROM {stage} s JOIN {table} t ON {same}"
            ).format(equal=equal if self._rules.values else Literal(True), **self._names())
        )
        self._transaction.execute(SQL("ANALYZE {known}").format(**self._names()))
        count = SQL("SELECT count(*) FILTER (WHERE equal), count(*) FILTER (WHERE NOT equal) FROM {known}")
        row = self._transaction.execute(count.format(**self._names())).fetchone()
        assert row is not None  # noqa: S101  # an aggregate has a row
        return row[0], row[1]

    def _names(self) -> dict[str, Composable]:
        return {
            "table": self._table.name,
            "stage": self._stage,
            "known": self._known,
            "number": Identifier(ROW_NUMBER),
            "same": SQL(" AND ").join(SQL("t.{0} = s.{0}").format(Identifier(name)) for name in self._rules.key),
        }

    def _columns(self, names: tuple[str, ...]) -> Composable:
        return SQL(", ").join(map(Identifier, names))


def quoted(name: str) -> str:
    """An identifier as it may stand in a statement."""
    return Identifier(name).as_string()
