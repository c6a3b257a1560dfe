r"""Texts of many rows as a database joins them into one value, which is faster than to send them one by one.

NUL stands between two texts, and 0xFF for a missing one. Arrow has all texts behind each other without any separators,
and where each of them ends: so both bytes are taken out, and what stood before each text is taken off its place.

    >>> texts = split_texts(b"Ann\0\xff\0\0Bo")
    >>> texts.to_pylist()
    ['Ann', None, '', 'Bo']
    >>> texts.buffers()[2].to_pybytes()
    b'AnnBo'
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rowferry.arrow.arrays import bits_of

NO_TEXT = 0xFF
"""Stands for a missing text: no text in UTF-8 holds this byte. NUL separates texts; PostgreSQL takes none in them."""


def split_texts(data: bytes) -> pa.Array:
    """The texts of a column that were joined by NUL, at least one, NO_TEXT alone being a missing one."""
    letters = np.frombuffer(data, dtype=np.uint8)
    ends = np.append(np.flatnonzero(letters == 0), len(letters))
    starts = np.append(0, ends[:-1] + 1)
    single = np.flatnonzero(ends - starts == 1)
    missing = np.zeros(len(ends), dtype=np.bool_)
    missing[single] = letters[starts[single]] == NO_TEXT
    before: npt.NDArray[np.int64] = (
        np.cumsum(missing) - missing
    )  # how many missing ones stand before each, whose one byte goes too
    offsets = np.append(starts - np.arange(len(starts)) - before, ends[-1] - (len(ends) - 1) - missing.sum())
    kept = letters[(letters != 0) & (letters != NO_TEXT)] if missing.any() else letters[letters != 0]
    valid = bits_of(~missing) if missing.any() else None
    buffers = [valid, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(kept.tobytes())]
    return pa.Array.from_buffers(pa.string(), len(ends), buffers)
