"""Keys of parents that are known, so that no database is asked for them again."""

from typing import Protocol

import numpy as np
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.masks import mask_of
from rowferry.judging.candidate_keys import Int64s, Mask
from rowferry.judging.integer_keys import is_among

_MOST = 1_000_000
"""So many keys are remembered; if there are more, those from before are forgotten."""

_BITS = 1 << 27
"""Integers below this one are a bit each, 16 MB in all, and never forgotten."""


class KnownKeys(Protocol):
    """A set of keys of one type."""

    def holds(self, keys: pa.Array) -> Mask:
        """Which keys are in the set; null is not."""

    def add(self, keys: pa.Array) -> None:
        """Add keys, none of which is null."""

    def has_room(self) -> bool:
        """Whether many keys can be added without others being forgotten."""


def known_keys(arrow: pa.DataType) -> KnownKeys:
    """An empty set of keys of a type."""
    return KnownIntegers() if pa.types.is_integer(arrow) else KnownValues(arrow)


class KnownIntegers:
    """Implements KnownKeys for integers: those that count something are bits, others are kept sorted."""

    def __init__(self) -> None:
        self._bits = np.zeros(0, dtype=np.uint8)
        self._others = np.empty(0, dtype=np.int64)

    def holds(self, keys: pa.Array) -> Mask:
        wanted = _int64s(keys)
        is_bit = (wanted >= 0) & (wanted < 8 * len(self._bits))
        found = np.zeros(len(wanted), dtype=np.bool_)
        numbers = wanted[is_bit]
        found[is_bit] = (self._bits[numbers >> 3] >> (numbers & 7)) & 1
        if len(self._others):
            found |= is_among(wanted, self._others)
        return found & mask_of(pc.is_valid(keys)) if keys.null_count else found

    def add(self, keys: pa.Array) -> None:
        new = _int64s(keys)
        is_bit = (new >= 0) & (new < _BITS)
        self._add_bits(new[is_bit])
        if not is_bit.all():
            new = new[~is_bit]
            kept = self._others if len(self._others) + len(new) <= _MOST else self._others[:0]
            self._others = np.unique(np.concatenate((kept, new)))

    def has_room(self) -> bool:
        return len(self._others) < _MOST // 2

    def _add_bits(self, new: Int64s) -> None:
        if not len(new):
            return
        missing = (int(new.max()) >> 3) + 1 - len(self._bits)
        if missing > 0:
            self._bits = np.pad(self._bits, (0, max(missing, len(self._bits))))
        np.bitwise_or.at(self._bits, new >> 3, (1 << (new & 7)).astype(np.uint8))


class KnownValues:
    """Implements KnownKeys for all types."""

    def __init__(self, arrow: pa.DataType) -> None:
        self._values = pa.array([], arrow)

    def holds(self, keys: pa.Array) -> Mask:
        return mask_of(pc.is_in(keys, value_set=self._values))

    def add(self, keys: pa.Array) -> None:
        kept = self._values if len(self._values) + len(keys) <= _MOST else self._values[:0]
        self._values = pa.concat_arrays([kept, keys])

    def has_room(self) -> bool:
        return len(self._values) < _MOST // 2


def _int64s(keys: pa.Array) -> Int64s:
    return np.asarray(pc.fill_null(pc.cast(keys, pa.int64()), 0).to_numpy(zero_copy_only=False))
