"""Rows that are known to refer to nothing, although what they refer to was among the rows of the same operation."""

import numpy as np
from pyroaring import BitMap64

from rowferry.dictionary.foreign_keys import Reference
from rowferry.judging.bitmaps import are_in, bitmap_of
from rowferry.judging.candidate_keys import Int64s, Mask


class OrphansFound(Exception):
    """Rows were accepted that refer to nothing: they are known now, and rejected from the start in another attempt."""


class Orphans:
    """Rows by their table, their reference and their number in the source; a bit each, or less."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, Reference], BitMap64] = {}

    def add(self, table: str, reference: Reference, numbers: Int64s) -> None:
        """Note rows of a table that refer to nothing by a reference."""
        self._rows.setdefault((table, reference), BitMap64()).update(bitmap_of(numbers))

    def are(self, table: str, reference: Reference, numbers: Int64s) -> Mask:
        """Which rows are known to refer to nothing."""
        known = self._rows.get((table, reference))
        return np.zeros(len(numbers), dtype=np.bool_) if known is None else are_in(known, numbers)
