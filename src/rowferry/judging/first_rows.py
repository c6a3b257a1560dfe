"""What is told of duplicates once it is known which rows came first."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow
from rowferry.dictionary.faults import RejectCode
from rowferry.dictionary.rules import TableRules
from rowferry.judging.candidate_keys import duplicate
from rowferry.judging.found_faults import joined_faults, json_of, spelled_faults
from rowferry.judging.places import Places


class FirstRows:
    """The rows that took keys, by their numbers in the source."""

    def __init__(self, rules: TableRules, places: Places, first_rows: Iterable[tuple[int | str, int]]) -> None:
        self._rules, self._places = rules, places
        self._first_rows = dict(first_rows)

    def named(self, errors: pa.Array, keys: pa.ListArray) -> pa.Array:
        """The faults of rows as JSON; those of a duplicate, which has keys and no other faults, name its takers."""
        flat, offsets = keys.values, keys.offsets.to_numpy()
        pieces = self._of_texts(flat) if pa.types.is_string(flat.type) else self._of_numbers(flat)
        has = np.diff(offsets) > 0
        found = joined_faults(pieces, offsets[:-1][has])
        return found if has.all() else pc.replace_with_mask(errors, as_arrow(has), found)

    def _of_texts(self, keys: pa.StringArray) -> pa.Array:
        found = self._first_rows
        told = [duplicate(self._rules, key, self._places.spelled(found[key])) for key in keys.to_pylist()]
        return pa.array(map(json_of, told), pa.string())

    def _of_numbers(self, keys: pa.Int64Array) -> pa.Array:
        """Numbers are those of a primary key of one column."""
        (column,) = self._rules.key
        takers = np.fromiter(map(self._first_rows.__getitem__, keys.to_pylist()), np.int64, len(keys))
        texts = [f"{column} ", pc.cast(keys, pa.string()), " was taken by ", self._places.all_spelled(takers), ""]
        return spelled_faults(column, RejectCode.DUPLICATE, pc.binary_join_element_wise(*texts))
