"""Sets of integers that are asked for a whole column at a time."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.masks import Mask, mask_of

Int64s = npt.NDArray[np.int64]

_BELOW = 1 << 27
"""Integers that count something are below this one: a bit each, 16 MB in all, of which what is not used takes none."""


class IntegerSet:
    """A set of integers; those from 0 to `below` are a bit each.

    Of others, `most` are kept. If there are more, those from before are forgotten.
    """

    def __init__(self, most: int, below: int | None = None) -> None:
        self._most, self._below = most, below or _BELOW
        self._bits = np.zeros(0, dtype=np.uint8)
        self._others = np.empty(0, dtype=np.int64)

    def add(self, keys: pa.Array) -> None:
        """Add integers; null is passed over."""
        new = _int64s(pc.drop_null(keys) if keys.null_count else keys)
        is_bit = (new >= 0) & (new < self._below)
        self._add_bits(new[is_bit])
        if not is_bit.all():
            new = new[~is_bit]
            has_room = len(self._others) + len(new) <= self._most
            self._others = np.unique(np.concatenate((self._others if has_room else self._others[:0], new)))

    def holds(self, keys: pa.Array) -> Mask:
        """Which integers are in the set; null is not."""
        wanted = _int64s(pc.fill_null(keys, 0) if keys.null_count else keys)
        found = is_among(wanted, self._others) if len(self._others) else np.zeros(len(wanted), dtype=np.bool_)
        is_bit = (wanted >= 0) & (wanted < 8 * len(self._bits))
        numbers = wanted[is_bit]
        found[is_bit] = (self._bits[numbers >> 3] >> (numbers & 7)) & 1
        return found & mask_of(pc.is_valid(keys)) if keys.null_count else found

    def has_room(self) -> bool:
        """Whether many can be added without others being forgotten."""
        return len(self._others) < self._most // 2

    def _add_bits(self, new: Int64s) -> None:
        if not len(new):
            return
        if not len(self._bits):
            self._bits = np.zeros(self._below >> 3, dtype=np.uint8)
        np.bitwise_or.at(self._bits, new >> 3, (1 << (new & 7)).astype(np.uint8))


def is_among(keys: Int64s, ascending: Int64s) -> Mask:
    """Which keys are among others."""
    at = np.searchsorted(ascending, keys)
    return np.asarray(np.append(ascending, 0)[at] == keys) & (at < len(ascending))


def _int64s(keys: pa.Array) -> Int64s:
    return np.asarray(keys.to_numpy(zero_copy_only=False), dtype=np.int64)
