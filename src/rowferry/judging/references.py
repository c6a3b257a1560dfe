"""Whether the rows that a row refers to exist: in the database, or accepted earlier in the same operation."""

import numpy as np
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow, python_values
from rowferry.arrow.casting import same_values
from rowferry.arrow.masks import mask_of
from rowferry.dictionary.foreign_keys import Reference
from rowferry.dictionary.rules import TableRules
from rowferry.judging.candidate_keys import Columns, Mask, present
from rowferry.judging.known_keys import known_keys
from rowferry.judging.lookups import ParentLookups
from rowferry.judging.referred_together import AskedTogether

_PAGE = 100_000
_READ_TO_ASK = 16
"""To look for one key in the database takes as long as to read so many, one after the other."""


class References:
    """Finds references that lead nowhere; asks the database once for each key, as long as they are not too many.

    So a parent that others put in after it was found missing is missing to the end.
    """

    def __init__(self, rules: TableRules, lookups: ParentLookups) -> None:
        self._types = {reference: lookups.referred_types(reference) for reference in rules.references}
        self._asked: dict[Reference, _Asked | AskedTogether] = {}
        for reference, (arrow, *others) in self._types.items():
            self._asked[reference] = AskedTogether(reference, lookups) if others else _Asked(reference, arrow, lookups)

    def missing(self, reference: Reference, values: Columns) -> Mask:
        """Which of the values, by column, refer to no row; null refers to nothing and is not missing.

        Nor does a column hold what its type has no room for, which the type of a column that refers to it may have.
        """
        keys = [same_values(column, arrow) for column, arrow in zip(values, self._types[reference], strict=True)]
        return self.absent(reference, keys) | (present(values) & ~present(keys))

    def absent(self, reference: Reference, keys: Columns) -> Mask:
        """Which keys no row has that is referred to, given in the types that they have there; null is not absent."""
        return ~self._asked[reference].found(*keys)


class _Asked:
    """What was asked of one parent.

    If many integers are asked for, all that the parent has are read, page by page from the lowest on, as long as this
    takes no longer than asking did. They are only known to be there: for any other, the database is asked.
    """

    def __init__(self, reference: Reference, arrow: pa.DataType, lookups: ParentLookups) -> None:
        self._reference, self._arrow, self._lookups = reference, arrow, lookups
        self._known, self._absent = known_keys(arrow), known_keys(arrow)
        self._credit = 0
        self._last = np.iinfo(np.int64).min
        self._has_pages = pa.types.is_integer(arrow)

    def found(self, values: pa.Array) -> Mask:
        """Which of the values are there, or null."""
        values = _with_one_zero(values)
        found = self._known.holds(values)
        if values.null_count:
            found |= mask_of(pc.is_null(values))
        if not found.all():
            left = pc.where(values, as_arrow(~found))
            found[~found] = mask_of(pc.is_in(left, value_set=self._present(pc.unique(left))))
        return found

    def _present(self, keys: pa.Array) -> pa.Array:
        """Those of the keys that are there, none of which was known to be; they are known from here on."""
        found = [keys[:0]]
        if (accepted := self._lookups.accepted(self._reference, [keys])) is not None:
            found.append(pc.where(keys, as_arrow(accepted)))
            keys = pc.where(keys, as_arrow(~accepted))
        keys = pc.where(keys, as_arrow(~self._absent.holds(keys)))
        self._credit += len(keys) * _READ_TO_ASK
        if self._reads_pages():
            known = self._known.holds(keys)
            found.append(pc.where(keys, as_arrow(known)))
            keys = pc.where(keys, as_arrow(~known))
        if len(keys):
            found.append(self._ask(keys))
        present = pa.concat_arrays(found)
        self._known.add(present)
        return present

    def _ask(self, keys: pa.Array) -> pa.Array:
        parent, (target,) = self._reference.parent, self._reference.targets
        existing = _with_one_zero(pa.array(self._lookups.existing(parent, target, python_values(keys)), self._arrow))
        existing = pc.where(existing, as_arrow(~self._lookups.given_away(self._reference, [existing])))
        self._absent.add(pc.where(keys, pc.invert(pc.is_in(keys, value_set=existing))))
        return existing

    def _reads_pages(self) -> bool:
        """Read as many keys of the parent as are worth it; whether there were any."""
        before = self._last
        while self._has_pages and self._credit >= _PAGE and self._known.has_room():
            self._credit -= _PAGE
            parent, (target,) = self._reference.parent, self._reference.targets
            page = self._lookups.next_keys(parent, target, self._last, _PAGE)
            self._known.add(page)
            self._has_pages = len(page) == _PAGE
            self._last = page[-1].as_py() if len(page) else self._last
        return self._last > before


def _with_one_zero(values: pa.Array) -> pa.Array:
    """Values in which 0.0 and -0.0, which databases hold to be equal and Arrow does not, are the same."""
    return pc.add(values, pa.scalar(0.0, values.type)) if pa.types.is_floating(values.type) else values
