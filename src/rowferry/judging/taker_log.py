"""Which row took which integer key: a log, which is sorted as far as it was written when a key is looked up."""

import numpy as np

from rowferry.files.disk_full import SpooledFile
from rowferry.judging.candidate_keys import Int64s
from rowferry.judging.sorted_runs import SortedRuns

_SORTED_AT_ONCE = 1 << 17

_ENTRY_BYTES = 3 * 8


class TakerLog:
    """Keys that differ from each other, and the rows that took them.

    The log has runs, in which the key and the row number rise by one: first key, first row number, length. Sources
    without duplicates, which are most, are never sorted.
    """

    def __init__(self) -> None:
        self._file = SpooledFile()
        self._sorted = SortedRuns()
        self._read = 0

    def add(self, keys: Int64s, row_numbers: Int64s, lengths: Int64s) -> None:
        """Note the first key, the first row and the length of each of some runs."""
        self._file.write(np.stack((keys, row_numbers, lengths), axis=1).tobytes())

    def takers(self, keys: Int64s) -> Int64s:
        """The rows that took some keys, all of which are in the log."""
        self._sort()
        found = np.empty(len(keys), dtype=np.int64)
        for begins, rows, lengths in self._sorted:
            at = np.maximum(np.searchsorted(begins, keys, side="right") - 1, 0)
            behind = keys - begins[at]
            # Below the first key, this is a huge number.
            inside = behind.view(np.uint64) < lengths[at].view(np.uint64)
            found[inside] = (rows[at] + behind)[inside]
        return found

    def close(self) -> None:
        self._file.close()

    def _sort(self) -> None:
        """Sort what was noted since the last time, some at once, so that it takes little memory."""
        self._file.seek(self._read)
        while content := self._file.read(_SORTED_AT_ONCE * _ENTRY_BYTES):
            self._read += len(content)
            self._sorted.add(np.frombuffer(content, dtype=np.int64).reshape(-1, 3).T)
