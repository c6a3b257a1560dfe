"""Unique values that rows of an update take over from rows of the table, which give theirs away, or keep them."""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow, python_values
from rowferry.dictionary.rules import TableRules
from rowferry.judging.candidate_keys import Columns, Mask, has_key
from rowferry.judging.lookups import UniqueKeys
from rowferry.judging.taken_keys import TakenKeys

Key = tuple[object, ...]


class ValuesKept(Exception):
    """Rows of a table, by key, keep unique values that accepted rows would take."""

    def __init__(self, rules: TableRules, keys: set[Key]) -> None:
        super().__init__(rules.name, keys)
        self.keys = keys


class MovedValues:
    """The rows that accepted rows of one source take unique values from.

    A row of the table gives its values away only if a row of its key is accepted and brings others: whether it does is
    known when all rows are judged. Those that are known to be `kept` give none away, so that rows which would take one
    are rejected by the judge, as in a load that updates nothing.
    """

    def __init__(self, rules: TableRules, table: UniqueKeys, taken: TakenKeys, kept: set[Key]) -> None:
        self._rules, self._table, self._taken, self._kept = rules, table, taken, kept
        self._takers: defaultdict[Key, list[Key]] = defaultdict(list)
        """By the key of who holds a value, the keys of those that take it."""
        self._keeping: defaultdict[tuple[str, ...], set[Key]] = defaultdict(set)
        """By unique columns, the keys of accepted rows that leave one of them out, and so keep what they have there."""

    def kept(self, names: tuple[str, ...], rows: pa.RecordBatch) -> list[int]:
        """Which rows, by position, would take values of `names` that are known to be kept."""
        if not self._kept:
            return []
        return sorted({at for at, holder in self._found(names, rows) if holder in self._kept})

    def add(self, rows: pa.RecordBatch, left_out: Mapping[tuple[str, ...], Mask]) -> None:
        """Note from whom accepted rows take values, given which of them leave unique columns out."""
        keyed = has_key(self._rules, rows)
        rows = rows if keyed.all() else pc.where(rows, as_arrow(keyed))
        found = [each for names in self._rules.unique for each in self._found(names, rows)]
        if not found and not any(leaving.any() for leaving in left_out.values()):
            return
        keys = list(zip(*(python_values(rows.column(name)) for name in self._rules.key), strict=True))
        for names, leaving in left_out.items():
            self._keeping[names].update(keys[at] for at in np.flatnonzero(leaving[keyed]).tolist())
        for at, holder in found:
            self._takers[holder].append(keys[at])

    def given_away(self, names: tuple[str, ...], columns: Columns) -> Mask:
        """Which values of rows of the table, that no accepted row has, go because a row of their key was accepted."""
        none = {name: pa.nulls(len(columns[0]), self._rules.by_name[name].arrow) for name in self._rules.key}
        found = self._found(names, pa.RecordBatch.from_pydict(none | dict(zip(names, columns, strict=True))))
        changed = self._are_accepted([holder for _, holder in found])
        gone = np.zeros(len(columns[0]), dtype=np.bool_)
        for (at, holder), is_changed in zip(found, changed, strict=True):
            gone[at] = is_changed and holder not in self._keeping[names]
        return gone

    def settle(self) -> None:
        """Look whether all that give values away are among the accepted rows, when these are all.

        Raises:
            ValuesKept: Some are not, or not once the rows are rejected that would take their values.
        """
        holders = list(self._takers)
        both = zip(holders, self._are_accepted(holders), strict=True)
        keeping = set[Key]().union(*self._keeping.values())
        waiting = [holder for holder, is_accepted in both if not is_accepted or holder in keeping]
        kept: set[Key] = set()
        while waiting:
            keeps = waiting.pop()
            if keeps not in kept:
                kept.add(keeps)
                waiting += self._takers.get(keeps, ())
        if kept:
            raise ValuesKept(self._rules, kept)

    def _are_accepted(self, keys: list[Key]) -> list[bool]:
        return self._taken.holds(self._columns(keys)).tolist() if keys else []

    def _found(self, names: tuple[str, ...], rows: pa.RecordBatch) -> list[tuple[int, Key]]:
        """As holders, with keys as rows have them."""
        if not rows.num_rows or not (found := self._table.holders(self._rules, names, rows)):
            return []
        keys = zip(*map(python_values, self._columns([key for _, key in found])), strict=True)
        return [(at, key) for (at, _), key in zip(found, keys, strict=True)]

    def _columns(self, keys: list[Key]) -> list[pa.Array]:
        columns = zip(self._rules.key, zip(*keys, strict=True), strict=True)
        return [_column(values, self._rules.by_name[name].arrow) for name, values in columns]


def _column(values: tuple[object, ...], arrow: pa.DataType) -> pa.Array:
    """Values as a column; null for those that the table may have, but no row of the model."""
    try:
        return pa.array(values, arrow)
    except (pa.ArrowInvalid, OverflowError):
        return pa.array([_single(value, arrow) for value in values], arrow)


def _single(value: object, arrow: pa.DataType) -> object:
    try:
        return pa.scalar(value, arrow).as_py()
    except (pa.ArrowInvalid, OverflowError):
        return None
