"""The way into a table of SQLite.

Many rows go into one statement, which is three times as fast as a statement a row (docs/benchmarks.md). While the
source is read, rows wait in a temporary file, so that other writers wait only while the rows are published; only
where no table has rows yet do they go in directly.
"""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Any

import pyarrow as pa
from sqlalchemy import Connection, Table

from rowferry.backends.backend import Comparison
from rowferry.backends.key_range import KeyRange
from rowferry.dictionary.rules import TableRules

_ROWS_A_STATEMENT = 100
_MOST_PARAMETERS = 32_000


class SqliteTransaction:
    """A transaction that takes the database's only write lock as late as it can."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.open = ExitStack()
        self._locked = False
        self._spooled = False  # rows that wait cannot be referred to by rows that go in directly

    def writer(self, rules: TableRules, *, bulk: bool, dry_run: bool) -> "SqliteWriter":  # noqa: ARG002  # few rows go the same way
        return SqliteWriter(self, rules, direct=self.writes_directly(rules, dry_run=dry_run), dry_run=dry_run)

    def writes_directly(self, rules: TableRules, *, dry_run: bool) -> bool:
        """Whether the rows of a table may go in at once, because nothing is in the way."""
        direct = not dry_run and not self._spooled and self._may_write_directly(rules)
        self._spooled |= not direct
        return direct

    def append(self, table: Table, rows: pa.RecordBatch) -> None:
        self.insert(f"main.{quoted(table.name)}", rows)

    def temporary_file(self) -> IO[bytes]:
        """A file that is gone when the transaction ends."""
        return self.open.enter_context(tempfile.TemporaryFile())

    def lock(self) -> None:
        """Let nobody else write until the end of the transaction, which has changed nothing so far."""
        if not self._locked:
            self.connection.exec_driver_sql("COMMIT")
            self.connection.exec_driver_sql("BEGIN IMMEDIATE")
            self._locked = True

    def driver(self) -> sqlite3.Connection:
        connection = self.connection.connection.dbapi_connection
        assert isinstance(connection, sqlite3.Connection)  # noqa: S101  # for the type checker
        return connection

    def insert(self, table: str, rows: pa.RecordBatch) -> None:
        """Insert rows, many with each statement."""
        names, width = rows.schema.names, rows.num_columns
        flat: list[Any] = [None] * (width * rows.num_rows)
        for at, column in enumerate(rows.columns):
            flat[at::width] = stored(column)
        into = f"INSERT INTO {table} ({', '.join(map(quoted, names))}) VALUES "
        one = f"({', '.join('?' * width)})"
        many = max(1, min(_ROWS_A_STATEMENT, _MOST_PARAMETERS // width))
        whole = rows.num_rows // many * many * width
        driver = self.driver()
        step = many * width
        driver.executemany(into + ", ".join([one] * many), (flat[at : at + step] for at in range(0, whole, step)))
        driver.executemany(into + one, (flat[at : at + width] for at in range(whole, len(flat), width)))

    def _may_write_directly(self, rules: TableRules) -> bool:
        """Whether to lock the database from now on spoils nothing for anybody: there is nothing in it yet."""
        tables = [rules.table.name] if self._locked else list(rules.table.metadata.tables)
        if any(self._has_rows(table) for table in tables):
            return False
        self.lock()
        return not any(self._has_rows(table) for table in tables)

    def _has_rows(self, table: str) -> bool:
        return bool(self.connection.exec_driver_sql(f"SELECT EXISTS (SELECT 1 FROM {quoted(table)})").scalar())


class SqliteWriter:
    """Implements TableWriter."""

    def __init__(self, transaction: SqliteTransaction, rules: TableRules, *, direct: bool, dry_run: bool) -> None:
        self._transaction = transaction
        self._rules = rules
        self._main = f"main.{quoted(rules.name)}"
        self.took_over = direct
        self._dry_run = dry_run
        self._rows = 0
        self._range = KeyRange(rules)
        self._spool = None if direct else _Spool(transaction.temporary_file())
        self._stage = ""

    def write(self, rows: pa.RecordBatch) -> None:
        self._rows += rows.num_rows
        self._range.add(rows)
        if self._spool:
            self._spool.write(rows)
        else:
            self._transaction.insert(self._main, rows.select(list(self._rules.names)))

    def end(self) -> None:
        if self._spool:
            self._spool.end()

    def compare(self) -> Comparison:
        if self.took_over:
            return Comparison(self._rows, 0, 0)
        if not self._dry_run:
            self._transaction.lock()
        if not self._meets_known_keys():
            return Comparison(self._rows, 0, 0)
        self._fill_stage()
        equal, different = self._execute(
            f"SELECT coalesce(sum(equal), 0), coalesce(sum(NOT equal), 0) FROM {self._known}"
        ).fetchone()
        return Comparison(self._rows - equal - different, equal, different)

    def different(self) -> Iterator[tuple[int, list[str]]]:
        if not self._stage:
            return
        tests = ", ".join(f"s.{column} IS NOT t.{column}" for column in map(quoted, self._rules.values))
        found = self._execute(
            f"SELECT s.rowferry_row_number, {tests} FROM {self._known} k "
            f"JOIN {self._stage} s USING (rowferry_row_number) JOIN {quoted(self._rules.name)} t ON {self._same_key()} "
            "WHERE NOT k.equal ORDER BY 1"
        )
        for row_number, *differs in found:
            yield row_number, [name for name, flag in zip(self._rules.values, differs, strict=True) if flag]

    def publish(self, *, update: bool) -> tuple[int, int]:
        if self.took_over:
            return self._rows, 0
        if not self._stage:
            return self._insert_spooled(self._main, list(self._rules.names)), 0
        updated = self._update() if update else 0
        names = ", ".join(map(quoted, self._rules.names))
        inserted = self._execute(
            f"INSERT INTO {self._main} ({names}) SELECT {names} FROM {self._stage} "
            f"WHERE rowferry_row_number NOT IN (SELECT rowferry_row_number FROM {self._known}) "
            "ORDER BY rowferry_row_number"
        ).rowcount
        return inserted, updated

    def _update(self) -> int:
        changes = ", ".join(f"{column} = s.{column}" for column in map(quoted, self._rules.values))
        if not changes:
            return 0
        return self._execute(
            f"UPDATE {self._main} AS t SET {changes} FROM {self._stage} s "
            f"JOIN {self._known} k USING (rowferry_row_number) WHERE NOT k.equal AND {self._same_key()}"
        ).rowcount

    def _meets_known_keys(self) -> bool:
        """Whether the table may hold keys of the rows: any key within the range of theirs."""
        table, column = quoted(self._rules.name), quoted(self._range.column)
        if not self._range.known:
            return True
        if not self._range.bounds:
            return False
        find = f"SELECT EXISTS (SELECT 1 FROM {table} WHERE {column} BETWEEN ? AND ?)"
        found = self._execute(find, self._range.bounds)
        return bool(found.fetchone()[0])

    @property
    def _known(self) -> str:
        return f"temp.{quoted('rowferry_known_' + self._rules.name)}"

    def _same_key(self) -> str:
        return " AND ".join(f"t.{column} = s.{column}" for column in map(quoted, self._rules.key))

    def _fill_stage(self) -> None:
        """Put the rows into a temporary table, and note those whose key the table holds."""
        self._stage = f"temp.{quoted('rowferry_stage_' + self._rules.name)}"
        names = ", ".join(map(quoted, self._rules.names))
        self._execute(f"DROP TABLE IF EXISTS {self._stage}")
        self._execute(f"DROP TABLE IF EXISTS {self._known}")
        self._execute(
            f"CREATE TABLE {self._stage} AS "
            f"SELECT {names}, 0 AS rowferry_row_number FROM {quoted(self._rules.name)} LIMIT 0"
        )
        self._insert_spooled(self._stage, [*self._rules.names, "rowferry_row_number"])
        equal = " AND ".join(f"s.{column} IS t.{column}" for column in map(quoted, self._rules.values)) or "1"
        self._execute(f"CREATE TABLE {self._known} (rowferry_row_number INTEGER PRIMARY KEY, equal INTEGER)")
        self._execute(
            f"INSERT INTO {self._known} SELECT s.rowferry_row_number, {equal} FROM {self._stage} s "
            f"CROSS JOIN {self._main} t ON {self._same_key()}"
        )

    def _insert_spooled(self, table: str, names: list[str]) -> int:
        assert self._spool is not None  # noqa: S101  # for the type checker
        for rows in self._spool.read():
            columns = rows.columns if len(names) == len(rows.columns) else rows.columns[:-1]
            self._transaction.insert(table, pa.RecordBatch.from_arrays(columns, names=names))
        return self._rows

    def _execute(self, statement: str, parameters: tuple[object, ...] = ()) -> sqlite3.Cursor:
        return self._transaction.driver().execute(statement, parameters)


class _Spool:
    """Batches of rows in a temporary file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._writer: pa.ipc.RecordBatchStreamWriter | None = None

    def write(self, rows: pa.RecordBatch) -> None:
        if self._writer is None:
            self._writer = pa.ipc.new_stream(self._file, rows.schema)
        self._writer.write_batch(rows)

    def end(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def read(self) -> Iterator[pa.RecordBatch]:
        """The batches in order, once all were written."""
        if self._writer is not None:
            self._file.seek(0)
            yield from pa.ipc.open_stream(self._file)


def quoted(name: str) -> str:
    """An identifier as it may stand in a statement."""
    return '"' + name.replace('"', '""') + '"'


def stored(column: pa.Array) -> list[Any]:
    """Values as SQLite keeps them: instants and dates as SQLAlchemy spells them, in UTC, decimals as text."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us")).cast(pa.string())
    elif pa.types.is_date(column.type) or pa.types.is_decimal(column.type):
        column = column.cast(pa.string())
    if pa.types.is_integer(column.type) and not column.null_count:
        return list(column.to_numpy().tolist())
    return list(column.to_pylist())
