"""Keys of one integer column that rows have taken: a compressed bitmap, exact and small.

Rows 1 to 4 take the keys 10, 11, 12 and 50; row 5 comes too late for 11. The bitmap knows which keys are taken. Who
took them is asked of few, so it is in a log on disk: two runs, (10, 1, 3) and (50, 4, 1), in which the key and the row
number rise by one.

    >>> keys = IntegerKeys()
    >>> late = keys.take([[pa.array([10, 11, 12, 50, 11])]], np.array([1, 2, 3, 4, 5]))
    >>> late.positions.tolist(), late.takers.tolist()  # the fifth row is late: row 2 has taken its key
    ([4], [2])
    >>> keys.holds([pa.array([12, 13])]).tolist()
    [True, False]
    >>> keys.close()
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from pyroaring import BitMap64

from rowferry.arrow import compute as pc
from rowferry.arrow.integer_set import is_among
from rowferry.judging.bitmaps import are_in, bitmap_of
from rowferry.judging.candidate_keys import Columns, Int64s, Mask, Repeated
from rowferry.judging.taker_log import TakerLog

_FEW_RUNS = 16
"""Where runs are so long on average, the bitmap takes them faster one by one than key by key."""


class IntegerKeys:
    """Keys of one integer column: a compressed bitmap, and a log of who took what."""

    def __init__(self) -> None:
        self._bits = BitMap64()
        self._log = TakerLog()
        self._highest = np.iinfo(np.int64).min

    def take(self, keys: Sequence[Columns], row_numbers: Int64s) -> Repeated:
        column, there = keys[0][0], np.arange(len(row_numbers))
        if column.null_count:  # the database makes these keys
            there = np.flatnonzero(pc.is_valid(column).to_numpy(zero_copy_only=False))
            column, row_numbers = pc.drop_null(column), row_numbers[there]
        values = _int64(column)
        repeated = np.flatnonzero(self._take(values, row_numbers)) if len(values) else np.zeros(0, dtype=np.int64)
        takers = self._log.takers(values[repeated]) if len(repeated) else repeated
        return Repeated(there[repeated], np.zeros_like(repeated), takers)

    def _take(self, keys: Int64s, row_numbers: Int64s) -> Mask:
        taken = np.zeros(len(keys), dtype=np.bool_)
        highest = np.maximum(np.maximum.accumulate(keys), self._highest)
        rises = keys > np.concatenate(([self._highest], highest[:-1]))
        if not rises.all():
            # What rises is new. The rest is new, too, if it is neither among what rose nor among itself nor of old.
            taken[~rises] = self._repeated(keys[~rises]) | is_among(keys[~rises], keys[rises])
            keys, row_numbers = keys[~taken], row_numbers[~taken]
        if len(keys):
            self._add(keys, row_numbers)
            self._highest = int(highest[-1])
        return taken

    def holds(self, key: Columns, number: int = 0) -> Mask:  # noqa: ARG002  # there is one only
        return are_in(self._bits, _int64(key[0]))

    def close(self) -> None:
        self._log.close()

    def _add(self, keys: Int64s, row_numbers: Int64s) -> None:
        goes_on = (np.diff(keys) == 1) & (keys[1:] > keys[:-1]) & (np.diff(row_numbers) == 1)
        begins = np.concatenate(([0], np.flatnonzero(~goes_on) + 1))
        lengths = np.diff(begins, append=len(keys))
        self._log.add(keys[begins], row_numbers[begins], lengths)
        if len(begins) * _FEW_RUNS <= len(keys) and keys.min() >= 0:
            for first, length in zip(keys[begins].tolist(), lengths.tolist(), strict=True):
                self._bits.add_range(first, first + length)
        else:
            self._bits |= bitmap_of(keys)

    def _repeated(self, keys: Int64s) -> Mask:
        order = np.argsort(keys, kind="stable")
        in_order = keys[order]
        repeated = np.zeros(len(keys), dtype=np.bool_)
        repeated[order[1:]] = in_order[1:] == in_order[:-1]
        return repeated | are_in(self._bits, keys)


def _int64(column: pa.Array) -> Int64s:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.int64)
