"""What a value of SQLite means, however it is spelled.

SQLite has no instants, dates, booleans or decimals: other programs write them in other forms than this one does, and
into a column without a type, anything. There is one reading of them (`value_of`), by which tables are backed up. Where
a statement compares (`same`) or counts, it takes the form in which values usually are for what it is, and asks that
reading only about others, through a function that each connection knows. So what is usual is compared as fast as ever.
"""

import datetime as dt
import re
import sqlite3
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
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

from rowferry.backends.sqlite_types import affinity, quoted
from rowferry.dictionary import compute as pc, kinds
from rowferry.dictionary.faults import shown
from rowferry.dictionary.kinds import (
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    FLOAT,
    INTEGER,
    TEXT,
    Kind,
)
from rowferry.dictionary.rules import ColumnRule
from rowferry.dictionary.unfit import OutOfRangeError, UnfitError
from rowferry.errors import ValueUnstorable

_KINDS = {kind.name: kind for kind in (INTEGER, DATETIME, TEXT, DATE, BOOLEAN, DECIMAL, FLOAT)}

_USUAL_INSTANT = "????-??-?? ??:??:??.?[0-9]?[0-9]?[0-9]"
"""How instants are written here, as GLOB has it, which is quicker at any letter than at a digit.

In every other form of that length, the zone has a letter or a sign where one of these digits is.
"""

_USUAL_DATE = "????-??-??"

_USUAL = "rowferry_usual_"
"""Begins the name by which a connection notes that the instants of a table have all their usual form."""

_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:(?:T| +)(\d\d:\d\d)(?:(:\d\d)(?:\.(\d+))?)? *([Zz]|[+-][\d:]+)?)?", re.ASCII
)
"""The forms of an instant whose time SQLite's own functions know; any zone is left to the grammar."""

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_MOST_DIGITS = 400
"""No number of 64 bits has more of them."""


def value_of(kind: Kind, arrow: pa.DataType, stored: Any) -> Any:
    """The value that something which SQLite holds stands for; an instant without a zone is one of UTC.

    Raises:
        UnfitError: It stands for none, or not exactly.
    """
    if stored is None or (kind is FLOAT and isinstance(stored, float)):
        return stored
    try:
        return pa.scalar(kind.parse(_spelled(kind, stored)), arrow).as_py()
    except (pa.ArrowInvalid, OverflowError) as error:
        raise UnfitError from error


def _spelled(kind: Kind, stored: Any) -> str:
    """What is stored, in the grammar of its kind."""
    if isinstance(stored, bytes):
        raise UnfitError
    if kind is DATETIME and isinstance(stored, str):
        return _spelled_instant(stored)
    if kind in (INTEGER, BOOLEAN) and isinstance(stored, float) and stored.is_integer():
        stored = int(stored)  # to SQLite, it is the same number
    if kind is BOOLEAN and stored in (0, 1):
        return repr(bool(stored))
    if kind is FLOAT and isinstance(stored, int) and float(stored) != stored:
        raise OutOfRangeError
    if kind is DECIMAL and _NUMBER.fullmatch(str(stored)):
        return _without_exponent(str(stored))
    return stored if isinstance(stored, str) else repr(stored)


def _without_exponent(text: str) -> str:
    number = Decimal(text)
    if abs(number.adjusted()) > _MOST_DIGITS:
        raise OutOfRangeError
    return format(number, "f")


def _spelled_instant(text: str) -> str:
    """An instant in the grammar of instants: 2021-05-30 is its midnight, more decimals than six may be zeros."""
    found = _INSTANT.fullmatch(text)
    if not found:
        raise UnfitError
    day, minute, second, fraction, zone = found.groups()
    decimals = (fraction or "").rstrip("0")
    return f"{day} {minute or '00:00'}{second or ''}{decimals and '.'}{decimals}{(zone or '').upper()}"


def _stored(value: Any, arrow: pa.DataType) -> Any:
    """A value as it is usually stored here."""
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None).isoformat(" ", "microseconds")
    if isinstance(value, Decimal):
        return pc.cast(pa.scalar(value, arrow), pa.string()).as_py()
    return value.isoformat() if isinstance(value, dt.date) else value


@cache
def _arrow(kind: str, *size: int) -> pa.DataType:
    types = {
        INTEGER.name: pa.int64(),
        DATETIME.name: pa.timestamp("us", "UTC"),
        TEXT.name: pa.string(),
        DATE.name: pa.date32(),
        BOOLEAN.name: pa.bool_(),
        FLOAT.name: pa.float64(),
    }
    return types.get(kind) or pa.decimal128(*size)


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
    """Values as SQLite keeps them: instants and dates as SQLAlchemy spells them, in UTC, decimals as text."""
    if pa.types.is_timestamp(column.type):
        return pc.cast(pc.cast(column, pa.timestamp("us")), pa.string())
    if pa.types.is_date(column.type) or pa.types.is_decimal(column.type):
        return pc.cast(column, pa.string())
    return column


def _stored_form(given: Any, kind: str, *size: int) -> Any:
    arrow = _arrow(kind, *size)
    try:
        return _stored(value_of(_KINDS[kind], arrow, given), arrow)
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

    driver.create_function("rowferry_stored", -1, form, deterministic=True)
    driver.create_function("rowferry_instant", 3, instant, deterministic=True)
    return refusals


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
    instants = [column for column in table.columns if isinstance(column.type, DateTime)]
    if _are_usual(connection, table, [quoted(column.name) for column in instants]):
        return table

    def read(column: Column[Any]) -> ColumnElement[Any]:
        sent: ColumnElement[Any] = literal_column(_sent(f"{quoted(table.name)}.{quoted(column.name)}"))
        found = func.rowferry_instant(sent, table.name, column.name, type_=column.type)
        usual = column.op("GLOB")(literal_column(f"'{_USUAL_INSTANT}'"))
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
    unusual = " OR ".join(f"{column} NOT GLOB '{_USUAL_INSTANT}'" for column in columns) or "0"
    find = f"SELECT EXISTS (SELECT 1 FROM main.{quoted(table.name)} WHERE {unusual})"
    if connection.exec_driver_sql(find).scalar():
        return False
    connection.info[f"{_USUAL}{table.name}"] = state
    return True


def stored_form(rule: ColumnRule, stored: str) -> str:
    """The usual form of something, as SQL."""
    size = f", {rule.arrow.precision}, {rule.arrow.scale}" if rule.kind is DECIMAL else ""
    return f"rowferry_stored({_sent(stored)}, '{rule.kind.name}'{size})"


def is_unusual(rule: ColumnRule, stored: str) -> str:
    """The condition, as SQL, that something may stand for a value in another form than it usually has."""
    found = f"typeof({stored})"
    match rule.kind:
        case kinds.DATETIME:
            return f"({found} = 'text' AND {stored} NOT GLOB '{_USUAL_INSTANT}')"
        case kinds.DATE:
            return f"({found} = 'text' AND {stored} NOT GLOB '{_USUAL_DATE}')"
        case kinds.TEXT:
            return f"{found} IN ('integer', 'real')"
        case kinds.DECIMAL:
            return f"{found} <> 'null'"
        case _:
            return f"{found} = 'text'"


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
    return affinity(declared) in _LEFT_ALONE_BY.get(rule.kind, ())


_LEFT_ALONE_BY = {
    DATETIME: ("TEXT", "NUMERIC", "BLOB"),
    DATE: ("TEXT", "NUMERIC", "BLOB"),
    BOOLEAN: ("INTEGER", "NUMERIC", "BLOB"),
    DECIMAL: ("TEXT", "BLOB"),
    INTEGER: ("BLOB",),
    FLOAT: ("BLOB",),
    TEXT: ("BLOB",),
}
"""By kind: what a column must be for SQLite to keep, in it, what others write in another form."""
