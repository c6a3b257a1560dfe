"""Arrow's arrays and NumPy's, each made of the other; what can be shared is not copied."""

from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rowferry.arrow import compute as pc

_IDENTIFIER = pa.binary(16)


def letters_of(values: pa.StringArray | pa.BinaryArray) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """Where each value begins, and at last where the last one ends, in the bytes of all, which come second."""
    _, ends, letters = values.buffers()
    offsets = np.frombuffer(ends, dtype=np.int32)[values.offset : values.offset + len(values) + 1]
    found = np.frombuffer(letters or b"", dtype=np.uint8)[offsets[0] : offsets[-1]]
    return offsets - offsets[0], found


def as_arrow(values: npt.NDArray[Any], valid: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Truth values or numbers, null where they are not valid.

    `pa.array` does this too, but imports NumPy's masked arrays first, which takes as long as to judge 100,000 rows.
    """
    shared = bits_of(values) if values.dtype == np.bool_ else pa.py_buffer(np.ascontiguousarray(values))
    buffers = [None if valid is None else bits_of(valid), shared]
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), buffers)


def python_values(values: pa.Array) -> list[Any]:
    """Values as Python has them. What always takes 16 bytes is an identifier."""
    found = list(values.to_pylist())
    return [None if each is None else UUID(bytes=each) for each in found] if values.type == _IDENTIFIER else found


def rows_as_python(rows: pa.RecordBatch) -> list[dict[str, Any]]:
    """Rows as Python has their values, by the names of their columns."""
    columns = map(python_values, rows.columns)
    return [dict(zip(rows.schema.names, row, strict=True)) for row in zip(*columns, strict=True)]


def bits_of(values: npt.NDArray[np.bool_]) -> pa.Buffer:
    """Truth values as Arrow has them: a bit each, as they also say which values are valid."""
    return pa.py_buffer(np.packbits(values, bitorder="little"))


def validity_of(values: pa.Array) -> pa.Buffer | None:
    """Which values there are, as Arrow says it of as many others; None if none is null."""
    return bits_of(pc.is_valid(values).to_numpy(zero_copy_only=False)) if values.null_count else None


def of_equal_width(rows: npt.NDArray[Any], arrow: pa.DataType, valid: pa.Buffer | None = None) -> pa.Array:
    """Texts or bytes of the same length, each of them a row of a matrix."""
    ends = np.arange(len(rows) + 1, dtype=np.int32) * (rows.shape[1] * rows.itemsize)
    letters = pa.py_buffer(np.ascontiguousarray(rows))
    return pa.Array.from_buffers(arrow, len(rows), [valid, pa.py_buffer(ends), letters])


def is_utf8(text: bytes | memoryview) -> bool:
    """Whether it can be decoded; Python finds that out too, but only by decoding it, at a sixth of the speed."""
    ends = np.array([0, len(text)], dtype=np.int32)
    try:
        pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(ends), pa.py_buffer(text)]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
