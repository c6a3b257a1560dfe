"""The way out of a table of PostgreSQL: one snapshot, read in key order, column by column.

A page of rows comes as one value for each column: the database strings the binary forms of its values together. That
is faster than COPY, whose rows come one by one, and NumPy takes it as it is (docs/decisions/0008-avro-backups.md).
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from psycopg import Connection as DriverConnection
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal
from sqlalchemy import ColumnElement, Connection, Text, func, literal_column, type_coerce
from sqlalchemy.types import NullType

from rowferry.arrow.arrays import as_arrow, bits_of, python_values
from rowferry.backends.joined_texts import split_texts
from rowferry.backends.postgresql.table import spelled
from rowferry.dictionary.rules import ColumnRule, TableRules
from rowferry.dictionary.unstorable import unstorable
from rowferry.errors import ValueUnstorable
from rowferry.kinds.kind import SentByPostgresql

_PAGE_ROWS = 16_384
_PAGE_BYTES = 16 * 1024 * 1024
_LETTER_BYTES = 4
_FEW_ROWS = 256

_MOST_SENT = 1_600
"""The answer to a query has at most 1,664 columns; parts of a page that are more come as one array."""

WHOLE_TABLES = "SET LOCAL row_security = off"
"""Lets the server refuse tables whose rows we may not all see: they would be read in part, and taken for the whole."""


def as_read(rules: TableRules) -> list[ColumnElement[Any]]:
    """The columns of a table as a query reads them: values as the driver has them, not as the class does.

    Of an Enum that is the text and no member; of a type of PostgreSQL's own, how it spells a value.
    """
    return [_as_read(rules, column).label(column.name) for column in rules.columns]


def _as_read(rules: TableRules, column: ColumnRule) -> ColumnElement[Any]:
    if own := column.kind.spelled_in_postgresql:
        named = f"{spelled(rules.table).as_string()}.{Identifier(column.name).as_string()}"
        return literal_column(own.spelling.format(named), Text)
    found: ColumnElement[Any] = rules.table.c[column.name]
    if function := column.kind.compared_by_postgresql:
        found = getattr(func, function)(found)
    return type_coerce(found, NullType())


def as_received(rules: TableRules, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of such a query as their rules have them; ValueUnstorable for a value that is none of its column."""
    for column in rules.columns:
        for row in rows if column.kind.spelled_in_postgresql else ():
            sent = row[column.name]
            try:
                row[column.name] = column.kind.received(pa.array([sent], pa.string()), column.arrow)[0].as_py()
            except pa.ArrowInvalid as error:
                raise unstorable(rules, column, sent, [row[name] for name in rules.key], error) from error
    return rows


class PostgresqlSnapshot:
    """Implements Snapshot, within a transaction that is REPEATABLE READ."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def estimate(self, rules: TableRules) -> int:
        find = "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass(%s)"
        return int(self.connection.exec_driver_sql(find, (spelled(rules.table).as_string(),)).scalar() or 0)

    def read(self, rules: TableRules) -> Generator[pa.RecordBatch, None, None]:
        try:
            yield from self._pages(rules) if rules.key else self._in_any_order(rules)
        except _NullError as error:
            raise self._null(rules, error.column) from error

    def _in_any_order(self, rules: TableRules) -> Generator[pa.RecordBatch, None, None]:
        """Rows that have no key as they lie there, one by one."""
        parts = [part for column in rules.columns for part, _ in _parts(column)]
        many = _page_rows(rules) if not any(map(_is_unbounded, rules.columns)) else _FEW_ROWS
        with self._driver().cursor("rowferry_rows", binary=True) as cursor:
            cursor.execute(SQL("SELECT {} FROM {}").format(_beside(parts), _table(rules)), ())
            while rows := cursor.fetchmany(many):
                rows = rows if len(parts) <= _MOST_SENT else [row[0] for row in rows]
                yield _Page(rules, len(rows), _strung(rules.columns, rows)).batch()

    def _null(self, rules: TableRules, column: ColumnRule) -> ValueUnstorable:
        """What is wrong with a column that has nulls where its model has none."""
        if not rules.key:
            return unstorable(rules, column, "a null (the column is required)", None)
        keys = SQL(", ").join(map(Identifier, rules.key))
        find = SQL("SELECT {} FROM {} WHERE {} IS NULL ORDER BY {} LIMIT 1")
        named = find.format(keys, spelled(rules.table), Identifier(column.name), keys)
        found = self._driver().execute(named).fetchone()
        return unstorable(rules, column, "a null (the column is required)", found)

    def _driver(self) -> DriverConnection[Any]:
        driver = self.connection.connection.driver_connection
        assert isinstance(driver, DriverConnection)  # noqa: S101  # for the type checker
        return driver

    def _pages(self, rules: TableRules) -> Generator[pa.RecordBatch, None, None]:
        driver = self._driver()
        with driver.pipeline() as pipeline, driver.cursor(binary=True) as cursor:
            cursor.execute(_page(rules, after=False), ())
            while True:
                row = cursor.fetchone()
                assert row is not None  # noqa: S101  # an aggregate
                if not row[0]:
                    return
                page = _Page(rules, row[0], row[1] if isinstance(row[1], list) else row[1:])
                # The database makes the next page while this one is taken apart.
                cursor.execute(_page(rules, after=True), page.last_key())
                pipeline.sync()
                yield page.batch()


def _page(rules: TableRules, *, after: bool) -> Composed:
    """The query for the next rows, behind a key if there was one."""
    columns = SQL(", ").join(_name(name) for name in rules.names)
    key = SQL(", ").join(_name(name) for name in rules.key)
    behind = SQL("WHERE ({}) > ({})").format(key, SQL(", ").join([SQL("%s")] * len(rules.key))) if after else SQL("")
    rows = SQL("SELECT {} FROM {} {} ORDER BY {} LIMIT {}")
    page = rows.format(columns, _table(rules), behind, key, SQL(str(_page_rows(rules))))
    if unbounded := [column for column in rules.columns if _is_unbounded(column)]:
        sizes = SQL(" + ").join(SQL("coalesce(octet_length({}::text), 0)").format(_name(c.name)) for c in unbounded)
        measured = SQL("SELECT *, sum({}) OVER w AS rowferry_size, row_number() OVER w AS rowferry_at FROM ({}) p")
        cut = SQL("SELECT {} FROM ({}) m WHERE rowferry_size <= {} OR rowferry_at = 1")
        window = SQL(" WINDOW w AS (ORDER BY {} ROWS UNBOUNDED PRECEDING)").format(key)
        page = cut.format(columns, measured.format(sizes, page) + window, SQL(str(_PAGE_BYTES)))
    parts = [part for column in rules.columns for part in _sent(column)]
    return SQL("SELECT count(*), {} FROM ({}) page").format(_beside(parts), page)


def _beside(parts: Sequence[Composable]) -> Composed:
    """Parts as an answer has them."""
    sent = SQL("{}") if len(parts) <= _MOST_SENT else SQL("ARRAY[{}]")
    return sent.format(SQL(", ").join(parts))


def _name(name: str) -> Composable:
    """The name of a column in a statement that has parameters, where a percent sign is doubled."""
    return _doubled(Identifier(name))


def _table(rules: TableRules) -> Composable:
    """The same of a table."""
    return _doubled(spelled(rules.table))


def _doubled(name: Identifier) -> Composable:
    return SQL(name.as_string().replace("%", "%%"))


def _page_rows(rules: TableRules) -> int:
    widest = sum((column.max_length or 0) * _LETTER_BYTES for column in rules.columns)
    return max(1, min(_PAGE_ROWS, _PAGE_BYTES // max(1, widest)))


def _is_unbounded(column: ColumnRule) -> bool:
    has_no_width = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary)
    return any(is_one(column.arrow) for is_one in has_no_width) and not column.max_length


def _sent(column: ColumnRule) -> list[Composable]:
    """What a page has of a column: its values, and where it is optional and of fixed width, which are missing."""
    return [SQL("string_agg({}, {}::bytea)").format(part, between) for part, between in _parts(column)]


def _parts(column: ColumnRule) -> list[tuple[Composable, Literal]]:
    """The same of a row, and what stands between those of two rows."""
    name = _name(column.name)
    if (form := column.kind.sent_by_postgresql) is None:
        own = column.kind.spelled_in_postgresql
        text = SQL("textsend({})").format(SQL(own.spelling if own else column.kind.text_of_postgresql).format(name))
        text = text if column.required else SQL(r"coalesce({}, '\xff'::bytea)").format(text)
        return [(text, Literal(b"\0"))]
    value: Composable = SQL(form.function).format(name)
    if column.required:
        return [(value, Literal(b""))]
    zeros = "00" * np.dtype(form.numbers).itemsize
    value = SQL("coalesce({}, {})").format(value, SQL(rf"'\x{zeros}'::bytea"))
    missing = SQL("boolsend({} IS NULL)").format(name)
    return [(value, Literal(b"")), (missing, Literal(b""))]


def _strung(columns: Iterable[ColumnRule], rows: Sequence[Sequence[Any]]) -> list[bytes | None]:
    """Rows by themselves as a page would have strung them together."""
    between = [b"\0" if column.kind.sent_by_postgresql is None else b"" for column in columns for _ in _parts(column)]
    columns_sent = ([value for value in sent if value is not None] for sent in zip(*rows, strict=True))
    return [mark.join(sent) if sent else None for mark, sent in zip(between, columns_sent, strict=True)]


class _Page:
    """A page as it came: of each column its values, and where they are missing."""

    def __init__(self, rules: TableRules, rows: int, sent: Sequence[Any]) -> None:
        self._rules, self._rows = rules, rows
        values = iter(sent)
        self._sent = {column.name: [next(values) for _ in _sent(column)] for column in rules.columns}
        self._arrays: dict[str, pa.Array] = {}

    def last_key(self) -> tuple[object, ...]:
        return self._key_at(-1)

    def batch(self) -> pa.RecordBatch:
        arrays = [self._column(column) for column in self._rules.columns]
        return pa.RecordBatch.from_arrays(arrays, schema=self._rules.schema)

    def _column(self, column: ColumnRule) -> pa.Array:
        if column.name not in self._arrays:
            try:
                array = _array(column, self._rows, iter(self._sent[column.name]))
            except _UnfitValueError as error:
                raise unstorable(self._rules, column, error.value, self._key(column, error.position)) from error
            self._arrays[column.name] = array
        return self._arrays[column.name]

    def _key(self, column: ColumnRule, position: int) -> tuple[object, ...] | None:
        """The key of a row, unless the column that cannot be read is part of it."""
        if column.name in self._rules.key:
            return None
        return self._key_at(position)

    def _key_at(self, position: int) -> tuple[object, ...]:
        at = position % self._rows
        columns = (self._column(self._rules.by_name[name]) for name in self._rules.key)
        return tuple(python_values(column[at : at + 1])[0] for column in columns)


class _NullError(Exception):
    """A required column has nulls."""

    def __init__(self, column: ColumnRule) -> None:
        super().__init__(column.name)
        self.column = column


class _UnfitValueError(Exception):
    """A value at a position of a page is not one that its column may have."""

    def __init__(self, value: str, position: int) -> None:
        super().__init__(value)
        self.value, self.position = value, position


def _array(column: ColumnRule, rows: int, sent: Iterator[Any]) -> pa.Array:
    data = next(sent)
    if data is None:  # there was nothing to string together
        array = pa.array([], column.arrow)
    elif (form := column.kind.sent_by_postgresql) is None:
        array = split_texts(data)
    else:
        valid = None if column.required else ~np.frombuffer(next(sent), dtype=np.bool_)
        array = _fixed(form, data, valid)
    if len(array) != rows:
        raise _NullError(column)
    try:
        return _cast(array, column)
    except pa.ArrowInvalid:
        at = next(at for at in range(rows) if not _casts(array[at : at + 1], column))
        raise _UnfitValueError(str(array[at].as_py()), at) from None


def _cast(array: pa.Array, column: ColumnRule) -> pa.Array:
    cast = column.kind.received(array, column.arrow)
    cast.validate(full=True)
    return cast


def _casts(array: pa.Array, column: ColumnRule) -> bool:
    try:
        _cast(array, column)
    except pa.ArrowInvalid:
        return False
    return True


def _fixed(sent: SentByPostgresql, data: bytes, valid: npt.NDArray[np.bool_] | None) -> pa.Array:
    """Values of fixed width: numbers, or as many bytes as they have."""
    width = np.dtype(sent.numbers)
    if width.kind != "V":
        return as_arrow(_counted(sent, data), valid)
    buffers = [None if valid is None else bits_of(valid), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.binary(width.itemsize), len(data) // width.itemsize, buffers)


def _counted(sent: SentByPostgresql, data: bytes) -> npt.NDArray[Any]:
    """Numbers as this machine has them, days and instants as Arrow counts them."""
    numbers = np.frombuffer(data, dtype=sent.numbers)
    own = numbers.astype(numbers.dtype.newbyteorder("="))
    if sent.limits is None or not len(own):
        return own
    least, most = (limit - sent.epoch for limit in sent.limits)
    if own.min() < least or own.max() > most:
        at = int(np.flatnonzero((own < least) | (own > most))[0])
        raise _UnfitValueError(_beyond(sent, int(own[at]), np.iinfo(own.dtype)), at)
    counted: npt.NDArray[Any] = own + own.dtype.type(sent.epoch)
    return counted


def _beyond(sent: SentByPostgresql, found: int, limits: np.iinfo[Any]) -> str:
    """A value that Arrow does not know, in words."""
    if found in (limits.min, limits.max):
        return "infinity" if found == limits.max else "-infinity"
    return sent.spell(found + sent.epoch)
