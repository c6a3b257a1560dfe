"""Few rows on their way into a table: held in memory, and sorted by what the table's rows of the same keys are."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow
from rowferry.backends.key_range import KeyRange
from rowferry.backends.protocol import Comparison
from rowferry.dictionary.rules import ROW_NUMBER, TableRules


class HeldRows:
    """Implements what TableWriters for few rows share; `known` says of a row which of its values differ."""

    took_over = False

    def __init__(self, rules: TableRules) -> None:
        self._rules = rules
        self._batches: list[pa.RecordBatch] = []
        self._known: dict[int, list[str]] = {}

    def write(self, rows: pa.RecordBatch) -> None:
        if rows.num_rows:
            self._batches.append(rows)

    def end(self) -> None:
        """There is nothing to finish."""

    def different(self) -> Iterator[tuple[int, list[str]]]:
        numbers = self._rows.column(ROW_NUMBER)
        differ = sorted((numbers[at].as_py(), names) for at, names in self._known.items() if names)
        return iter(differ)

    @cached_property
    def _rows(self) -> pa.RecordBatch:
        """All rows, by ascending key: who locks in the same order as everybody else waits, but in no circle."""
        schema = self._rules.numbered_schema
        rows = pa.Table.from_batches(self._batches, schema).combine_chunks().to_batches()
        if not rows:
            return pa.RecordBatch.from_pylist([], schema)
        if not self._rules.key:
            return rows[0]
        order = pc.sort_indices(rows[0], sort_keys=[(name, "ascending") for name in self._rules.key])
        return pc.take(rows[0], order)

    @property
    def _key_bounds(self) -> tuple[int, int] | None:
        """The lowest and highest key, where that says something."""
        found = KeyRange(self._rules)
        found.add(self._rows)
        return found.bounds if found.known else None

    def _compared(self) -> Comparison:
        different = sum(1 for names in self._known.values() if names)
        return Comparison(self._rows.num_rows - len(self._known), len(self._known) - different, different)

    def _new(self) -> pa.RecordBatch:
        """The rows whose key the table has not, without their numbers."""
        rows = self._rows.select(list(self._rules.names))
        if not self._known:
            return rows
        keep = np.ones(rows.num_rows, dtype=np.bool_)
        keep[list(self._known)] = False
        return pc.where(rows, as_arrow(keep))

    def _without(self, rows: pa.RecordBatch, names: tuple[str, ...]) -> pa.RecordBatch:
        """Rows whose values in some columns are null."""
        for name in names:
            absent = pa.nulls(rows.num_rows, self._rules.by_name[name].arrow)
            rows = rows.set_column(self._rules.names.index(name), name, absent)
        return rows

    def _changed(self) -> pa.RecordBatch:
        """The rows that differ from the table's, without their numbers."""
        at = sorted(at for at, names in self._known.items() if names)
        return pc.take(self._rows.select(list(self._rules.names)), pa.array(at, pa.int64()))
