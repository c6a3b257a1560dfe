"""The range that the integer keys of some rows span, to see cheaply that a table holds none of them."""

import pyarrow as pa
import pyarrow.compute as pc

from rowferry.dictionary.kinds import INTEGER
from rowferry.dictionary.rules import TableRules


class KeyRange:
    """The lowest and the highest value of the first key column; only integers order alike everywhere."""

    def __init__(self, rules: TableRules) -> None:
        self.column = rules.key[0]
        self.known = rules.by_name[self.column].kind is INTEGER
        self._bounds: list[int] = []

    def add(self, rows: pa.RecordBatch) -> None:
        if self.known and rows.num_rows:
            found = pc.min_max(rows.column(self.column)).as_py()
            values = [*self._bounds, found["min"], found["max"]]
            self._bounds = [min(values), max(values)]

    @property
    def bounds(self) -> tuple[int, int] | None:
        """None where it is not known, or there are no rows."""
        return (self._bounds[0], self._bounds[1]) if self._bounds else None
