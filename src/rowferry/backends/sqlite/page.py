"""A page of the rows of a table of SQLite, by what their keys stand for, however they are spelled."""

import sqlite3
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from rowferry.arrow.arrays import rows_as_python
from rowferry.backends.sqlite.snapshot import as_batch, naming_spoiled_texts
from rowferry.backends.sqlite.types import quoted
from rowferry.backends.sqlite.unusual_keys import UnusualKeys
from rowferry.backends.sqlite.values import stored
from rowferry.dictionary.rules import TableRules


def read_page(
    driver: sqlite3.Connection, rules: TableRules, after: Sequence[Any] | None, limit: int
) -> list[dict[str, Any]]:
    """Up to so many rows behind the one with a key, in the order of the key; without a key, behind so many rows.

    Raises:
        ValueUnstorable: The database holds a value that the model does not allow.
    """
    if not rules.key:
        passed = int(after[0]) if after else 0
        ordered = ", ".join(map(quoted, rules.names))
        find = f"SELECT {ordered} FROM main.{quoted(rules.name)} ORDER BY {ordered} LIMIT {limit} OFFSET {passed}"
        return _read(driver, rules, find, ())
    key = [rules.by_name[name] for name in rules.key]
    keys = UnusualKeys(driver, rules.name, key)
    given: list[Any] = []
    for rule, value in zip(key, after or (), strict=False):
        given += stored(pa.array([value], rule.arrow))
    order = ", ".join(keys.forms())
    behind = f"({order}) > ({', '.join('?' * len(given))})" if given else "1"
    near, bounds = keys.span(given, limit)
    select = f"SELECT {', '.join(map(quoted, rules.names))} FROM main.{quoted(rules.name)}"
    find, bound = f"{select} WHERE {behind} AND {near} ORDER BY {order} LIMIT {limit}", (*given, *bounds)
    return _read(driver, rules, find, bound)


def _read(driver: sqlite3.Connection, rules: TableRules, find: str, bound: tuple[Any, ...]) -> list[dict[str, Any]]:
    with naming_spoiled_texts(driver, rules, find, bound):
        found = driver.execute(find, bound).fetchall()
    return rows_as_python(as_batch(rules, found)) if found else []
