"""What a value of SQLite means, however it is spelled.

SQLite has no instants, dates, booleans or decimals: other programs write them in other forms than this one does, and
into a column without a type, anything. There is one reading of them (`value_of`), by which tables are backed up. Where
a statement compares (`same`) or counts, it takes the form in which values usually are for what it is, and asks that
reading only about others, through a function that each connection knows. So what is usual is compared as fast as ever.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    DateTime,
    FromClause,
    Table,
    case,
    func,
    literal_column,
    select,
)

from rowferry.arrow import compute as pc
from rowferry.backends.sqlite.types import affinity, quoted
from rowferry.dictionary.faults import shown
from rowferry.dictionary.rules import ColumnRule
from rowferry.errors import ValueUnstorable
from rowferry.kinds.datetimes import DATETIME, USUAL_IN_SQLITE
from rowferry.kinds.decimals import DECIMAL
from rowferry.kinds.intervals import spans_for_sqlite
from rowferry.kinds.kind import Kind
from rowferry.kinds.registry import BY_NAME
from rowferry.kinds.unfit import UnfitError
from rowferry.kinds.uuids import undashed

_USUAL = "rowferry_usual_"
"""Begins the name by which a connection notes that the instants of a table have all their usual form."""


def value_of(kind: Kind, arrow: pa.DataType, stored: Any) -> Any:
    """The value that something which SQLite holds stands for; an instant without a zone is one of UTC.

    Raises:
        UnfitError: It stands for none, or not exactly.
    """
    return None if stored is None else kind.from_sqlite(stored, arrow)


def stored(column: pa.Array) -> list[Any]:
    """Values as SQLite keeps them, for a statement to bind."""
    column = stored_column(column)
    if pa.types.is_integer(column.type) and not column.null_count:
        return list(column.to_numpy().tolist())
    return list(column.to_pylist())


def stored_rows(rows: pa.RecordBatch) -> list[tuple[Any, ...]]:
    """Rows as SQLite keeps them."""
    return list(zip(*map(stored, rows.columns), strict=True))


def stored_column(column: pa.Array) -> pa.Array:
    """Values as SQLite keeps them: instants, dates, times and identifiers as SQLAlchemy spells them; decimals as text.

    Instants are in UTC.
    """
    if pa.types.is_interval(column.type):
        column = spans_for_sqlite(column)
    if pa.types.is_timestamp(column.type):
        return pc.cast(pc.cast(column, pa.timestamp("us")), pa.string())
    if pa.types.is_fixed_size_binary(column.type):
        return undashed(column)
    if pa.types.is_temporal(column.type) or pa.types.is_decimal(column.type):
        return pc.cast(column, pa.string())
    return column


def _stored_form(given: Any, kind: str, *size: int) -> Any:
    found = BY_NAME[kind]
    arrow = found.widest(*size)
    try:
        return stored_column(pa.array([value_of(found, arrow, given)], arrow))[0].as_py()
    except UnfitError:
        return None


class Refusals:
    """What kept statements of one connection from going on, which the driver does not tell."""

    def __init__(self) -> None:
        self._found: list[ValueUnstorable] = []

    def instant(self, stored: Any, table: str, column: str) -> str:
        found = _stored_form(stored, DATETIME.name)
        if found is None:
            self._found.append(ValueUnstorable(table=table, column=column, value=shown(stored)))
            raise self._found[-1]
        return str(found)

    def take(self) -> ValueUnstorable | None:
        """The last one, once."""
        last = self._found[-1] if self._found else None
        self._found.clear()
        return last


def teach(driver: sqlite3.Connection) -> Refusals:
    """Let statements of a connection ask for the usual form of what is stored; that of what cannot be read is null."""
    refusals = Refusals()
    (encoding,) = driver.execute("PRAGMA encoding").fetchone()

    def form(sent: Any, kind: str, *size: int) -> Any:
        return _stored_form(_received(sent, encoding), kind, *size)

    def instant(sent: Any, table: str, column: str) -> str:
        return refusals.instant(_received(sent, encoding), table, column)

    driver.create_function("rowferry_bytes", 1, _bytes, deterministic=True)
    driver.create_function("rowferry_stored", -1, form, deterministic=True)
    driver.create_function("rowferry_instant", 3, instant, deterministic=True)
    return refusals


def _bytes(digits: str | None) -> bytes | None:
    """Bytes that came in JSON, which has none, as hexadecimal digits."""
    return None if digits is None else bytes.fromhex(digits)


def _sent(stored: str) -> str:
    """Something as a function gets it: texts in hexadecimal, since Python calls none with what is not UTF-8."""
    return f"iif(typeof({stored}) = 'text', hex({stored}), {stored})"


def _received(sent: Any, encoding: str) -> Any:
    return text_or_bytes(bytes.fromhex(sent), encoding) if isinstance(sent, str) else sent


def text_or_bytes(text: bytes, encoding: str = "UTF-8") -> str | bytes:
    """A text, or its bytes where they are none: SQLite does not look at what other programs write."""
    try:
        return text.decode(encoding)
    except UnicodeDecodeError:
        return text


def with_instants(connection: Connection, table: Table) -> FromClause:
    """A table in a statement, its instants in their usual form, which are only asked for where one is not.

    A statement fails where there is none; the refusals of the connection tell of it.
    """
    instants = [column for column in table.columns if isinstance(column.type, DateTime) and column.type.timezone]
    if _are_usual(connection, table, [quoted(column.name) for column in instants]):
        return table

    def read(column: Column[Any]) -> ColumnElement[Any]:
        sent: ColumnElement[Any] = literal_column(_sent(f"{quoted(table.name)}.{quoted(column.name)}"))
        found = func.rowferry_instant(sent, table.name, column.name, type_=column.type)
        usual = column.op("GLOB")(literal_column(f"'{USUAL_IN_SQLITE}'"))
        return case((usual, column), else_=found).label(column.name)

    # With a limit, SQLite makes each row once, and not each of its values wherever it is named.
    return select(*(read(column) if column in instants else column for column in table.columns)).limit(-1).subquery()


def _are_usual(connection: Connection, table: Table, columns: list[str]) -> bool:
    """Whether all instants of a table have their usual form; a connection remembers it until anything is written."""
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101  # for the type checker
    state = (connection.exec_driver_sql("PRAGMA data_version").scalar(), driver.total_changes)
    if connection.info.get(f"{_USUAL}{table.name}") == state:
        return True
    unusual = " OR ".join(f"{column} NOT GLOB '{USUAL_IN_SQLITE}'" for column in columns) or "0"
    find = f"SELECT EXISTS (SELECT 1 FROM main.{quoted(table.name)} WHERE {unusual})"
    if connection.exec_driver_sql(find).scalar():
        return False
    connection.info[f"{_USUAL}{table.name}"] = state
    return True


def stored_form(rule: ColumnRule, stored: str) -> str:
    """The usual form of something, as SQL."""
    size = f", {rule.arrow.precision}, {rule.arrow.scale}" if rule.kind is DECIMAL else ""
    return f"rowferry_stored({_sent(stored)}, '{rule.kind.name}'{size})"


def usual_form(rule: ColumnRule, stored: str) -> str:
    """What rows of a table are told apart by, as SQL: values are equal where `same` finds them so.

    What stands for no value is told apart as it is.
    """
    form = stored_form(rule, stored)
    if rule.kind is DECIMAL:  # as in `same`
        return f"CASE typeof({stored}) WHEN 'text' THEN coalesce(CAST({form} AS NUMERIC), {stored}) ELSE {stored} END"
    return f"CASE WHEN {is_unusual(rule, stored)} THEN coalesce({form}, {stored}) ELSE {stored} END COLLATE BINARY"


def staged_form(rule: ColumnRule, ours: str) -> str:
    """The same of rows of ours, which have their usual form."""
    return f"CAST({ours} AS NUMERIC)" if rule.kind is DECIMAL else f"{ours} COLLATE BINARY"


def is_unusual(rule: ColumnRule, stored: str) -> str:
    """The condition, as SQL, that something may stand for a value in another form than it usually has."""
    return rule.kind.sqlite.unusual.format(stored)


def same(rule: ColumnRule, ours: str, theirs: str) -> str:
    """The condition, as SQL, that the value of ours, in its usual form, is that of something stored in the table.

    It belongs where SQLite stops at the first part that decides: behind WHEN, not in the place of a value.
    """
    if rule.kind is DECIMAL:  # most columns make numbers of them; for those, no function is asked
        read = f"CASE typeof({theirs}) WHEN 'text' THEN {ours} = {stored_form(rule, theirs)} "
        return f"({ours} IS {theirs} OR {read}ELSE CAST({ours} AS NUMERIC) = {theirs} END)"
    return f"({ours} IS {theirs} OR {is_unusual(rule, theirs)} AND {ours} = {stored_form(rule, theirs)})"


def all_of(conditions: Sequence[str]) -> str:
    """Several conditions as one; of a thousand, in a tree that is not too deep for SQLite."""
    if len(conditions) < 2:
        return conditions[0] if conditions else "1"
    half = len(conditions) // 2
    return f"({all_of(conditions[:half])} AND {all_of(conditions[half:])})"


def may_be_unusual(rule: ColumnRule, declared: str) -> bool:
    """Whether a column declared so may hold values in another form: SQLite converts some itself."""
    return affinity(declared) in rule.kind.sqlite.left_alone_by
