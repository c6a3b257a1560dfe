"""The keys of rows, and what is told of them: of a table, the primary key and all else that is unique are keys."""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import python_values
from rowferry.arrow.masks import mask_of
from rowferry.dictionary.faults import shown
from rowferry.dictionary.rules import TableRules
from rowferry.kinds.texts import Text

Mask = npt.NDArray[np.bool_]
Int64s = npt.NDArray[np.int64]

Columns = Sequence[pa.Array]
"""The columns of one key."""


class Repeated(NamedTuple):
    """Keys that earlier rows have taken: row after row, and of each row in the order of the candidate keys.

    `positions` are those of the rows, `numbers` say which of the candidate keys it is, `takers` are the numbers of the
    rows that have taken it.
    """

    positions: Int64s
    numbers: Int64s
    takers: Int64s


def has_key(rules: TableRules, rows: pa.RecordBatch) -> Mask:
    """Which rows have a primary key: where it is left out, the database makes one; a table may have none at all."""
    return present([rows.column(name) for name in rules.key]) if rules.key else np.zeros(rows.num_rows, dtype=np.bool_)


def present(columns: Columns) -> Mask:
    """Which rows have no missing value in some columns."""
    found = np.ones(len(columns[0]), dtype=np.bool_)
    for column in columns:
        if column.null_count:
            found &= mask_of(pc.is_valid(column))
    return found


def texts_of(number: int, key: Columns) -> list[str | None]:
    """Keys as texts, with the number of their columns among the candidate keys; None where a value is missing."""
    rows = zip(*map(python_values, key), strict=True)
    return [None if None in row else json.dumps((number, *row), default=str) for row in rows]


def spelled(rules: TableRules, names: Iterable[str], values: Iterable[object]) -> str:
    """Values of columns as they may stand in a message."""
    both = zip(names, values, strict=True)
    return ", ".join(shown(value) if isinstance(rules.by_name[name].kind, Text) else str(value) for name, value in both)


def all_spelled(rules: TableRules, names: Sequence[str], columns: Columns) -> pa.StringArray:
    """The same of many rows."""
    if len(columns) == 1 and pa.types.is_integer(columns[0].type):
        return pc.cast(columns[0], pa.string())
    rows = zip(*map(python_values, columns), strict=True)
    return pa.array([spelled(rules, names, row) for row in rows], pa.string())
