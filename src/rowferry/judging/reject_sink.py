"""Where rejected rows wait until their load ends: on disk, so that they may be many, and unseen by others."""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from operator import itemgetter
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow
from rowferry.files.disk_full import SpooledFile
from rowferry.judging.candidate_keys import Int64s
from rowferry.judging.found_faults import bit_of, codes_of
from rowferry.judging.places import Places
from rowferry.judging.rejected_rows import RejectedRows

_MERGED_ROWS = 4_000

_CODE_BITS = 44

_SCHEMA = pa.schema({"row_number": pa.int64(), "raw": pa.string(), "errors": pa.string()})


class _Place(NamedTuple):
    """Where a batch of rows is in the file."""

    offset: int
    size: int


_Rows = tuple[Int64s, pa.Array, pa.Array]
"""Rows: their numbers, as they stood, and their faults as JSON."""


class RejectSink:
    """The rejected rows of one source, in a temporary file, gone with the process."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._file = SpooledFile()
        self._runs: list[list[_Place]] = [[]]
        self._by_codes: Counter[tuple[int, int]] = Counter()
        self._last = self._written = 0
        self.count = 0

    def add(self, rows: RejectedRows) -> None:
        """Keep rejected rows, which ascend by row number."""
        if not len(rows):
            return
        self._count(rows)
        batch = pa.record_batch([as_arrow(rows.numbers), rows.raws, rows.errors], schema=_SCHEMA)
        if rows.numbers[0] < self._last and self._runs[-1]:
            self._runs.append([])
        self._file.seek(self._written)
        size = self._file.write(batch.serialize())
        self._runs[-1].append(_Place(self._written, size))
        self._written += size
        self._last = int(rows.numbers[-1])
        self.count += len(rows)

    def counts(self) -> list[tuple[int, dict[str, int]]]:
        """Of each file, how many rows are rejected, and how many have each code among their faults."""
        found: list[Counter[str]] = [Counter() for _ in self._places.names]
        rows: Counter[int] = Counter()
        for (file, codes), count in self._by_codes.items():
            rows[file] += count
            found[file].update(dict.fromkeys(map(str, codes_of(codes)), count))
        return [(rows[file], dict(sorted(by_code.items()))) for file, by_code in enumerate(found)]

    def count_only(self, code: str) -> int:
        """How many rows have no other faults than of this code."""
        return sum(count for (_, codes), count in self._by_codes.items() if codes == bit_of(code))

    def __iter__(self) -> Iterator[tuple[str, int, str, str]]:
        """All rejected rows in order: the file, the number there, the row as it stood, its faults as JSON."""
        for batch in self.batches():
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The same, some at a time: `source`, `row_number`, `raw` and `errors`."""
        names = pa.array(self._places.names, pa.string())
        for numbers, raws, errors in self._merged():
            files = self._places.files_of(numbers)
            own = as_arrow(self._places.own_numbers(numbers, files))
            columns = [pc.take(names, as_arrow(files)), own, raws, errors]
            yield pa.record_batch(columns, names=["source", "row_number", "raw", "errors"])

    def close(self) -> None:
        self._file.close()

    def _count(self, rows: RejectedRows) -> None:
        pairs = self._places.files_of(rows.numbers) << _CODE_BITS | rows.codes
        for pair, count in zip(*(each.tolist() for each in np.unique(pairs, return_counts=True)), strict=True):
            self._by_codes[pair >> _CODE_BITS, pair & (1 << _CODE_BITS) - 1] += count

    def _merged(self) -> Iterator[_Rows]:
        """All rows by ascending number."""
        runs = [map(self._read, run) for run in self._runs if run]
        if len(runs) < 2:
            yield from chain.from_iterable(runs)
            return
        rows = heapq.merge(*map(_one_by_one, runs), key=itemgetter(0))
        while some := list(islice(rows, _MERGED_ROWS)):
            numbers, raws, errors = zip(*some, strict=True)
            yield np.array(numbers, dtype=np.int64), pa.array(raws, pa.string()), pa.array(errors, pa.string())

    def _read(self, place: _Place) -> _Rows:
        self._file.seek(place.offset)
        content = self._file.read(place.size)
        numbers, raws, errors = pa.ipc.read_record_batch(pa.py_buffer(content), _SCHEMA).columns
        return numbers.to_numpy(), raws, errors


def _one_by_one(batches: Iterable[_Rows]) -> Iterator[tuple[int, str, str]]:
    for numbers, raws, errors in batches:
        yield from zip(numbers.tolist(), raws.to_pylist(), errors.to_pylist(), strict=True)
