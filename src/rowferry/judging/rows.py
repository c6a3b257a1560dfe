"""Rows in motion: what a source hands out and what the judge makes of it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rowferry.dictionary.faults import Fault

Positions = npt.NDArray[np.int64]

UNREADABLE = object()
"""Stands for a cell that cannot be read; its fault is among the faults of its row."""

LEFT_OUT = object()
"""Stands for a cell that its row leaves out, to take the default of its column."""

Unreadable = tuple[int, Positions]
"""The number of a column, and the plain rows, by position, whose cell in it stands for no value."""


@dataclass(frozen=True, slots=True)
class OddRow:
    """A row that is judged by itself: its cells in column order (None: missing), or why it has none."""

    position: int
    cells: Sequence[object] | None
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class RowBatch:
    """Some consecutive rows of a source, `count` of them, the first being row number `first`.

    Plain rows are columns of text, in table order, and `positions` says which row of the batch each of them is; all
    others are odd rows, or rows without cells. `spoiled` are rows of which many have the same fault, `unreadable` cells
    of plain rows that stand for nothing, `left_out` those whose column is to be filled. `raw` gives a row as it stood
    in the source, by position, and `raws` some of them at once. In a `typed` batch the columns may be of any Arrow
    type, and null stands for what is missing; if all else was `present` in a table, so is an empty text.
    """

    first: int
    count: int
    columns: list[pa.Array]
    positions: Positions
    odd: list[OddRow]
    raw: Callable[[int], str]
    spoiled: Sequence[tuple[Positions, Fault]] = ()
    unreadable: Sequence[Unreadable] = ()
    left_out: Sequence[Unreadable] = ()
    raws: Callable[[Positions], pa.StringArray] | None = None
    typed: bool = False
    present: bool = False


def raws_of(batch: RowBatch, positions: Positions) -> pa.StringArray:
    """Rows as they stood in their source, by position."""
    if batch.raws is not None:
        return batch.raws(positions)
    return pa.array(map(batch.raw, positions.tolist()), pa.string())


def raw_rows(batches: Iterable[RowBatch], row_numbers: Iterable[int]) -> Iterator[tuple[int, str]]:
    """Rows as they stood in their source, by ascending row number."""
    wanted = iter(row_numbers)
    number = next(wanted, None)
    for batch in batches:
        while number is not None and number < batch.first + batch.count:
            yield number, batch.raw(number - batch.first)
            number = next(wanted, None)


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that is not inserted, as it stood in the source, and all that is wrong with it."""

    row_number: int
    raw: str
    faults: tuple[Fault, ...]
