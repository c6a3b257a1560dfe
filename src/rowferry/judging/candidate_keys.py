"""The keys of rows, and what is told of them: of a table, the primary key and all else that is unique are keys."""

import json
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rowferry.dictionary.faults import Fault, RejectCode, shown
from rowferry.dictionary.rules import TableRules
from rowferry.kinds.texts import TEXT

Mask = npt.NDArray[np.bool_]
Int64s = npt.NDArray[np.int64]

Columns = Sequence[pa.Array]
"""The columns of one key."""

Repeated = dict[int, tuple[int | str, ...]]
"""Of rows some of whose keys earlier rows have taken, by position: these keys, as `first_rows` knows them."""


def texts_of(number: int, key: Columns) -> list[str | None]:
    """Keys as texts, with the number of their columns among the candidate keys; None where a value is missing."""
    rows = zip(*(column.to_pylist() for column in key), strict=True)
    return [None if None in row else json.dumps((number, *row), default=str) for row in rows]


def duplicate(rules: TableRules, key: int | str, taker: str) -> Fault:
    """What is wrong with a row one of whose keys another row, the taker, has taken."""
    number, *values = json.loads(key) if isinstance(key, str) else (0, key)
    names = rules.candidate_keys[number]
    message = f"{', '.join(names)} {spelled(rules, names, values)} was taken by {taker}"
    return Fault(names[0] if len(names) == 1 else None, RejectCode.DUPLICATE, message)


def spelled(rules: TableRules, names: Iterable[str], values: Iterable[object]) -> str:
    """Values of columns as they may stand in a message."""
    both = zip(names, values, strict=True)
    return ", ".join(shown(value) if rules.by_name[name].kind is TEXT else str(value) for name, value in both)
