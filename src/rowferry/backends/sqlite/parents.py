"""The keys of a table of SQLite that others refer to by integers, many at once."""

import json
import sqlite3

import pyarrow as pa
from sqlalchemy import Table

from rowferry.backends.sqlite.types import DIALECT, quoted
from rowferry.backends.sqlite.unusual_keys import UnusualKeys
from rowferry.dictionary.rules import ColumnRule
from rowferry.kinds.registry import kind_of


def find_next_keys(driver: sqlite3.Connection, table: Table, column: str, after: int, most: int) -> pa.Int64Array:
    """The next integers above another one that a column of a table holds, ascending."""
    kind, arrow = kind_of(table.c[column].type, DIALECT)
    rule = ColumnRule(column, kind, arrow, required=True, max_length=None, doc="")
    if UnusualKeys(driver, table.name, [rule]).possible:
        return pa.array([], pa.int64())
    name = quoted(column)
    keys = f"SELECT {name} AS key FROM main.{quoted(table.name)} WHERE {name} > ? ORDER BY {name} LIMIT ?"
    # What is no integer comes behind them, and what Python finds in a text of JSON, it finds faster than in rows.
    find = f"SELECT json_group_array(key) FILTER (WHERE typeof(key) = 'integer') FROM ({keys})"
    return pa.array(json.loads(driver.execute(find, (after, most)).fetchone()[0]), pa.int64())
