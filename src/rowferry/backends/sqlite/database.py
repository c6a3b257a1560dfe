"""SQLite: an embedded database file, in write-ahead mode, with foreign keys enforced."""

import glob
import hashlib
import json
import os
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any

import pyarrow as pa
from sqlalchemy import Column, Connection, FromClause, String, Table, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from rowferry.backends.active_connections import ActiveConnections
from rowferry.backends.capabilities import Capabilities
from rowferry.backends.file_lock import hold_file, hold_file_alone, is_held
from rowferry.backends.protocol import Backend, Holders, Locking
from rowferry.backends.schema import beside, generation, pairs, require_columns, unknown_columns
from rowferry.backends.sqlite.appending import LoadTransaction
from rowferry.backends.sqlite.beyond import has_distinct_keys
from rowferry.backends.sqlite.careful import CarefulShortTransaction, CarefulTransaction
from rowferry.backends.sqlite.few_rows import (
    ShortSqliteTransaction,
    find_existing,
    find_existing_together,
    find_holders,
    find_known,
)
from rowferry.backends.sqlite.file import DatabaseFile
from rowferry.backends.sqlite.page import read_page
from rowferry.backends.sqlite.parents import find_next_keys
from rowferry.backends.sqlite.snapshot import SqliteSnapshot
from rowferry.backends.sqlite.types import loose_keys, quoted, spoils_values, without_type
from rowferry.backends.sqlite.values import stored_rows, teach, with_instants
from rowferry.backends.sqlite.writer import CACHE, CACHE_OF_A_PASS, driver_of
from rowferry.dictionary.place import BESIDE, PLACE
from rowferry.dictionary.rules import TableRules
from rowferry.errors import (
    DatabaseBusy,
    DatabaseInMemory,
    DatabaseReadOnly,
    DatabaseRefused,
    DatabaseUnavailable,
    DiskFull,
    InFlight,
    KeysTaken,
    NotWritable,
    ParentsVanished,
    RowferryError,
    ServerUnsupported,
    UniqueBroken,
    WorkCancelled,
)
from rowferry.kinds.binaries import BINARY
from rowferry.kinds.decimals import DECIMAL

BUSY_SECONDS = 60
"""How long a writer queues behind another one."""

_OLDEST = (3, 37)
"""All tests of tests/contract pass on it. Older ones cut joined texts off at a NUL, which a backup would not notice."""

_KEPT_CONNECTIONS, _MORE_CONNECTIONS = 10, 15
"""The pool keeps so many open, and opens so many more when needed."""

_MOST_COLUMNS = 1_900
"""SQLite takes 2,000 in a table, or in the answer to a query, which has some of its own beside those of a table."""

_STEPS_BETWEEN_LOOKS = 100_000
"""After so many steps of a statement, about a millisecond, its time is looked at."""

_PRAGMAS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA cache_size = {CACHE}",
)


_REFUSALS = "rowferry_refusals"
"""What kept statements of a connection from going on, by this name in its notes."""

_TRANSLATED: dict[int, type[RowferryError]] = {
    sqlite3.SQLITE_FULL: DiskFull,
    sqlite3.SQLITE_INTERRUPT: WorkCancelled,
    sqlite3.SQLITE_BUSY: DatabaseBusy,
    sqlite3.SQLITE_LOCKED: DatabaseBusy,
    sqlite3.SQLITE_CANTOPEN: DatabaseUnavailable,
    sqlite3.SQLITE_NOTADB: DatabaseUnavailable,
    sqlite3.SQLITE_PERM: DatabaseUnavailable,
    sqlite3.SQLITE_READONLY: DatabaseUnavailable,
    sqlite3.SQLITE_IOERR: DatabaseUnavailable,
}

_NO_ROOM = (sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_WRITE)
"""What SQLite says if a file beside the database cannot grow."""

_COLUMNS = """
SELECT m.name, c.name, c.type, iif(c.pk, (
    SELECT x.coll FROM pragma_index_list(m.name) l JOIN pragma_index_xinfo(l.name) x
    WHERE l.origin = 'pk' AND x.name = c.name AND upper(x.coll) <> 'BINARY'
), NULL), c.hidden IN (2, 3), CASE
  WHEN c.pk THEN '(part of the primary key)'
  WHEN c."notnull" AND coalesce(upper(c.dflt_value), 'NULL') = 'NULL' AND NOT c.hidden
    THEN '(required, but without a default)' END
FROM sqlite_master m JOIN pragma_table_xinfo(m.name) c
WHERE c.hidden <> 1 AND m.type IN ('table', 'view') AND m.name IN (SELECT value FROM json_each(?))
"""


class SqliteBackend:
    """One database file; readers never wait, writers queue."""

    capabilities = Capabilities(
        name="SQLite",
        embedded=True,
        exact_collation="BINARY",
        decimal_digits=15,
        keeps_nan=False,
    )

    def __init__(self, url: URL, *, is_made: bool) -> None:
        if not url.database or url.database == ":memory:":
            raise DatabaseInMemory
        self._file = file = DatabaseFile(url, is_made=is_made)
        # What lies beside the file is found by whatever name it is opened.
        self._path = Path(os.path.realpath(file.path))
        self.folder: Path | None = self._path.parent
        self._turn = Lock()
        self._at_work = ActiveConnections[sqlite3.Connection]()
        self.engine = create_engine(
            url.set(drivername="sqlite+pysqlite"),
            connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
            pool_size=_KEPT_CONNECTIONS,
            max_overflow=_MORE_CONNECTIONS,
        )
        file.watch(self.engine)
        event.listen(self.engine, "connect", _prepare_connection)
        # One that is given up in the middle of a query is only closed, with its locks, once nobody remembers the query.
        event.listen(self.engine, "invalidate", lambda driver, *_: driver.rollback())
        event.listen(self.engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))

    def columns(self, connection: Connection, tables: Iterable[Table]) -> dict[str, set[str]]:
        wanted = {table.name: table for table in tables}
        found: dict[str, set[str]] = {}
        asked = (json.dumps(list(wanted)),)
        for name, column, column_type, collation, generated, needs in connection.exec_driver_sql(_COLUMNS, asked):
            columns, table = found.setdefault(wanted[name].key, set()), wanted[name]
            if column not in table.columns:
                columns.update(beside(table, column, needs))
                continue
            has = self._differs(table.columns[column], column_type, generated=generated)
            columns.add(f"{column} {has}" if has else column)
            if collation and isinstance(table.columns[column].type, String):
                columns.add(f"{column} COLLATE {collation}")  # which no model has: different texts would be one key
        return found

    def unknown(self, connection: Connection, tables: Iterable[Table]) -> dict[str, list[str]]:
        wanted = {table.name: table for table in tables}
        found = connection.exec_driver_sql(_COLUMNS, (json.dumps(list(wanted)),))
        return unknown_columns((wanted[name], column, generated) for name, column, *_, generated, _needs in found)

    def _differs(self, model: Column[object], declared: str, *, generated: bool) -> str | None:
        """What keeps a column of the database from serving its model, as it stands behind its name."""
        if (differs := generation(model, generated=generated)) or generated:
            return differs
        return f"of type {declared}" if spoils_values(model, declared) else None

    def heirs(self, connection: Connection, tables: Iterable[Table]) -> dict[str, list[str]]:  # noqa: ARG002  # see below
        return {}  # SQLite knows no inheritance

    def partitions(self, connection: Connection, tables: Iterable[Table]) -> dict[str, str]:  # noqa: ARG002  # see below
        return {}  # nor partitions

    def keeps_keys_distinct(self, connection: Connection, rules: TableRules) -> bool:
        return has_distinct_keys(driver_of(connection), rules)

    def same(self, connection: Connection, tables: Iterable[Table]) -> list[tuple[str, str]]:  # noqa: ARG002  # by name
        return pairs((table.name.encode().lower(), table.key) for table in tables)  # letters of ASCII alone

    def require(self, table: Table, columns: set[str] | None) -> None:
        require_columns(table, columns)

    def unkept(self, table: Table) -> list[str]:
        found = list(self.capabilities.unkept(table))
        if len(table.columns) > _MOST_COLUMNS:
            found.append(
                f"{table}: SQLite allows {_MOST_COLUMNS:,} columns, but it has {len(table.columns):,}; split it up"
            )
        exact = self.capabilities.exact_collation
        return [*found, *without_type(table, self.engine.dialect), *loose_keys(table, exact)]

    def existing(self, table: Table, column: str, values: Sequence[object]) -> list[object]:
        with self.engine.connect() as connection:
            return find_existing(connection, table, column, values)

    def existing_together(self, rules: TableRules, rows: pa.RecordBatch) -> list[int]:
        with self.engine.connect() as connection:
            return find_existing_together(connection, rules, rows)

    def next_keys(self, table: Table, column: str, after: int, most: int) -> pa.Int64Array:
        with self.engine.connect() as connection:
            return find_next_keys(driver_of(connection), table, column, after, most)

    def known(self, rules: TableRules, key: tuple[str, ...], rows: pa.RecordBatch) -> list[int]:
        with self.engine.connect() as connection:
            return find_known(connection, rules, key, rows)

    def holders(self, rules: TableRules, names: tuple[str, ...], rows: pa.RecordBatch) -> Holders:
        with self.engine.connect() as connection:
            return find_holders(connection, rules, names, rows)

    def failed_checks(self, rules: TableRules, rows: list[dict[str, object]]) -> list[tuple[int, str]]:
        columns = ", ".join(f"{_extracted(rules, at)} AS {quoted(name)}" for at, name in enumerate(rules.names))
        verdicts = ", ".join(f"({check.sql}) IS FALSE" for check in rules.checks)
        batch = pa.RecordBatch.from_pylist(rows, schema=rules.schema)
        document = json.dumps(stored_rows(batch), default=bytes.hex)
        judge = f"SELECT rowferry_at, {verdicts} FROM (SELECT key AS rowferry_at, {columns} FROM json_each(?))"
        with self.engine.connect() as connection:
            judged = connection.exec_driver_sql(judge, (document,)).all()
        return [(at, name) for at, *broken in judged for name in rules.names_of_checks(broken)]

    @contextmanager
    def transaction(
        self,
        locking: Locking = "sharing",  # noqa: ARG002  # readers never wait
        *,
        careful: bool = False,
    ) -> Iterator[LoadTransaction]:
        sort = CarefulTransaction if careful else LoadTransaction
        name = f"stage-{uuid.uuid4().hex}"
        with self.errors(), self.hold(name), self.engine.connect() as connection:
            stages = self._path.with_name(f"{self._path.name}-{name}")
            transaction = sort(connection, stages, self)
            with (
                closing(transaction),
                connection.begin(),
                self._at_work.added(transaction.driver()),
                transaction.early,
            ):
                yield transaction
                transaction.end()

    @contextmanager
    def short_transaction(self, alone: str | None = None, *, careful: bool = False) -> Iterator[ShortSqliteTransaction]:
        sort = CarefulShortTransaction if careful else ShortSqliteTransaction
        # The lock makes writers of this process queue in order; SQLite itself lets them poll.
        with self.errors(), self._alone(alone), self._turn, self.engine.connect() as connection, connection.begin():
            transaction = sort(connection)
            transaction.lock()
            yield transaction
            transaction.end()

    @contextmanager
    def _alone(self, name: str | None) -> Iterator[None]:
        if name is None:
            yield
            return
        path = self._lock_path(hashlib.sha256(name.encode()).hexdigest()[:32])
        with hold_file_alone(path) as ours:
            if not ours:
                raise InFlight
            yield

    @contextmanager
    def snapshot(self) -> Iterator[SqliteSnapshot]:
        with self.errors(), self.engine.connect() as connection, connection.begin():
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")  # only now it is fixed
            yield SqliteSnapshot(connection)

    def page(self, rules: TableRules, after: Sequence[object] | None, limit: int) -> list[dict[str, Any]]:
        with self.errors(), self.engine.connect() as connection:
            return read_page(driver_of(connection), rules, after, limit)

    @contextmanager
    def scanning(self) -> Iterator[Connection]:
        # Pages that pass by once are read almost twice as fast into memory that fits into the processor.
        with self.errors(), self.engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA cache_size = {CACHE_OF_A_PASS}")
            try:
                yield connection
            except DBAPIError as error:
                if refusal := connection.info[_REFUSALS].take():
                    raise refusal from error
                raise
            finally:
                connection.exec_driver_sql(f"PRAGMA cache_size = {CACHE}")

    @contextmanager
    def asking(self, seconds: float) -> Iterator[Connection]:
        ends = time.monotonic() + seconds
        with self.errors(), self.engine.connect() as connection:
            driver = driver_of(connection)
            connection.exec_driver_sql("PRAGMA query_only = ON")
            driver.set_progress_handler(lambda: time.monotonic() > ends, _STEPS_BETWEEN_LOOKS)
            try:
                yield connection
            except DBAPIError as error:
                if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_READONLY:
                    raise DatabaseReadOnly(reason=str(error.orig)) from error
                raise
            finally:
                driver.set_progress_handler(None, 0)
                connection.exec_driver_sql("PRAGMA query_only = OFF")

    def with_instants(self, connection: Connection, table: Table) -> FromClause:
        return with_instants(connection, table)

    @contextmanager
    def errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._translated(error.orig or error) from error
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def _translated(self, error: BaseException) -> Exception:
        """An error of ours for one of SQLite, which names the folder where that may be at fault."""
        kind, reason = _kind(error), str(error)
        if kind is DiskFull:
            reason = f"{reason}, in {self.folder} (the database) or {tempfile.gettempdir()} (TMPDIR)"
        elif kind is DatabaseUnavailable:
            reason = f"{self._path}: {reason}"
        return kind(reason=reason)

    def hold(self, name: str) -> AbstractContextManager[None]:
        return hold_file(self._lock_path(name))

    def is_held(self, name: str) -> bool:
        return is_held(self._lock_path(name))

    def cancel(self) -> None:
        for driver in self._at_work:
            driver.interrupt()

    def only_read(self) -> None:
        self._file.only_reads = True

    def sweep(self) -> None:
        ours = glob.escape(self._path.name)
        for path in self._path.parent.glob(f"{ours}-*.lock"):
            is_held(path)
        for path in self._path.parent.glob(f"{ours}-stage-*-rowferry_stage_*"):
            if not is_held(path.with_name(path.name.partition("-rowferry_stage_")[0] + ".lock")):
                with suppress(OSError):  # it stays until it can be removed
                    path.unlink()

    def _lock_path(self, name: str) -> Path:
        return self._path.with_name(f"{self._path.name}-{name}.lock")


def _extracted(rules: TableRules, at: int) -> str:
    """A value of a row that is an array in JSON, as it would compare in its column of the table."""
    value, column = f"json_extract(value, '$[{at}]')", rules.columns[at]
    if column.kind is BINARY:
        return f"rowferry_bytes({value})"
    if column.kind is DECIMAL:
        return f"CAST({value} AS NUMERIC)"
    collation = getattr(rules.table.columns[column.name].type, "collation", None)
    return f"{value} COLLATE {quoted(collation)}" if collation else value


def _prepare_connection(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
    if sqlite3.sqlite_version_info < _OLDEST:
        needed = f"{_OLDEST[0]}.{_OLDEST[1]} or later"
        raise ServerUnsupported(server=f"SQLite {sqlite3.sqlite_version}", needed=needed)
    connection.isolation_level = None
    record.info[_REFUSALS] = teach(connection)
    record.info[PLACE] = BESIDE
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _kind(error: BaseException) -> type[RowferryError]:
    code = getattr(error, "sqlite_errorcode", 0)
    if code == sqlite3.SQLITE_ERROR and str(error).endswith("because it is a view"):
        return NotWritable
    if code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
        return ParentsVanished
    if code in _NO_ROOM:
        return DiskFull
    if code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
        return KeysTaken
    if code == sqlite3.SQLITE_CONSTRAINT_UNIQUE:
        return UniqueBroken
    return _TRANSLATED.get(code & 0xFF, DatabaseRefused)


def open_backend(url: URL, *, is_made: bool = False) -> Backend:
    """The backend of a database; does not connect yet. One that is made already is not made again."""
    return SqliteBackend(url, is_made=is_made)
