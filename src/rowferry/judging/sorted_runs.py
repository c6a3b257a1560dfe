"""Rows of integers that are looked up by the first of them: a few sorted runs, on disk where they are many."""

from collections.abc import Iterator

import numpy as np

from rowferry.files.disk_full import temporary_file
from rowferry.judging.candidate_keys import Int64s

_FEW = 1 << 19
"""So many integers are kept in memory; more of them on disk, where the operating system keeps what is in use."""

_MOST = 1 << 22
"""Runs of so many integers together stay as they are, so that little memory is needed to sort them."""


class SortedRuns:
    """Runs, each of which has its rows as columns, sorted by the first column; those of about the same size are joined.

    So `n` rows that come a few at a time are in a number of runs that grows with the logarithm of `n`, up to runs that
    are large enough to stay.
    """

    def __init__(self) -> None:
        self._runs: list[Int64s] = []

    def __iter__(self) -> Iterator[Int64s]:
        """The columns of each run."""
        return iter(self._runs)

    def add(self, columns: Int64s) -> None:
        """Add rows, given as columns, in whatever order."""
        rows = _sorted(columns)
        while self._runs and self._runs[-1].size <= min(2 * rows.size, _MOST - rows.size):
            rows = _sorted(np.concatenate((self._runs.pop(), rows), axis=1))
        self._runs.append(_kept(rows))


def _sorted(columns: Int64s) -> Int64s:
    if (columns[0, 1:] >= columns[0, :-1]).all():
        return columns
    order = np.argsort(columns[0], kind="stable")  # which merges what is sorted in parts
    return columns[:, order]


def _kept(columns: Int64s) -> Int64s:
    """The same columns, on disk if they are many."""
    if columns.size < _FEW:
        return columns
    with temporary_file() as file:
        file.write(columns.tobytes())  # where the disk is full, this says so; writing to mapped memory would not
        file.flush()
        return np.memmap(file, dtype=np.int64, mode="r", shape=columns.shape)
