"""Which values of a column: truth values of NumPy, and what is left of a column by them."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow, bits_of, letters_of

Mask = npt.NDArray[np.bool_]


def mask_of(found: pa.BooleanArray) -> Mask:
    """Truth values of Arrow, none of them null, as NumPy has them."""
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.bool_)


def only(texts: pa.Array, kept: Mask) -> pa.Array:
    """The texts, or bytes, that are kept, and null for the others; no letter is copied."""
    if kept.all():
        return texts
    if texts.null_count:
        kept = kept & mask_of(pc.is_valid(texts))
    _, ends, letters = texts.buffers()
    places = ends.slice(4 * texts.offset, 4 * (len(texts) + 1))
    return pa.Array.from_buffers(texts.type, len(texts), [bits_of(kept), places, letters])


def at_most(texts: pa.StringArray, most: int) -> Mask:
    """Which texts have at most so many characters."""
    lengths = np.diff(letters_of(texts)[0])
    short = lengths <= most  # no character takes less than a byte
    if not short.all():
        long = ~short
        characters = pc.utf8_length(pc.where(texts, as_arrow(long)))
        short[long] = mask_of(pc.less_equal(characters, pa.scalar(most, pa.int32())))
    return np.asarray(short)
