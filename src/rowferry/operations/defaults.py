"""What the model fills in for columns that rows leave out, before they are judged like any others."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from sqlalchemy import types as sql

from rowferry.arrow import compute as pc
from rowferry.backends.computed import computed
from rowferry.backends.protocol import Backend
from rowferry.dictionary.defaults import Default
from rowferry.dictionary.rules import ROW_NUMBER, ColumnRule, TableRules
from rowferry.judging.rows import LEFT_OUT, OddRow, Positions, RowBatch, Unreadable
from rowferry.kinds.declared import Type
from rowferry.kinds.registry import served_by
from rowferry.kinds.texts import Text
from rowferry.kinds.unfit import UnfitError


def filled_by_model(rules: TableRules, given: Iterable[str], backend: Backend) -> dict[int, Default]:
    """The defaults of columns that the model fills where rows bring no others than those `given`, by their number."""
    left = {*rules.names}.difference(given)
    found = {at: rule.default for at, rule in enumerate(rules.columns) if rule.name in left and rule.default}
    sequences = backend.capabilities.sequences
    return {at: each for at, each in found.items() if each.by_model and (sequences or not each.sequence)}


class Defaults:
    """Fills what the rows of one source leave out, unless the database does; each row has a value of its own."""

    def __init__(self, rules: TableRules, backend: Backend) -> None:
        self._rules, self._backend = rules, backend
        self._of = filled_by_model(rules, (), backend)
        self._blank: dict[int, dict[int, str]] = {}
        """By the number of a column and of a row, texts that the judge would take for missing."""

    def filled(self, batch: RowBatch) -> RowBatch:
        """A batch with its defaults."""
        self._blank = {}
        if not self._of:
            return batch
        columns, left_out = list(batch.columns), list[Unreadable]()
        for number, positions in batch.left_out:
            still = positions
            if number in self._of:
                texts = self._texts(number, len(positions))
                columns[number] = _replaced(columns[number], np.searchsorted(batch.positions, positions), texts)
                still = self._blanks(number, batch.first, positions, texts)
            left_out.append((number, still))
        return replace(batch, columns=columns, left_out=left_out, odd=self._odd(batch))

    def with_blanks(self, accepted: pa.RecordBatch) -> pa.RecordBatch:
        """Accepted rows of the batch that was filled last, with those defaults, too, that are blank."""
        for number, by_row in self._blank.items():
            texts = pa.array([by_row.get(row) for row in accepted.column(ROW_NUMBER).to_pylist()], pa.string())
            column = pc.coalesce(accepted.column(number), texts)
            accepted = accepted.set_column(number, accepted.schema.field(number), column)
        return accepted

    def _odd(self, batch: RowBatch) -> list[OddRow]:
        rows = {row.position: [*row.cells] if row.cells is not None else [] for row in batch.odd}
        for number in self._of:
            positions = [at for at, cells in rows.items() if cells and cells[number] is LEFT_OUT]
            texts = self._texts(number, len(positions))
            blank = self._blanks(number, batch.first, np.array(positions, dtype=np.int64), texts)
            for at, text in zip(positions, texts, strict=True):
                if at not in blank:
                    rows[at][number] = text
        return [replace(row, cells=rows[row.position] or row.cells) for row in batch.odd]

    def _texts(self, number: int, count: int) -> list[str | None]:
        """Values for so many rows of a column, as they are to be judged; None is a missing one."""
        rule, default = self._rules.columns[number], self._of[number]
        column = self._rules.table.columns[rule.name]
        if not count:
            return []
        if default.expression is None:
            assert default.make is not None  # noqa: S101  # for the type checker
            stored = sql.JSON.NULL if self._makes_json_of_none(column.type) else None
            made = (default.make() for _ in range(count))
            return [_spelled(rule, stored if value is None else value) for value in made]
        with self._backend.errors():
            values = computed(self._backend.engine, column, default.expression, count)
        return [_spelled(rule, value) for value in values]

    def _makes_json_of_none(self, column_type: Type) -> bool:
        """Whether SQLAlchemy stores the null of JSON for None."""
        _, served = served_by(column_type, self._backend.engine.dialect.name)
        return isinstance(served, sql.JSON) and not served.none_as_null

    def _blanks(self, number: int, first: int, positions: Positions, texts: Sequence[str | None]) -> Positions:
        """The positions whose text is blank, but stands for a text; their values are noted."""
        kind = self._rules.columns[number].kind
        if not isinstance(kind, Text):
            return positions[:0]
        values = {at: kind.parse(text) for at, text in enumerate(texts) if text is not None and not text.strip()}
        if values:
            noted = self._blank.setdefault(number, {})
            noted.update((first + int(positions[at]), value) for at, value in values.items())
        return positions[list(values)] if values else positions[:0]


def _replaced(column: pa.Array, places: Positions, texts: Sequence[str | None]) -> pa.Array:
    """A column with other texts in some places, ascending; an empty one stands for what is missing."""
    filled = pa.array(["" if text is None else text for text in texts], pa.string())
    if len(places) == len(column):
        return filled
    mask = np.zeros(len(column), dtype=np.bool_)
    mask[places] = True
    return pc.replace_with_mask(column, pa.array(mask), filled)


def _spelled(rule: ColumnRule, value: object) -> str | None:
    """A value of Python as the judge reads it, if there is one."""
    if value is None:
        return None
    try:
        return rule.kind.spell_default(value)
    except UnfitError:
        return str(value)
