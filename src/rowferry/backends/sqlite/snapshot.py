"""The way out of a table of SQLite: one read transaction, in key order."""

import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection

from rowferry.backends.sqlite.joined import joined_page, joins, split_page
from rowferry.backends.sqlite.types import quoted
from rowferry.backends.sqlite.unusual_keys import UnusualKeys
from rowferry.backends.sqlite.values import text_or_bytes, value_of
from rowferry.backends.sqlite.writer import driver_of
from rowferry.dictionary.faults import shown
from rowferry.dictionary.rules import ColumnRule, TableRules
from rowferry.dictionary.unstorable import spelled_key
from rowferry.errors import ValueUnstorable
from rowferry.kinds.unfit import UnfitError

_PAGE_ROWS = 16_384
_PAGE_BYTES = 16 * 1024 * 1024
_LETTER_BYTES = 4
_FEW_ROWS = 64


class SqliteSnapshot:
    """Implements Snapshot, within a transaction that has read something."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._driver = driver_of(connection)

    def estimate(self, rules: TableRules) -> int:
        """The highest row id: right where keys ascend from 1, and at hand without reading the table."""
        try:
            found = self._driver.execute(f"SELECT max(rowid) FROM {quoted(rules.name)}").fetchone()[0]
        except sqlite3.OperationalError:  # a table may have no row ids
            return 0
        return max(0, found) if isinstance(found, int) else 0

    def read(self, rules: TableRules) -> Generator[pa.RecordBatch, None, None]:
        is_utf8 = self._driver.execute("PRAGMA main.encoding").fetchone()[0] == "UTF-8"
        if not rules.key:
            return self._read_rows(rules, [])
        keys = UnusualKeys(self._driver, rules.name, [rules.by_name[name] for name in rules.key])
        if is_utf8 and joins(rules) and not keys.possible:
            return self._read_joined(rules)
        return self._read_rows(rules, keys.order())

    def _read_joined(self, rules: TableRules) -> Generator[pa.RecordBatch, None, None]:
        """Page by page, each column as one value; a page with anything unusual in it is read row by row."""
        key, condition, after = quoted(rules.key[0]), "", tuple[object, ...]()
        while True:
            page = joined_page(rules, condition, _page_rows(rules))
            count, last, *joined = self._driver.execute(page, after).fetchone()
            if not count:
                return
            batch = split_page(rules, count, joined)
            if batch is None:
                # Not by the last key: where a table allows any, one may be null, and is in no range.
                yield from self._read_rows(rules, [key], condition, after, count)
            else:
                yield batch
            condition, after = f" WHERE {key} > ?", (last,)

    def _read_rows(
        self,
        rules: TableRules,
        order: Sequence[str],
        condition: str = "",
        after: tuple[object, ...] = (),
        limit: int = -1,
    ) -> Generator[pa.RecordBatch, None, None]:
        names = ", ".join(map(quoted, rules.names))
        ordered = f" ORDER BY {', '.join(order)}" if order else ""  # else as they lie there
        select = f"SELECT {names} FROM {quoted(rules.name)}{condition}{ordered} LIMIT {limit}"
        found = self._driver.execute(select, after)
        many = _page_rows(rules)
        with naming_spoiled_texts(self._driver, rules, select, after):
            while rows := found.fetchmany(many):
                yield as_batch(rules, rows)


def _page_rows(rules: TableRules) -> int:
    """Few at a time where a text may be of any length."""
    texts = [column for column in rules.columns if pa.types.is_string(column.arrow) or pa.types.is_binary(column.arrow)]
    if any(not column.max_length for column in texts):
        return _FEW_ROWS
    widest = sum((column.max_length or 0) * _LETTER_BYTES for column in rules.columns)
    return max(1, min(_PAGE_ROWS, _PAGE_BYTES // max(1, widest)))


@contextmanager
def naming_spoiled_texts(
    driver: sqlite3.Connection, rules: TableRules, select: str, given: Sequence[Any]
) -> Iterator[None]:
    """Raise ValueUnstorable, with its row, for a text that is no UTF-8, of which the driver names the column alone."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "decode" in str(error):
            with _texts_as_they_are(driver):
                found = driver.execute(select, given)
                while rows := found.fetchmany(_page_rows(rules)):
                    as_batch(rules, rows)
        raise


@contextmanager
def _texts_as_they_are(driver: sqlite3.Connection) -> Iterator[None]:
    driver.text_factory = text_or_bytes
    try:
        yield
    finally:
        driver.text_factory = str


def as_batch(rules: TableRules, rows: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
    """Rows of a table, at least one, as their rules have them; what is wrong with a value is told with its row.

    Raises:
        ValueUnstorable: Another program put something else there, which SQLite allows.
    """
    try:
        return _batch(rules, rows)
    except ValueUnstorable:
        for row in rows:
            try:
                _batch(rules, [row])
            except ValueUnstorable as error:
                key = [row[rules.names.index(name)] for name in rules.identity]
                where = f" in the row with {spelled_key(rules, key)}"
                raise ValueUnstorable(**error.details | {"where": where}) from error
        raise


def _batch(rules: TableRules, rows: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    arrays = [_array(rules, rule, values) for rule, values in zip(rules.columns, columns, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=rules.schema)


def _array(rules: TableRules, rule: ColumnRule, values: tuple[Any, ...]) -> pa.Array:
    """Values of a column as its rule has them."""
    if rule.required and None in values:
        raise ValueUnstorable(table=rules.name, column=rule.name, value="a null (the column is required)")
    if (
        not set(map(type, values)) <= rule.kind.sqlite.classes
    ):  # Arrow would cut fractions off, and take bytes for texts
        return _read_singly(rules, rule, values)
    try:
        return rule.kind.read_sqlite(values, rule.arrow)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return _read_singly(rules, rule, values)


def _read_singly(rules: TableRules, rule: ColumnRule, values: tuple[Any, ...]) -> pa.Array:
    """Values one by one, to read what is spelled in another way, or to find the one that is wrong."""
    read = []
    for value in values:
        try:
            read.append(value_of(rule.kind, rule.arrow, value))
        except UnfitError as error:
            raise ValueUnstorable(
                table=rules.name, column=rule.name, value=shown(value), because=_because(error)
            ) from error
    return pa.array(read, rule.arrow)


def _because(error: Exception) -> str:
    return f": {error}" if str(error) else ""
