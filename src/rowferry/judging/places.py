"""Where the rows of a source stand: in which of its files, and which row of it they are."""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow
from rowferry.judging.candidate_keys import Int64s


class Places:
    """The files of a source, whose rows have numbers that go on from file to file.

    Row 3 of the second file may be row 1,002 of the source; `place` tells the one by the other. A source of one file
    keeps the numbers of that file. `called` is what messages call a row, which count from `first` on.
    """

    def __init__(self, names: Sequence[str], called: str = "row", first: int = 1) -> None:
        self.names = tuple(names)
        self._called, self._less = called, 1 - first
        self.starts = [1]
        """The number that the first row of each file has in the source; known of the files that were begun."""
        self._before = [0]

    def begin(self, file: int, start: int, before: int) -> None:
        """Note where a file begins: the number of its first row, of which `before` are not its own."""
        if file == len(self.starts):
            self.starts.append(start)
            self._before.append(before)
        elif file == 0:
            self.starts[0], self._before[0] = start, before

    def counts(self, rows: int) -> list[int]:
        """How many rows each file has, if there are so many in all."""
        ends = [*self.starts[1:], self.starts[0] + rows]
        found = [end - start for start, end in zip(self.starts, ends, strict=True)]
        return found + [0] * (len(self.names) - len(found))

    def place(self, number: int) -> tuple[str, int]:
        """The file in which a row stands, and its number there."""
        file = bisect_right(self.starts, number) - 1
        return self.names[file], number - self._before[file]

    def files_of(self, numbers: Int64s) -> Int64s:
        """The file of each row, by position."""
        return np.searchsorted(self.starts, numbers, side="right") - 1

    def own_numbers(self, numbers: Int64s, files: Int64s) -> Int64s:
        """The number that each row has in its file."""
        return numbers - np.array(self._before, dtype=np.int64)[files]

    def spelled(self, number: int) -> str:
        """What messages call a row."""
        name, own = self.place(number)
        row = f"{self._called} {own - self._less}"
        return f"{row} of {name}" if len(self.names) > 1 else row

    def all_spelled(self, numbers: Int64s) -> pa.StringArray:
        """The same of many rows."""
        files = self.files_of(numbers)
        own = pc.cast(as_arrow(self.own_numbers(numbers, files) - self._less), pa.string())
        if len(self.names) == 1:
            return pc.binary_join_element_wise(f"{self._called} ", own, "")
        names = pc.take(pa.array(self.names, pa.string()), as_arrow(files))
        return pc.binary_join_element_wise(f"{self._called} ", own, " of ", names, "")
