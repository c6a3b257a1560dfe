"""SQLite: an embedded database file, in write-ahead mode, with foreign keys enforced."""

import errno
import fcntl
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from sqlalchemy import Table, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from rowferry.backends.schema import require_columns
from rowferry.backends.sqlite_writer import SqliteTransaction, quoted, stored
from rowferry.dictionary.rules import TableRules
from rowferry.errors import (
    DatabaseBusy,
    DatabaseRefused,
    DatabaseUnavailable,
    DatabaseUnsupported,
    DiskFull,
    ParentsVanished,
)

BUSY_SECONDS = 60
"""How long a writer queues behind another one."""

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -65536",
)


class SqliteBackend:
    """One database file; readers never wait, writers queue."""

    def __init__(self, url: URL) -> None:
        if not url.database or url.database == ":memory:":
            raise DatabaseUnsupported(scheme="sqlite in memory")
        self._path = Path(url.database)
        self.engine = create_engine(
            url.set(drivername="sqlite+pysqlite"), connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}
        )
        event.listen(self.engine, "connect", _prepare_connection)
        event.listen(self.engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))

    def prepare(self, table: Table) -> None:
        require_columns(self.engine, table)

    def existing(self, table: Table, column: str, values: Sequence[object]) -> list[object]:
        kind = pa.array(values)
        spelled = dict(zip(stored(kind), values, strict=True))
        find = f"SELECT {quoted(column)} FROM {quoted(table.name)} WHERE {quoted(column)} IN (SELECT value FROM json_each(?))"
        with self.engine.connect() as connection:
            found = connection.exec_driver_sql(find, (json.dumps(list(spelled)),))
            return [spelled[value] for (value,) in found]

    def failed_checks(self, rules: TableRules, rows: list[dict[str, object]]) -> list[tuple[int, str]]:
        columns = ", ".join(f"json_extract(value, '$.\"{name}\"') AS {quoted(name)}" for name in rules.names)
        verdicts = ", ".join(f"({check.sql}) IS FALSE" for check in rules.checks)
        batch = pa.RecordBatch.from_pylist(rows, schema=rules.schema)
        spelled = zip(*(stored(column) for column in batch.columns), strict=True)
        document = json.dumps([dict(zip(rules.names, row, strict=True)) for row in spelled])
        judge = f"SELECT at, {verdicts} FROM (SELECT key AS at, {columns} FROM json_each(?))"
        with self.engine.connect() as connection:
            judged = connection.exec_driver_sql(judge, (document,)).all()
        return [
            (row[0], check.name)
            for row in judged
            for check, broken in zip(rules.checks, row[1:], strict=True)
            if broken
        ]

    @contextmanager
    def transaction(self) -> Iterator[SqliteTransaction]:
        with self.errors(), self.engine.connect() as connection, connection.begin():
            yield SqliteTransaction(connection)

    @contextmanager
    def errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise _translated(error.orig or error) from error
        except sqlite3.Error as error:
            raise _translated(error) from error

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        path = self._lock_path(name)
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                path.unlink(missing_ok=True)

    def is_held(self, name: str) -> bool:
        path = self._lock_path(name)
        try:
            with path.open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
        except FileNotFoundError:
            return False
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES):
                return True
            raise
        return False

    def _lock_path(self, name: str) -> Path:
        return self._path.with_name(f"{self._path.name}-{name}.lock")


def _prepare_connection(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _translated(error: BaseException) -> Exception:
    code = getattr(error, "sqlite_errorcode", 0)
    primary = code & 0xFF
    if primary == sqlite3.SQLITE_FULL:
        return DiskFull(reason=str(error))
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return DatabaseBusy(reason=str(error))
    if code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
        return ParentsVanished()
    if primary in (
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
    ):
        return DatabaseUnavailable(reason=str(error))
    return DatabaseRefused(reason=str(error))
