"""The range that the integer keys of some rows span, to see cheaply that a table holds none of them."""

import numpy as np
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.dictionary.rules import TableRules
from rowferry.kinds.integers import INTEGER


class KeyRange:
    """The lowest and the highest value of the first key column; only integers order alike everywhere.

    It `rises` as long as no row has a lower one than the row before.
    """

    def __init__(self, rules: TableRules) -> None:
        self.column = rules.key[0] if rules.key else ""
        self.known = bool(rules.key) and rules.by_name[self.column].kind is INTEGER
        self.rises = self.known
        self._bounds: list[int] = []

    def add(self, rows: pa.RecordBatch) -> None:
        if self.known and rows.num_rows:
            keys = rows.column(self.column)
            found = pc.min_max(keys).as_py()
            self.rises = self.rises and self._behind(found["min"]) and bool(np.all(np.diff(keys.to_numpy()) >= 0))
            values = [*self._bounds, found["min"], found["max"]]
            self._bounds = [min(values), max(values)]

    def _behind(self, lowest: int) -> bool:
        return not self._bounds or lowest >= self._bounds[1]

    @property
    def bounds(self) -> tuple[int, int] | None:
        """None where it is not known, or there are no rows."""
        return (self._bounds[0], self._bounds[1]) if self._bounds else None
