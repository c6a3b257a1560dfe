"""SQLite by plain SQLAlchemy: what a room needs beside `backends/plain.py`, and nothing that makes it fast.

The file, its errors and the forms of values are those of the room of SQLite; how rows get into a table is not.
"""

import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.types import TypeEngine

from rowferry.backends.plain import PlainJudged, PlainTransaction
from rowferry.backends.protocol import Backend, Holders, Locking
from rowferry.backends.refusals import Event, Refusal
from rowferry.backends.sqlite.beyond import may_rewrite, place_of
from rowferry.backends.sqlite.database import SqliteBackend
from rowferry.backends.sqlite.plan import as_text
from rowferry.backends.sqlite.refusals import SqliteRefusals
from rowferry.backends.sqlite.replacer import require_kept
from rowferry.backends.sqlite.snapshot import as_batch
from rowferry.backends.sqlite.values import stored, value_of
from rowferry.backends.sqlite.writer import driver_of
from rowferry.dictionary.rules import TableRules
from rowferry.errors import ForeignKeyBroken

_ROWS = 5_000


class ToyBackend(SqliteBackend):
    """Implements Backend."""

    def existing(self, table: sa.Table, column: str, values: Sequence[object]) -> list[object]:
        with self._reading() as transaction:
            return transaction.existing(table, column, values)

    def existing_together(self, rules: TableRules, rows: pa.RecordBatch) -> list[int]:
        with self._reading() as transaction:
            return transaction.existing_together(rules, rows)

    def known(self, rules: TableRules, key: tuple[str, ...], rows: pa.RecordBatch) -> list[int]:
        with self._reading() as transaction:
            return transaction.known(rules, key, rows)

    def holders(self, rules: TableRules, names: tuple[str, ...], rows: pa.RecordBatch) -> Holders:
        with self._reading() as transaction:
            return transaction.holders(rules, names, rows)

    def failed_checks(self, rules: TableRules, rows: list[dict[str, object]]) -> list[tuple[int, str]]:
        with self.errors(), self._reading() as transaction:
            return transaction.failed_checks(rules, rows)

    @contextmanager
    def transaction(self, locking: Locking = "sharing", *, careful: bool = False) -> Iterator["ToyTransaction"]:  # type: ignore[override]
        with (
            self.errors(),
            self._cleaned(careful=careful) as transaction,
            transaction.connection.begin(),
            self._at_work.added(driver_of(transaction.connection)),
        ):
            yield transaction

    @contextmanager
    def short_transaction(self, alone: str | None = None, *, careful: bool = False) -> Iterator["ToyTransaction"]:  # type: ignore[override]
        with (
            self.errors(),
            self._alone(alone),
            self._cleaned(careful=careful) as transaction,
            transaction.connection.begin(),
        ):
            transaction.begin_immediately()
            yield transaction

    @contextmanager
    def snapshot(self) -> Iterator["ToySnapshot"]:  # type: ignore[override]
        with self.errors(), self.engine.connect() as connection, connection.begin():
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")  # only now it is fixed
            yield ToySnapshot(connection)

    @contextmanager
    def _reading(self) -> Iterator["ToyTransaction"]:
        with self._cleaned(careful=False) as transaction:
            yield transaction
            transaction.connection.rollback()

    @contextmanager
    def _cleaned(self, *, careful: bool) -> Iterator["ToyTransaction"]:
        with self.engine.connect() as connection:
            transaction = ToyTransaction(connection, careful=careful)
            try:
                yield transaction
            finally:
                if not connection.invalidated:
                    driver_of(connection).rollback()  # a commit that was refused has not ended it
                    transaction.clean()


class ToyTransaction(PlainTransaction):
    """Takes the write lock of the file when the first table is compared."""

    _locked = False

    def begin_immediately(self) -> None:
        """Let nobody else write from here on."""
        self.connection.exec_driver_sql("COMMIT")
        self.connection.exec_driver_sql("BEGIN IMMEDIATE")
        self._locked = True

    def lock(self, rules: TableRules) -> None:
        if not self._locked:
            self.begin_immediately()

    def defer_references(self) -> None:
        self.connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")

    def place(self, rules: TableRules) -> dict[str, TypeEngine[Any]]:
        return dict.fromkeys(place_of(driver_of(self.connection), rules), sa.BigInteger())

    def bound(self, column: pa.Array) -> list[Any]:
        return stored(column)

    def read_key(self, rules: TableRules, values: Sequence[Any]) -> tuple[object, ...]:
        pairs = zip((rules.by_name[name] for name in rules.key), values, strict=True)
        return tuple(value_of(rule.kind, rule.arrow, value) for rule, value in pairs)

    def require_kept(self, rules: TableRules, rows: pa.RecordBatch) -> None:
        require_kept(rules, rows)

    def is_reference_broken(self, error: IntegrityError) -> bool:
        return getattr(error.orig, "sqlite_errorcode", 0) == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY

    def is_unique_broken(self, error: IntegrityError) -> bool:
        return getattr(error.orig, "sqlite_errorcode", 0) == sqlite3.SQLITE_CONSTRAINT_UNIQUE

    def may_rewrite(self, rules: TableRules) -> bool:
        return may_rewrite(driver_of(self.connection), rules)

    def judged(self, rules: TableRules) -> "ToyJudged":
        return ToyJudged(SqliteRefusals(driver_of(self.connection), rules))


class ToyJudged(PlainJudged):
    """Why SQLite refuses a row."""

    def __init__(self, refusals: SqliteRefusals) -> None:
        self._refusals = refusals

    def refusal(self, error: DBAPIError | ForeignKeyBroken) -> Refusal | None:
        if isinstance(error, ForeignKeyBroken):
            return self._refusals.refusal(error)
        return self._refusals.refusal(cast("sqlite3.Error", error.orig))

    def require_parents(self, rows: sa.Select[Any]) -> None:
        self._refusals.require_parents(f"({as_text(rows)})")

    def left_out(self, event: Event) -> Refusal | None:
        return self._refusals.left_out(event)

    def acting(self) -> list[str]:
        return self._refusals.acting()


class ToySnapshot:
    """Implements Snapshot."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection

    def estimate(self, rules: TableRules) -> int:
        return 0

    def read(self, rules: TableRules) -> Generator[pa.RecordBatch, None, None]:
        table = sa.table(rules.name, *map(sa.column, rules.names))
        found = self.connection.execute(sa.select(table).order_by(*(table.c[name] for name in rules.key)))
        for rows in found.partitions(_ROWS):
            yield as_batch(rules, [tuple(row) for row in rows])


def open_backend(url: sa.URL, *, is_made: bool = False) -> Backend:
    """The backend of a database; does not connect yet."""
    return ToyBackend(url, is_made=is_made)
