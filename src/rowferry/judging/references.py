"""Whether the rows that a row refers to exist: in the database, or accepted earlier in the same operation."""

import numpy as np
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow
from rowferry.dictionary.rules import Reference, TableRules
from rowferry.judging.candidate_keys import Mask
from rowferry.judging.lookups import Lookups

_REMEMBERED = 1_000_000


class References:
    """Finds references that lead nowhere; asks the database once for each key, as long as they are not too many.

    So a parent that others put in after it was found missing is missing to the end.
    """

    def __init__(self, rules: TableRules, lookups: Lookups) -> None:
        self._lookups = lookups
        self._known = {r: pa.array([], rules.by_name[r.column].arrow) for r in rules.references}
        self._absent = dict(self._known)

    def missing(self, reference: Reference, values: pa.Array) -> Mask:
        """Which of the values refer to no row; null refers to nothing and is not missing."""
        if not len(values):
            return np.zeros(0, dtype=np.bool_)
        known = self._known[reference]
        found = pc.or_(pc.is_in(values, value_set=known), pc.is_null(values))
        if not pc.all_of(found).as_py():
            present = self._present(reference, pc.unique(pc.where(values, pc.invert(found))))
            if len(present):
                self._known[reference] = _remembered(known, present)
                found = pc.or_(found, pc.is_in(values, value_set=present))
        return np.asarray(pc.invert(found).to_numpy(zero_copy_only=False), dtype=np.bool_)

    def _present(self, reference: Reference, keys: pa.Array) -> pa.Array:
        remaining, found = keys, [keys[:0]]
        if taken := self._lookups.accepted(reference.parent):
            present = taken.holds([remaining])
            found.append(pc.where(remaining, as_arrow(present)))
            remaining = pc.where(remaining, as_arrow(~present))
        absent = self._absent[reference]
        remaining = pc.where(remaining, pc.invert(pc.is_in(remaining, value_set=absent)))
        if len(remaining):
            existing = pa.array(
                self._lookups.existing(reference.parent, reference.target, remaining.to_pylist()), keys.type
            )
            found.append(existing)
            unknown = pc.where(remaining, pc.invert(pc.is_in(remaining, value_set=existing)))
            self._absent[reference] = _remembered(absent, unknown)
        return pa.concat_arrays(found)


def _remembered(keys: pa.Array, more: pa.Array) -> pa.Array:
    """Keys with some more, unless they get too many."""
    return pa.concat_arrays([keys if len(keys) + len(more) <= _REMEMBERED else keys[:0], more])
