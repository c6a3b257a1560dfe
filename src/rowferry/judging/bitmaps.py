"""Compressed bitmaps of integers, asked for a whole column at a time."""

from array import array

import numpy as np
from pyroaring import BitMap64

from rowferry.judging.candidate_keys import Int64s, Mask


def bitmap_of(integers: Int64s) -> BitMap64:
    """A bitmap of integers; those below zero are behind all others there."""
    return BitMap64(array("Q", np.ascontiguousarray(integers).tobytes()))


def are_in(bitmap: BitMap64, integers: Int64s) -> Mask:
    """Which integers are in a bitmap."""
    found = bitmap & bitmap_of(integers)
    return np.isin(integers, np.array(list(found), dtype=np.uint64).view(np.int64))
