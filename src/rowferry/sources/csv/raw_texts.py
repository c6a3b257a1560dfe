"""Rows of a block as they stood in it, many at once."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow
from rowferry.sources.csv.framing import CR, LF

Offsets = npt.NDArray[np.int64]


def spans_of(data: bytes, row_starts: Offsets, positions: Offsets) -> tuple[Offsets, Offsets]:
    """Where rows, by position, begin and end in a block of rows, without what ends them."""
    block = np.frombuffer(data, dtype=np.uint8)
    starts, ends = row_starts[positions], np.append(row_starts[1:], len(data))[positions]
    for mark in (LF, CR, CR):
        ends = ends - ((ends > starts) & (block[ends - 1] == mark))
    return starts, ends


def texts_between(data: bytes, starts: Offsets, ends: Offsets) -> pa.StringArray:
    """The texts between some places, which ascend, in a block; whether they are UTF-8 is not looked at."""
    bounds = np.stack([starts, ends], axis=1).ravel().astype(np.int32)
    if not len(bounds):
        return pa.array([], pa.string())
    # Every other text is one of them; between them stands what is left out.
    texts = pa.Array.from_buffers(pa.string(), len(bounds) - 1, [None, pa.py_buffer(bounds), pa.py_buffer(data)])
    return pc.take(texts, as_arrow(np.arange(0, len(bounds), 2)))
