"""What rows are read from, whatever their format; each format has one folder that provides it."""

from collections.abc import Generator
from typing import Protocol

from rowferry.dictionary.rules import TableRules
from rowferry.judging.places import Places
from rowferry.judging.rows import RowBatch
from rowferry.judging.shapes import Shapes


class Source(Protocol):
    """The rows of one table, in the order in which they take keys."""

    @property
    def rules(self) -> TableRules:
        """The table they are for."""

    @property
    def places(self) -> Places:
        """What its files are called, and which row of which file each row is."""

    @property
    def reading(self) -> str:
        """What the file is called that is being read."""

    @property
    def size(self) -> int:
        """The bytes of all its files, as they stand on disk or were sent."""

    @property
    def bytes_read(self) -> int:
        """How many of these bytes were read so far."""

    def shapes(self) -> Shapes:
        """Which columns its rows bring, known before any row is handed out."""

    def batches(self) -> Generator[RowBatch, None, None]:
        """All rows in order, in bounded memory; may be called again, to read the files again."""
