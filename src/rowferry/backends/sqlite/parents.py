"""The rows of other tables that rows of a table of SQLite refer to by integers, many at once."""

import json
import sqlite3

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sqlalchemy import Table

from rowferry.arrow.integer_set import IntegerSet, is_among
from rowferry.backends.referred_keys import ReferredKeys
from rowferry.backends.sqlite.types import quoted
from rowferry.backends.sqlite.unusual_keys import UnusualKeys
from rowferry.dictionary.rules import ColumnRule, Reference, TableRules
from rowferry.kinds.registry import kind_of

_MOST, _BELOW = 500_000, 1 << 24
"""So many integers are held, besides those below the other number, which are a bit each: 2 MB in all."""

_PAGE = 100_000

_READ_FOR_EACH = 4
"""To look for a key takes as long as to read so many."""


class Referred(ReferredKeys):
    """The keys that rows refer to; integers are held even where they are many."""

    def __init__(self, rules: TableRules) -> None:
        super().__init__(rules)
        self._tables = rules.table.metadata.tables
        columns = (reference.column for reference in rules.references)
        integers = (column for column in columns if pa.types.is_integer(rules.by_name[column].arrow))
        self._integers = {column: IntegerSet(_MOST, _BELOW) for column in integers}

    def add(self, rows: pa.RecordBatch) -> None:
        super().add(rows)
        for column, integers in self._integers.items():
            integers.add(rows.column(column))

    def are_there(self, driver: sqlite3.Connection, reference: Reference) -> bool:
        """Whether it is certain that all that rows refer to is there."""
        integers = self._integers.get(reference.column)
        if integers is None or not integers.complete:
            return False
        return has_all(driver, self._tables[reference.parent], reference.target, integers.ascending())


def find_next_keys(driver: sqlite3.Connection, table: Table, column: str, after: int, most: int) -> pa.Int64Array:
    """The next integers above another one that a column of a table holds, ascending."""
    kind, arrow = kind_of(table.c[column].type)
    rule = ColumnRule(column, kind, arrow, required=True, max_length=None, doc="")
    if UnusualKeys(driver, table.name, [rule]).possible:
        return pa.array([], pa.int64())
    name = quoted(column)
    keys = f"SELECT {name} AS key FROM main.{quoted(table.name)} WHERE {name} > ? ORDER BY {name} LIMIT ?"
    # What is no integer comes behind them, and what Python finds in a text of JSON, it finds faster than in rows.
    find = f"SELECT json_group_array(key) FILTER (WHERE typeof(key) = 'integer') FROM ({keys})"
    return pa.array(json.loads(driver.execute(find, (after, most)).fetchone()[0]), pa.int64())


def has_all(driver: sqlite3.Connection, table: Table, column: str, wanted: npt.NDArray[np.int64]) -> bool:
    """Whether it is certain that a table has all of many keys, which ascend; reading does not go on for long."""
    if not len(wanted) or wanted[0] == np.iinfo(np.int64).min:
        return not len(wanted)
    left, after = _READ_FOR_EACH * len(wanted), int(wanted[0]) - 1
    while left > 0 and len(page := find_next_keys(driver, table, column, after, _PAGE).to_numpy()):
        within = np.searchsorted(wanted, page[-1], side="right")
        if not is_among(wanted[:within], page).all():
            return False
        wanted = wanted[within:]
        if not len(wanted):
            return True
        left, after = left - len(page), int(page[-1])
    return False
