"""PostgreSQL, by psycopg."""

import hashlib
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import errors as pg
from psycopg.sql import Identifier
from sqlalchemy import Connection, FromClause, Table, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from rowferry.backends.active_connections import ActiveConnections
from rowferry.backends.capabilities import Capabilities
from rowferry.backends.page import read_page
from rowferry.backends.postgresql.careful import CarefulShortTransaction, CarefulTransaction
from rowferry.backends.postgresql.checks import find_failed
from rowferry.backends.postgresql.columns import (
    find_heirs,
    find_partitions,
    find_unknown,
    found_columns,
    has_distinct_keys,
)
from rowferry.backends.postgresql.few_rows import ShortPostgresqlTransaction
from rowferry.backends.postgresql.grants import missing_grant
from rowferry.backends.postgresql.parameters import GivenRows
from rowferry.backends.postgresql.references import find_existing, find_next_keys
from rowferry.backends.postgresql.refusals import is_away
from rowferry.backends.postgresql.replacer import ReplacingTransaction
from rowferry.backends.postgresql.sessions import Sessions, connect_args
from rowferry.backends.postgresql.snapshot import WHOLE_TABLES, PostgresqlSnapshot, as_read, as_received
from rowferry.backends.postgresql.table import Statements, spelled
from rowferry.backends.postgresql.types import nameless
from rowferry.backends.protocol import Backend, Holders, Locking, ReadersWait
from rowferry.backends.schema import pairs, require_columns
from rowferry.dictionary.rules import TableRules
from rowferry.errors import (
    DatabaseBusy,
    DatabaseReadOnly,
    DatabaseRefused,
    DatabaseUnavailable,
    DiskFull,
    InFlight,
    KeysTaken,
    NotWritable,
    ParentsVanished,
    RightMissing,
    RowferryError,
    UniqueBroken,
    WorkCancelled,
    follows_interrupt,
)

# What it warns of is raised as well; if nobody asks for its log, it would go to standard error.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

_CANCEL_SECONDS = 2.0

_MOST_COLUMNS = 1_590
"""PostgreSQL takes 1,600 columns in a table, and some more in the answer to a query; a few of them are ours."""

_KEPT_CONNECTIONS, _MORE_CONNECTIONS = 10, 15
"""The pool keeps so many open, and opens so many more when needed; docs/reference says what takes how many."""

_TRANSLATED: tuple[tuple[type[psycopg.Error], type[RowferryError]], ...] = (
    (pg.ForeignKeyViolation, ParentsVanished),
    (pg.UniqueViolation, KeysTaken),
    (pg.DiskFull, DiskFull),
    (pg.DeadlockDetected, DatabaseBusy),
    (pg.SerializationFailure, DatabaseBusy),
    (pg.LockNotAvailable, DatabaseBusy),
    (pg.QueryCanceled, WorkCancelled),
    (pg.ReadOnlySqlTransaction, DatabaseReadOnly),
)


_OF_SORTS = (pg.FeatureNotSupported, pg.ObjectNotInPrerequisiteState, pg.WrongObjectType)
_NOT_WRITABLE = re.compile("cannot (insert into|update|delete from|change|lock relation)")
"""How errors begin that views lead to, among others of these classes: what is there takes no rows."""

_PLACES = """
SELECT key, to_regclass(name)::oid, current_schema()
FROM unnest(CAST(%s AS text[]), CAST(%s AS text[])) AS wanted (key, name)
"""
"""Which tables of the database models are for, and the schema in which those are made that name none."""

_DENIED = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = %s AND n.nspname <> ALL('{pg_catalog,information_schema}')
AND CASE WHEN c.relkind = 'S' THEN NOT has_sequence_privilege(c.oid, 'USAGE')
  ELSE c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
             AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')) END
ORDER BY 1
"""
"""The tables and sequences of a name that we may not use, led by their schemas unless their names alone find them."""

_IS_OF_KEY = "SELECT indisprimary FROM pg_index WHERE indexrelid = to_regclass(%s)"


class PostgresqlBackend:
    """One PostgreSQL database."""

    capabilities = Capabilities(
        name="PostgreSQL", embedded=False, exact_collation="C", name_bytes=63, schemas=True, sequences=True
    )
    folder: Path | None = None

    def __init__(self, url: URL) -> None:
        self._at_work = ActiveConnections[psycopg.Connection[Any]]()
        self.engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args=connect_args(url),
            isolation_level="READ COMMITTED",  # a comparison sees what others have committed by then
            pool_pre_ping=True,
            use_native_hstore=False,  # which nobody uses, and each connection would ask for
            pool_size=_KEPT_CONNECTIONS,
            max_overflow=_MORE_CONNECTIONS,
        )
        self._sessions = Sessions(url)
        self._sessions.listen(self.engine)

    def columns(self, connection: Connection, tables: Iterable[Table]) -> dict[str, set[str]]:
        return found_columns(connection, tables)

    def unknown(self, connection: Connection, tables: Iterable[Table]) -> dict[str, list[str]]:
        return find_unknown(connection, tables)

    def heirs(self, connection: Connection, tables: Iterable[Table]) -> dict[str, list[str]]:
        return find_heirs(connection, tables)

    def partitions(self, connection: Connection, tables: Iterable[Table]) -> dict[str, str]:
        return find_partitions(connection, tables)

    def keeps_keys_distinct(self, connection: Connection, rules: TableRules) -> bool:
        return has_distinct_keys(connection, rules)

    def same(self, connection: Connection, tables: Iterable[Table]) -> list[tuple[str, str]]:
        by_key = {table.key: table for table in tables}
        if not any(table.schema for table in by_key.values()):
            return []
        asked = ([*by_key], [spelled(table).as_string() for table in by_key.values()])
        found = connection.exec_driver_sql(_PLACES, asked)
        return pairs(((number or (by_key[key].schema or first, by_key[key].name)), key) for key, number, first in found)

    def require(self, table: Table, columns: set[str] | None) -> None:
        require_columns(table, columns)

    def unkept(self, table: Table) -> list[str]:
        found = list(self.capabilities.unkept(table))
        if len(table.columns) > _MOST_COLUMNS:
            limit = f"PostgreSQL allows {_MOST_COLUMNS:,} columns"
            found.append(f"{table}: {limit}, but it has {len(table.columns):,}; split it up")
        return [*found, *nameless(table)]

    def existing(self, table: Table, column: str, values: Sequence[object]) -> list[object]:
        with self.engine.connect() as connection:
            return find_existing(connection, table, column, values)

    def existing_together(self, rules: TableRules, rows: pa.RecordBatch) -> list[int]:
        return self.known(rules, tuple(rows.schema.names), rows)

    def next_keys(self, table: Table, column: str, after: int, most: int) -> pa.Int64Array:
        with self.engine.connect() as connection:
            return find_next_keys(connection, table, column, after, most)

    def known(self, rules: TableRules, key: tuple[str, ...], rows: pa.RecordBatch) -> list[int]:
        with self.engine.connect() as connection:
            return GivenRows(Statements(connection), rules).known(key, rows)

    def holders(self, rules: TableRules, names: tuple[str, ...], rows: pa.RecordBatch) -> Holders:
        with self.engine.connect() as connection:
            return GivenRows(Statements(connection), rules).holders(names, rows)

    def failed_checks(self, rules: TableRules, rows: list[dict[str, object]]) -> list[tuple[int, str]]:
        with self.errors(), self.engine.connect() as connection:
            return find_failed(connection, rules, rows)

    @contextmanager
    def transaction(self, locking: Locking = "sharing", *, careful: bool = False) -> Iterator[ReplacingTransaction]:
        sort = CarefulTransaction if careful else ReplacingTransaction
        with (
            self.errors(),
            self.engine.connect() as connection,
            connection.begin(),
            _dropped_if_broken(connection),
            sort(connection, locking, self) as transaction,
            self._at_work.added(transaction.driver),
        ):
            yield transaction

    @contextmanager
    def short_transaction(
        self, alone: str | None = None, *, careful: bool = False
    ) -> Iterator[ShortPostgresqlTransaction]:
        sort = CarefulShortTransaction if careful else ShortPostgresqlTransaction
        with self.errors(), self.engine.connect() as connection, connection.begin():
            transaction = sort(connection)
            if alone is not None and not transaction.claim(_number(alone)):
                raise InFlight
            yield transaction

    @contextmanager
    def snapshot(self) -> Iterator[PostgresqlSnapshot]:
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self.errors(), self.engine.connect().execution_options(**options) as connection, connection.begin():
            connection.exec_driver_sql(WHOLE_TABLES)
            connection.exec_driver_sql("SELECT 1")  # only now it is fixed
            yield PostgresqlSnapshot(connection)

    def page(self, rules: TableRules, after: Sequence[object] | None, limit: int) -> list[dict[str, Any]]:
        with self.errors(), self.engine.connect() as connection:
            return as_received(rules, read_page(connection, rules, as_read(rules), after, limit))

    @contextmanager
    def scanning(self) -> Iterator[Connection]:
        with self.errors(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def asking(self, seconds: float) -> Iterator[Connection]:
        options = {"postgresql_readonly": True}
        with self.errors(), self.engine.connect().execution_options(**options) as connection, connection.begin():
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
            yield connection

    def with_instants(self, connection: Connection, table: Table) -> FromClause:  # noqa: ARG002  # they have a type of their own
        return table

    @contextmanager
    def errors(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, psycopg.Error) as error:
            if follows_interrupt(error):  # the driver has cancelled the statement
                raise KeyboardInterrupt from error
            cause = getattr(error, "orig", None) or error
            if isinstance(cause, pg.UniqueViolation) and not self._is_of_key(cause.diag):
                detail = (cause.diag.message_detail or "").rstrip(".")
                raise UniqueBroken(reason=f"{_reason(cause)}; {detail}") from error
            if isinstance(cause, (pg.InsufficientPrivilege, pg.InvalidSchemaName)):
                message, user = str(cause).partition("\n")[0], self.engine.url.username
                grant = missing_grant(message, user, self._sessions.ledger, self.denied)
                raise RightMissing(reason=_reason(cause), grant=grant) from error
            raise _translated(cause) from error

    def denied(self, name: str) -> list[str]:
        """The tables or sequences of a name that we may not use, as statements name them."""
        with suppress(DBAPIError), self.engine.connect() as connection:
            return list(connection.exec_driver_sql(_DENIED, (name,)).scalars())
        return []  # the server has gone

    def _is_of_key(self, diagnostic: psycopg.errors.Diagnostic) -> bool:
        """Whether a value is there twice in a primary key, which the index that found it belongs to."""
        index = Identifier(diagnostic.schema_name or "", diagnostic.constraint_name or "").as_string()
        with suppress(DBAPIError), self.engine.connect() as connection:
            return connection.exec_driver_sql(_IS_OF_KEY, (index,)).scalar() is not False
        return True  # the server has gone; whoever tries again will see

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        # A transaction stays in its session, even where a pooler gives each another one.
        with self.errors(), self.engine.connect() as connection:
            # Without parameters it leaves nothing open in the session that would keep vacuum from its work.
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_number(name)})")
            try:
                yield
            finally:
                _end(connection)

    def cancel(self) -> None:
        for driver in self._at_work:
            with suppress(psycopg.Error):  # it has just ended, or the server has gone
                driver.cancel_safe(timeout=_CANCEL_SECONDS)

    def only_read(self) -> None:
        """To connect changes nothing."""

    def sweep(self) -> None:
        """Nothing is kept beside the database."""

    def is_held(self, name: str) -> bool:
        with self.engine.connect() as connection:
            free = connection.exec_driver_sql("SELECT pg_try_advisory_xact_lock(%s)", (_number(name),)).scalar()
        return not free


@contextmanager
def _dropped_if_broken(connection: Connection) -> Iterator[None]:
    """Close a connection that was cut off, or that an interruption left within a command: the server rolls back."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, ReadersWait) or follows_interrupt(error):
            connection.invalidate()
        raise


def _end(connection: Connection) -> None:
    """End a transaction, with the connection if need be: what was done meanwhile is done."""
    try:
        connection.rollback()
    except BaseException as error:
        connection.invalidate()
        if not isinstance(error, SQLAlchemyError):
            raise


def _number(name: str) -> int:
    """A name as the 64-bit number that advisory locks are known by."""
    return int.from_bytes(hashlib.sha256(f"rowferry {name}".encode()).digest()[:8], signed=True)


def _translated(error: BaseException) -> Exception:
    if isinstance(error, _OF_SORTS) and _NOT_WRITABLE.match(str(error)):
        detail = error.diag.message_detail if isinstance(error, psycopg.Error) else None
        return NotWritable(reason="; ".join(filter(None, (_reason(error), (detail or "").rstrip(".")))))
    for cause, outcome in _TRANSLATED:
        if isinstance(error, cause):
            return outcome(reason=_reason(error))
    outcome = DatabaseUnavailable if isinstance(error, psycopg.Error) and is_away(error) else DatabaseRefused
    return outcome(reason=_reason(error))


def _reason(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def open_backend(url: URL, *, is_made: bool = False) -> Backend:  # noqa: ARG001  # no server makes a database by itself
    """The backend of a database; does not connect yet."""
    return PostgresqlBackend(url)
