"""The judge of rows: each row is accepted, or rejected with all its faults."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rowferry.dictionary.faults import Fault, RejectCode, shown
from rowferry.dictionary.rules import ColumnRule, TableRules
from rowferry.streams.references import References
from rowferry.streams.rows import UNREADABLE, Positions, RejectedRow, RowBatch, Verdict
from rowferry.streams.taken_keys import Mask, TakenKeys
from rowferry.streams.typed_values import cell_of, read_typed

FailedChecks = Callable[[TableRules, list[dict[str, object]]], list[tuple[int, str]]]
"""Which of some rows break which CHECK of their table: (position, name of the check)."""

Faults = defaultdict[int, list[Fault]]
Singles = dict[int, dict[str, object]]
"""Rows that are judged one by one: by position, their values as far as they are good."""


@dataclass(frozen=True)
class _Standing:
    """Rows without a fault so far: their columns, and their positions in the batch, ascending."""

    columns: list[pa.Array]
    positions: Positions

    def only(self, mask: Mask) -> "_Standing":
        if mask.all():
            return self
        kept = pa.array(mask)
        return _Standing([column.filter(kept) for column in self.columns], self.positions[mask])


class Judge:
    """Judges the rows of one source against the rules of one table, batch after batch, in order."""

    def __init__(
        self, rules: TableRules, references: References, taken: TakenKeys, failed_checks: FailedChecks
    ) -> None:
        self.rules = rules
        self._references = references
        self._taken = taken
        self._failed_checks = failed_checks
        self._order: dict[str | None, int] = {name: at for at, name in enumerate(rules.names)} | {None: -1}

    def judge(self, batch: RowBatch) -> Verdict:
        """Judge the next rows: their values, what they refer to, the checks of their table, and their keys last."""
        faults: Faults = defaultdict(list)
        standing, singles = self._judge_values(batch, faults)
        standing = self._judge_references(standing, singles, faults)
        standing = self._gather(standing, {at: row for at, row in singles.items() if at not in faults})
        standing = self._judge_checks(standing, faults)
        row_numbers = batch.first + standing.positions
        repeated = self._taken.take(self._key(standing), row_numbers)
        accepted = standing.only(~repeated)
        rejected = [self._rejected(batch, at, tuple(found)) for at, found in faults.items()]
        for at in np.flatnonzero(repeated).tolist():
            key = self._taken.spelled(self._key(standing), at)
            rejected.append(self._rejected(batch, int(standing.positions[at]), (), duplicate_of=key))
        numbers = pa.array(batch.first + accepted.positions, pa.int64())
        rows = pa.RecordBatch.from_arrays([*accepted.columns, numbers], schema=self.rules.numbered_schema)
        return Verdict(batch.count, rows, sorted(rejected, key=lambda row: row.row_number))

    def _judge_values(self, batch: RowBatch, faults: Faults) -> tuple[_Standing, Singles]:
        read_column = read_typed if batch.typed else ColumnRule.read
        read = [read_column(rule, column) for rule, column in zip(self.rules.columns, batch.columns, strict=True)]
        sure = np.logical_and.reduce([mask for _, mask in read])
        standing = _Standing([values for values, _ in read], batch.positions).only(sure)
        singles: Singles = {}
        if not sure.all():
            singles |= self._judge_unsure(batch, read, ~sure, faults)
        for row in batch.odd:
            if row.faults:
                faults[row.position] += row.faults
            if row.cells is not None:
                singles[row.position] = self._judge_cells(row.cells, faults, row.position)
        return standing, singles

    def _judge_unsure(
        self, batch: RowBatch, read: Sequence[tuple[pa.Array, Mask]], unsure: Mask, faults: Faults
    ) -> Singles:
        """Judge plain rows one by one, but for their values that are sure."""
        positions = batch.positions[unsure].tolist()
        chosen = pa.array(unsure)
        singles: Singles = {position: {} for position in positions}
        for rule, column, (values, sure) in zip(self.rules.columns, batch.columns, read, strict=True):
            cells = self._texts(rule, column.filter(chosen), batch.typed)
            known = values.filter(chosen).to_pylist()
            for at, is_sure in enumerate(sure[unsure].tolist()):
                row = singles[positions[at]]
                if is_sure:
                    row[rule.name] = known[at]
                else:
                    self._judge_cell(rule, cells[at], row, faults, positions[at])
        return singles

    def _texts(self, rule: ColumnRule, column: pa.Array, typed: bool) -> Sequence[object]:
        """The texts of a column; a Fault where a typed value has none."""
        if not typed:
            return list(column.to_pylist())
        found = (cell_of(rule, column, at) for at in range(len(column)))
        return [Fault(rule.name, RejectCode.TYPE, reason) if reason else cell for cell, reason in found]

    def _judge_cells(self, cells: Sequence[object], faults: Faults, position: int) -> dict[str, object]:
        values: dict[str, object] = {}
        for rule, cell in zip(self.rules.columns, cells, strict=True):
            self._judge_cell(rule, cell, values, faults, position)
        return values

    def _judge_cell(
        self, rule: ColumnRule, cell: object, values: dict[str, object], faults: Faults, position: int
    ) -> None:
        if cell is UNREADABLE:
            return
        value, fault = (None, cell) if isinstance(cell, Fault) else rule.judge(str(cell))
        if fault:
            faults[position].append(fault)
        else:
            values[rule.name] = value

    def _judge_references(self, standing: _Standing, singles: Singles, faults: Faults) -> _Standing:
        found = np.ones(len(standing.positions), dtype=np.bool_)
        for reference in self.rules.references:
            rule = self.rules.by_name[reference.column]
            column = standing.columns[self.rules.names.index(reference.column)]
            missing = self._references.missing(reference, column)
            found &= ~missing
            blamed = [(int(standing.positions[at]), column[at].as_py()) for at in np.flatnonzero(missing).tolist()]
            judged = [(at, row[rule.name]) for at, row in singles.items() if rule.name in row]
            missing = self._references.missing(reference, pa.array([value for _, value in judged], rule.arrow))
            blamed += [judged[at] for at in np.flatnonzero(missing).tolist()]
            for position, value in blamed:
                message = f"{rule.name} {_spelled(value)} is not in {reference.parent}"
                faults[position].append(Fault(rule.name, RejectCode.REFERENCE, message))
        return standing.only(found)

    def _gather(self, standing: _Standing, singles: Mapping[int, dict[str, object]]) -> _Standing:
        """Put good rows that were judged one by one among the others, in their order."""
        if not singles:
            return standing
        positions = np.concatenate([standing.positions, np.array(list(singles), dtype=np.int64)])
        order = np.argsort(positions)
        columns = []
        for rule, column in zip(self.rules.columns, standing.columns, strict=True):
            more = pa.array([row[rule.name] for row in singles.values()], rule.arrow)
            columns.append(pa.concat_arrays([column, more]).take(pa.array(order)))
        return _Standing(columns, positions[order])

    def _judge_checks(self, standing: _Standing, faults: Faults) -> _Standing:
        met = np.ones(len(standing.positions), dtype=np.bool_)
        if not self.rules.checks or not len(met):
            return standing
        rows = pa.RecordBatch.from_arrays(standing.columns, schema=self.rules.schema).to_pylist()
        for at, name in self._failed_checks(self.rules, rows):
            met[at] = False
            message = f"the row breaks the rule {name}"
            faults[int(standing.positions[at])].append(Fault(None, RejectCode.CHECK, message))
        return standing.only(met)

    def _key(self, standing: _Standing) -> list[pa.Array]:
        return [standing.columns[self.rules.names.index(name)] for name in self.rules.key]

    def _rejected(
        self, batch: RowBatch, position: int, faults: tuple[Fault, ...], duplicate_of: object = None
    ) -> RejectedRow:
        in_order = faults
        if len(faults) > 1:
            in_order = tuple(sorted(faults, key=lambda fault: self._order.get(fault.column, len(self._order))))
        return RejectedRow(batch.first + position, batch.raw(position), in_order, duplicate_of)


def _spelled(value: object) -> str:
    return shown(value) if isinstance(value, str) else str(value)
