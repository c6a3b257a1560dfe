"""Keys of parents that are known, so that no database is asked for them again."""

from typing import Protocol

import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.integer_set import IntegerSet
from rowferry.arrow.masks import mask_of
from rowferry.judging.candidate_keys import Mask

_MOST = 1_000_000
"""So many keys are remembered, besides integers that are a bit each; if there are more, all before are forgotten."""


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
    return IntegerSet(_MOST) if pa.types.is_integer(arrow) else KnownValues(arrow)


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
