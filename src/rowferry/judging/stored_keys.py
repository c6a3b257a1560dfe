"""Keys of any kind, of several columns, or several for each row, that rows have taken: hashes, and values on disk.

A hash that no other key has proves that a key is new. Equal hashes prove nothing: only then are the values compared.
Here each row has two keys, an id and a name. Row 3 is late for the name `a`, so it does not take the id 3 either, which
row 4 may have:

    >>> keys = StoredKeys()
    >>> late = keys.take([[pa.array([1, 2, 3])], [pa.array(["a", "b", "a"])]], np.array([1, 2, 3]))
    >>> late.positions.tolist(), late.numbers.tolist(), late.takers.tolist()  # its key number 1, from 0, is row 1's
    ([2], [1], [1])
    >>> keys.take([[pa.array([3])], [pa.array(["c"])]], np.array([4])).positions.tolist()
    []
    >>> keys.close()
"""

import mmap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow
from rowferry.files.disk_full import temporary_file
from rowferry.judging.candidate_keys import Columns, Int64s, Mask, Repeated, present, texts_of
from rowferry.judging.sorted_runs import SortedRuns

_NOBODY = -1
_NONE = Repeated(*np.zeros((3, 0), dtype=np.int64))
_ROW_NUMBER = "row_number"


_FACTOR = 4_294_967_311
"""A prime beyond 32 bits: integers below that, two of which make up a key, have the hash of no other two.

And if the keys ascend, so do their hashes, which is the order that takes no sorting.
"""

_OF_WORDS = np.array([1, _FACTOR], dtype=np.int64)


@dataclass(frozen=True)
class _Hashed:
    """Keys with the positions of those without a missing value, by ascending hash, and these hashes."""

    key: Columns
    positions: Int64s
    hashes: Int64s

    def repeated(self) -> Int64s:
        """The positions of keys whose hash is not theirs alone."""
        alone = np.ones(len(self.hashes), dtype=np.bool_)
        same = np.flatnonzero(self.hashes[1:] == self.hashes[:-1])
        alone[same] = alone[same + 1] = False
        return self.positions[~alone]

    def only(self, good: Mask) -> "_Hashed":
        kept = good[self.positions]
        return _Hashed(self.key, self.positions[kept], self.hashes[kept])


class StoredKeys:
    """All candidate keys of a table; a row whose keys have the hash of no other row's is known to be the first."""

    def __init__(self) -> None:
        self._kept: dict[int, _KeptValues] = {}

    def take(self, keys: Sequence[Columns], row_numbers: Int64s) -> Repeated:
        hashed = [_hashed(key) for key in keys]
        takers = [self._of(number).takers(key) for number, key in enumerate(hashed)]
        suspects = np.zeros(len(row_numbers), dtype=np.bool_)
        for key, found in zip(hashed, takers, strict=True):
            suspects |= found != _NOBODY
            suspects[key.repeated()] = True
        repeated = self._judge(np.flatnonzero(suspects), hashed, takers, row_numbers) if suspects.any() else _NONE
        good = np.ones(len(row_numbers), dtype=np.bool_)
        good[repeated.positions] = False
        for number, key in enumerate(hashed):
            self._of(number).add(key.only(good), row_numbers)
        return repeated

    def _judge(
        self, suspects: Int64s, hashed: Sequence[_Hashed], takers: Sequence[Int64s], row_numbers: Int64s
    ) -> Repeated:
        """Judge rows one by one: each takes all its keys, or none if an earlier row has taken one of them."""
        keys = ([pc.take(column, as_arrow(suspects)) for column in key.key] for key in hashed)
        texts = [texts_of(number, key) for number, key in enumerate(keys)]
        before = [found[suspects].tolist() for found in takers]
        taken: dict[str, int] = {}
        repeated: list[tuple[int, int, int]] = []
        rows = zip(suspects.tolist(), zip(*texts, strict=True), zip(*before, strict=True), strict=True)
        for at, own, earlier in rows:
            both = enumerate(zip(own, earlier, strict=True))
            firsts = [(number, taken.get(key, row)) for number, (key, row) in both if key is not None]
            found = [(at, number, row) for number, row in firsts if row != _NOBODY]
            repeated += found
            if not found:
                taken.update((key, int(row_numbers[at])) for key in own if key is not None)
        return Repeated(*np.array(repeated, dtype=np.int64).reshape(-1, 3).T)

    def holds(self, key: Columns, number: int = 0) -> Mask:
        return np.asarray(self._of(number).takers(_hashed(key)) != _NOBODY)

    def close(self) -> None:
        for kept in self._kept.values():
            kept.close()

    def _of(self, number: int) -> "_KeptValues":
        if number not in self._kept:
            self._kept[number] = _KeptValues()
        return self._kept[number]


class _KeptValues:
    """The values of one key that are taken, with the rows that took them.

    Hashes stand in sorted runs, each with its rows; a hash is no proof, so the values themselves are on disk, batch
    after batch.
    """

    def __init__(self) -> None:
        self._runs = SortedRuns()
        self._file = temporary_file()  # lives as long as this object
        self._first_rows: list[int] = []
        self._places: list[int] = [0]
        self._schema = pa.schema([])
        self._seen: mmap.mmap | None = None

    def takers(self, asked: _Hashed) -> Int64s:
        """The row that has taken each of the keys, _NOBODY where none has."""
        key, at, hashes = asked.key, asked.positions, asked.hashes
        found = np.full(len(key[0]), _NOBODY, dtype=np.int64)
        for run, rows in self._runs:
            if not len(hashes) or hashes[0] > run[-1] or hashes[-1] < run[0]:
                continue
            places = np.searchsorted(run, hashes)
            # Different values of the same hash stand side by side.
            left = np.flatnonzero(run[np.minimum(places, len(run) - 1)] == hashes)
            while len(left):
                candidates = rows[places[left]]
                same = self._are(key, at[left], candidates)
                found[at[left[same]]] = candidates[same]
                left = left[~same]
                places[left] += 1
                left = left[places[left] < len(run)]
                left = left[run[places[left]] == hashes[left]]
        return found

    def add(self, new: _Hashed, row_numbers: Int64s) -> None:
        """Keep keys that nobody has taken, with their rows, which ascend."""
        if not len(new.positions):
            return
        at = np.sort(new.positions)
        columns = [*(pc.take(column, as_arrow(at)) for column in new.key), as_arrow(row_numbers[at])]
        batch = pa.record_batch(columns, names=[*map(str, range(len(new.key))), _ROW_NUMBER])
        self._schema = batch.schema
        self._first_rows.append(int(row_numbers[at[0]]))
        self._places.append(self._places[-1] + self._file.write(batch.serialize()))
        self._runs.add(np.stack((new.hashes, row_numbers[new.positions])))

    def close(self) -> None:
        self._file.close()

    def _are(self, key: Columns, at: Int64s, rows: Int64s) -> Mask:
        """Which keys, at some positions, are those of rows."""
        same = np.zeros(len(at), dtype=np.bool_)
        batches = np.searchsorted(self._first_rows, rows, side="right") - 1
        for number in np.unique(batches).tolist():
            asked = np.flatnonzero(batches == number)
            batch = self._batch(number)
            places = as_arrow(np.searchsorted(batch.column(_ROW_NUMBER).to_numpy(), rows[asked]))
            equal = pa.repeat(pa.scalar(True, pa.bool_()), len(asked))
            for column, theirs in zip(key, batch.columns, strict=False):
                equal = pc.and_(equal, pc.equal(pc.take(column, as_arrow(at[asked])), pc.take(theirs, places)))
            same[asked] = equal.to_numpy(zero_copy_only=False)
        return same

    def _batch(self, number: int) -> pa.RecordBatch:
        if self._seen is None or len(self._seen) < self._places[-1]:
            self._file.flush()
            self._seen = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        content = memoryview(self._seen)[self._places[number] : self._places[number + 1]]
        return pa.ipc.read_record_batch(pa.py_buffer(content), self._schema)


def _hashed(key: Columns) -> _Hashed:
    # Of zero there is one, whatever sign it has.
    key = [pc.add(column, 0.0) if pa.types.is_floating(column.type) else column for column in key]
    hashes = np.zeros(len(key[0]), dtype=np.int64)
    for column in key:
        hashes = hashes * _FACTOR + _hashes_of(column)
    there = np.flatnonzero(present(key))
    order = np.argsort(hashes[there], kind="stable")
    return _Hashed(key, there[order], hashes[there][order])


def _hashes_of(column: pa.Array) -> Int64s:
    """A number for each value, the same for the same; integers, instants and the like ascend as they do."""
    if pa.types.is_string(column.type):
        return np.fromiter(map(hash, column.to_pylist()), dtype=np.int64, count=len(column))
    if column.type.bit_width > pa.int64().bit_width:
        words = np.frombuffer(column.buffers()[1], dtype=np.int64).reshape(-1, column.type.bit_width // 64)
        return np.asarray(words[column.offset : column.offset + len(column), :2] @ _OF_WORDS)
    width = pa.int32() if column.type.bit_width == pa.int32().bit_width else pa.int64()
    numbers = column.view(width) if column.type.bit_width >= width.bit_width else pc.cast(column, width)
    return np.asarray(pc.fill_null(numbers, 0).to_numpy(zero_copy_only=False), dtype=np.int64)
