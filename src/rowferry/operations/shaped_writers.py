"""The way into a table for rows that leave columns out.

Those of the same columns go through a writer that names no other. So the database fills the rest of a new row, and
leaves it alone in one that is updated.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from heapq import merge
from typing import Generic, TypeVar

import numpy as np
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow
from rowferry.backends.protocol import Backend, Comparison, LoadWriter, TableWriter
from rowferry.dictionary.rules import ROW_NUMBER, TableRules
from rowferry.judging.shapes import Shapes
from rowferry.operations.defaults import filled_by_model

Writer = TypeVar("Writer", bound=TableWriter)


def narrowed(backend: Backend, rules: TableRules, shapes: Shapes) -> list[TableRules]:
    """The rules of a table for the rows of each shape."""
    found = []
    for given in shapes.columns:
        filled = filled_by_model(rules, given, backend)
        found.append(rules.only(given, [rules.names[at] for at in filled]))
    if len(found) > 1 and rules.circular:
        # Rows of one shape may refer to rows of another.
        return [replace(part, part_of=rules) if part.is_whole else part for part in found]
    return found


def few_rows_writer(
    backend: Backend, rules: TableRules, shapes: Shapes, make: Callable[[TableRules], TableWriter]
) -> TableWriter:
    """A writer for rows of any shapes."""
    parts = narrowed(backend, rules, shapes)
    return make(rules) if parts == [rules] else ShapedWriter(parts, [*map(make, parts)], shapes)


def load_writer(
    backend: Backend, rules: TableRules, shapes: Shapes, make: Callable[[TableRules, bool], LoadWriter]
) -> LoadWriter:
    """The same for a load; `make` hears whether a writer is the only one into its table."""
    parts = narrowed(backend, rules, shapes)
    alone = len(parts) == 1
    writers = [make(part, alone) for part in parts]
    return writers[0] if parts == [rules] else ShapedLoadWriter(parts, writers, shapes)


class ShapedWriter(Generic[Writer]):
    """Implements TableWriter."""

    def __init__(self, rules: Sequence[TableRules], writers: Sequence[Writer], shapes: Shapes) -> None:
        self._columns = [[*part.names, ROW_NUMBER] for part in rules]
        self._writers, self._shapes = writers, shapes
        self.took_over = bool(writers) and all(writer.took_over for writer in writers)
        self._has_key = [bool(part.key) for part in rules]

    def write(self, rows: pa.RecordBatch) -> None:
        if len(self._writers) == 1:
            self._writers[0].write(rows.select(self._columns[0]))
            return
        shapes = self._shapes.of(rows.column(ROW_NUMBER).to_numpy())
        for number in np.unique(shapes).tolist():
            chosen = pc.where(rows, as_arrow(shapes == number))
            self._writers[number].write(chosen.select(self._columns[number]))

    def end(self) -> None:
        for writer in self._writers:
            writer.end()

    def compare(self) -> Comparison:
        found = [writer.compare() for writer in self._writers]
        return Comparison(*(sum(getattr(each, sort) for each in found) for sort in ("new", "equal", "different")))

    def different(self) -> Iterator[tuple[int, list[str]]]:
        return merge(*(writer.different() for writer in self._writers))

    def publish(self, *, update: bool) -> tuple[int, int]:
        """Rows whose key the database makes go in last: it is to know the keys that others bring."""
        order = sorted(range(len(self._writers)), key=lambda at: not self._has_key[at])
        done = [self._writers[at].publish(update=update) for at in order]
        return sum(inserted for inserted, _ in done), sum(updated for _, updated in done)

    def complete(self, *, update: bool) -> None:
        for writer in self._writers:
            writer.complete(update=update)


class ShapedLoadWriter(ShapedWriter[LoadWriter]):
    """Implements LoadWriter."""

    def known(self, starts: Sequence[int]) -> list[tuple[int, int]]:
        found = zip(*(writer.known(starts) for writer in self._writers), strict=True)
        return [(sum(equal for equal, _ in each), sum(different for _, different in each)) for each in found]
