"""Whether the rows exist that others refer to by several columns together."""

import numpy as np
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow, python_values
from rowferry.dictionary.foreign_keys import Reference
from rowferry.judging.candidate_keys import Int64s, Mask, present
from rowferry.judging.lookups import ParentLookups

_MOST = 200_000
"""So much is remembered of what was asked; if it is more, all of it is forgotten."""


class AskedTogether:
    """What was asked of one parent: each combination once, as long as they are not too many."""

    def __init__(self, reference: Reference, lookups: ParentLookups) -> None:
        self._reference, self._lookups = reference, lookups
        self._there: dict[tuple[object, ...], bool] = {}

    def found(self, *values: pa.Array) -> Mask:
        """Which of the combinations are there, or have a missing value."""
        complete = present(values)
        if not complete.any():
            return ~complete
        columns = [pc.where(column, as_arrow(complete)) for column in values]
        firsts, numbers = distinct(columns)
        found = ~complete
        found[complete] = self._are_there([pc.take(column, as_arrow(firsts)) for column in columns])[numbers]
        return found

    def _are_there(self, key: list[pa.Array]) -> Mask:
        """Which of some combinations, none of them twice, are there."""
        rows = list(zip(*(python_values(column) for column in key), strict=True))
        if len(self._there) + len(rows) > _MOST:
            self._there.clear()
        known = np.fromiter(map(self._there.__contains__, rows), np.bool_, len(rows))
        there = np.fromiter((self._there.get(row, False) for row in rows), np.bool_, len(rows))
        unknown = np.flatnonzero(~known)
        if len(unknown):
            there[unknown] = self._look([pc.take(column, as_arrow(unknown)) for column in key])
            self._there |= {rows[at]: bool(there[at]) for at in unknown.tolist()}
        return there

    def _look(self, key: list[pa.Array]) -> Mask:
        """The same of combinations that were not asked for before: among accepted rows, then in the database."""
        accepted = self._lookups.accepted(self._reference, key)
        there = np.zeros(len(key[0]), dtype=np.bool_) if accepted is None else accepted
        left = np.flatnonzero(~there)
        if len(left):
            columns = [pc.take(column, as_arrow(left)) for column in key]
            rows = pa.RecordBatch.from_arrays(columns, list(self._reference.targets))
            at = np.array(self._lookups.existing_together(self._reference.parent, rows), dtype=np.int64)
            found = [pc.take(column, as_arrow(at)) for column in columns]
            there[left[at[~self._lookups.given_away(self._reference, found)]]] = True
        return there


def distinct(columns: list[pa.Array]) -> tuple[Int64s, Int64s]:
    """Where each combination of values stands first, and for each row the number of its combination; none is null."""
    numbers = np.zeros(len(columns[0]), dtype=np.int64)
    firsts = numbers
    for column in columns:
        encoded = pc.dictionary_encode(column)
        both = numbers * len(encoded.dictionary) + encoded.indices.to_numpy()
        _, firsts, numbers = np.unique(both, return_index=True, return_inverse=True)
    return firsts, numbers
