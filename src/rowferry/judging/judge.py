"""The judge of rows: each row is accepted, or rejected with all its faults."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow, python_values, rows_as_python
from rowferry.dictionary.faults import Fault, RejectCode
from rowferry.dictionary.foreign_keys import Reference
from rowferry.dictionary.rules import ColumnRule, TableRules
from rowferry.errors import DatabaseRefused
from rowferry.judging.candidate_keys import Columns, Mask, all_spelled, has_key, spelled
from rowferry.judging.found_faults import FoundFaults, messages_of, repeated_message
from rowferry.judging.left_out import LeftOut
from rowferry.judging.lookups import Lookups
from rowferry.judging.moved_values import Key, MovedValues
from rowferry.judging.places import Places
from rowferry.judging.references import References
from rowferry.judging.rejected_rows import RejectedRows
from rowferry.judging.rows import LEFT_OUT, UNREADABLE, Positions, RowBatch, raws_of
from rowferry.judging.taken_keys import TakenKeys
from rowferry.judging.typed_values import cell_of, read_typed

Singles = dict[int, dict[str, object]]
"""Odd rows: by position, their values as far as they are good."""


@dataclass(frozen=True)
class Verdict:
    """The accepted rows, as a typed batch with a last column ROW_NUMBER, and the rejected ones; in source order."""

    rows_read: int
    accepted: pa.RecordBatch
    rejected: RejectedRows


@dataclass(frozen=True)
class _Standing:
    """Rows as columns, their positions in the batch, ascending, and which of them have no fault so far.

    Null stands for a value that has a fault.
    """

    columns: list[pa.Array]
    positions: Positions
    good: Mask

    def only_good(self) -> "_Standing":
        if self.good.all():
            return self
        kept, positions = as_arrow(self.good), self.positions[self.good]
        return _Standing([pc.where(column, kept) for column in self.columns], positions, np.ones_like(positions, bool))

    def blame(self, faults: FoundFaults) -> None:
        """Note which rows have a fault by now."""
        blamed = faults.positions()
        at = np.searchsorted(self.positions, blamed)
        at, blamed = at[at < len(self.positions)], blamed[at < len(self.positions)]
        self.good[at[self.positions[at] == blamed]] = False


class Judge:
    """Judges the rows of one source against the rules of one table, batch after batch, in order.

    `places` say what messages call the rows. Rows that the database is known to have `refused`, by their number, have
    that fault from the start. In an update, rows of the table may give their unique values away, unless they are known
    to be `kept` by them; else they keep all.
    """

    def __init__(
        self,
        rules: TableRules,
        lookups: Lookups,
        taken: TakenKeys,
        places: Places,
        refused: Mapping[int, Fault] = MappingProxyType({}),
        kept: set[Key] | None = None,
    ) -> None:
        self.rules = rules
        self._lookups = lookups
        self._references = References(rules, lookups)
        self._circular = lookups.circular(rules)
        self._taken, self._places = taken, places
        self._refused = refused
        self.moved = MovedValues(rules, lookups, taken, kept) if kept is not None and rules.unique else None
        self._order: dict[str | None, int] = {name: at for at, name in enumerate(rules.names)} | {None: -1}

    def judge(self, batch: RowBatch) -> Verdict:
        """Judge the next rows: their values, what they refer to, the checks of their table, and their keys last."""
        faults = FoundFaults(self._order, batch.count)
        columns = [self._judge_column(number, batch, faults) for number in range(len(batch.columns))]
        standing = _Standing(columns, batch.positions, np.ones(len(batch.positions), dtype=np.bool_))
        singles = self._judge_odd(batch, faults)
        self._judge_references(batch.first, standing, singles, faults)
        for number, fault in self._refused.items():
            if batch.first <= number < batch.first + batch.count:
                faults.add(number - batch.first, fault)
        standing.blame(faults)
        left_out = LeftOut(self.rules, batch)
        self._judge_checks_of_faulty(standing, singles, faults, left_out)
        standing = self._gather(standing, _without(singles, faults))
        standing = self._judge_checks(standing, faults, left_out)
        standing, new = self._judge_unique(standing, faults)
        if self._circular:
            good = standing.only_good()
            self._circular.provide(dict(zip(self.rules.names, good.columns, strict=True)), batch.first + good.positions)
        self._take_keys(batch.first, standing, new, faults)
        positions, errors, codes = faults.as_columns()
        rejected = RejectedRows(batch.first + positions, raws_of(batch, positions), errors, codes)
        accepted = standing.only_good()
        numbers = as_arrow(batch.first + accepted.positions)
        rows = pa.RecordBatch.from_arrays([*accepted.columns, numbers], schema=self.rules.numbered_schema)
        if self.moved:
            self.moved.add(rows, {names: left_out.leaving(accepted.positions, names) for names in self.rules.unique})
        return Verdict(batch.count, rows, rejected)

    def end(self) -> None:
        """All rows were judged.

        Raises:
            ValuesKept: Rows would take unique values that others, which are now known, keep in an update.
        """
        if self.moved:
            self.moved.settle()

    def _judge_column(self, number: int, batch: RowBatch, faults: FoundFaults) -> pa.Array:
        """The values of a column of plain rows, null where there is a fault; those that are not sure one by one."""
        rule, column = self.rules.columns[number], batch.columns[number]
        blank = [positions for of, positions in (*batch.unreadable, *batch.left_out) if of == number]
        if blank and len(blank[0]) == len(column):
            return pa.nulls(len(column), rule.arrow)
        values, sure = read_typed(rule, column, present=batch.present) if batch.typed else rule.read(column)
        for positions in blank:
            there = np.zeros(len(column), dtype=np.bool_)
            there[np.searchsorted(batch.positions, positions)] = True
            values, sure = pc.if_else(as_arrow(there), pa.scalar(None, rule.arrow), values), sure | there
        if sure.all():
            return values
        unsure = np.flatnonzero(~sure)
        cells, positions = pc.take(column, as_arrow(unsure)), batch.positions[unsure]
        texts: Sequence[object]
        if batch.typed:
            texts, indices = [cell_of(rule, cells, at) for at in range(len(cells))], np.arange(len(cells))
        else:
            # Many rows often have the same text.
            encoded = pc.dictionary_encode(cells)
            texts, indices = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
        judged = [_judged(rule, text, present=batch.present) for text in texts]
        _note(faults, rule, [fault for _, fault in judged], indices, positions)
        if all(value is None for value, _ in judged):
            return values
        found = pc.take(pa.array([value for value, _ in judged], rule.arrow), as_arrow(indices))
        return pc.replace_with_mask(values, as_arrow(~sure), found)

    def _judge_odd(self, batch: RowBatch, faults: FoundFaults) -> Singles:
        singles: Singles = {}
        for positions, fault in batch.spoiled:
            faults.add_many(fault.column, fault.code, positions, repeated_message(fault.message, len(positions)))
        for row in batch.odd:
            for fault in row.faults:
                faults.add(row.position, fault)
            if row.cells is not None:
                both = zip(self.rules.columns, row.cells, strict=True)
                values = {rule.name: self._judge_cell(rule, cell, faults, row.position) for rule, cell in both}
                singles[row.position] = values
        return singles

    def _judge_cell(self, rule: ColumnRule, cell: object, faults: FoundFaults, position: int) -> object:
        """The value of a cell, None if it has a fault."""
        value, fault = _judged(rule, cell, present=False)
        if fault:
            faults.add(position, fault)
        return value

    def _judge_references(self, first: int, standing: _Standing, singles: Singles, faults: FoundFaults) -> None:
        for reference in self.rules.references:
            columns = [standing.columns[self.rules.names.index(name)] for name in reference.columns]
            missing = self._missing(reference, columns, first + standing.positions)
            self._blame(reference, missing, columns, standing.positions, faults)
            rules = [self.rules.by_name[name] for name in reference.columns]
            columns = [pa.array([row[rule.name] for row in singles.values()], rule.arrow) for rule in rules]
            positions = np.array(list(singles), dtype=np.int64)
            self._blame(reference, self._missing(reference, columns, first + positions), columns, positions, faults)

    def _missing(self, reference: Reference, columns: Columns, numbers: Positions) -> Mask:
        """Which rows refer to nothing; where they may refer to rows that come later, which are known to do so."""
        if self._circular and reference in self._circular.references:
            return self._circular.missing(reference, columns, numbers)
        return self._references.missing(reference, columns)

    def _blame(
        self, reference: Reference, blamed: Mask, columns: Columns, positions: Positions, faults: FoundFaults
    ) -> None:
        missing = np.flatnonzero(blamed)
        values = [pc.take(column, as_arrow(missing)) for column in columns]
        texts = all_spelled(self.rules, reference.columns, values)
        named = ", ".join(reference.columns)
        messages = pc.binary_join_element_wise(f"{named} ", texts, f" is not in {reference.parent}", "")
        faults.add_many(reference.column, RejectCode.REFERENCE, positions[missing], messages)

    def _gather(self, standing: _Standing, singles: Mapping[int, dict[str, object]]) -> _Standing:
        """Put good odd rows among the others, in their order."""
        if not singles:
            return standing
        positions = np.concatenate([standing.positions, np.array(list(singles), dtype=np.int64)])
        order = np.argsort(positions)
        columns = []
        for rule, column in zip(self.rules.columns, standing.columns, strict=True):
            more = pa.array([row[rule.name] for row in singles.values()], rule.arrow)
            columns.append(pc.take(pa.concat_arrays([column, more]), as_arrow(order)))
        good = np.concatenate([standing.good, np.ones(len(singles), dtype=np.bool_)])
        return _Standing(columns, positions[order], good[order])

    def _judge_checks(self, standing: _Standing, faults: FoundFaults, left_out: LeftOut) -> _Standing:
        if not self.rules.checks:
            return standing
        standing = standing.only_good()
        if len(standing.positions):
            rows = rows_as_python(pa.RecordBatch.from_arrays(standing.columns, schema=self.rules.schema))
            for at, name in self._lookups.failed_checks(self.rules, rows):
                position = int(standing.positions[at])
                if not left_out.of(position) & self.rules.columns_of_check(name):
                    faults.add(position, _broken(name))
            standing.blame(faults)
        return standing

    def _judge_checks_of_faulty(
        self, standing: _Standing, singles: Singles, faults: FoundFaults, left_out: LeftOut
    ) -> None:
        """Judge the checks on values without fault in rows that have others, so that all faults are told at once."""
        if not self.rules.checks or not (found := faults.by_row()):
            return
        at = np.flatnonzero(~standing.good)
        columns = [pc.take(column, as_arrow(at)) for column in standing.columns]
        plain = rows_as_python(pa.RecordBatch.from_arrays(columns, schema=self.rules.schema))
        rows = dict(zip(standing.positions[at].tolist(), plain, strict=True)) | singles
        # Where the row itself is at fault, nobody knows which of its values are missing.
        positions = [at for at in rows if at in found and all(map(_is_of_values, found[at]))]
        broken: list[tuple[int, str]] = []
        # A condition may be beyond computing for values that are missing or at fault; the rows are rejected anyway.
        with suppress(DatabaseRefused):
            broken = self._lookups.failed_checks(self.rules, [rows[at] for at in positions]) if positions else []
        for number, name in broken:
            at = positions[number]
            blamed = {column for column, code in found[at] if code is not RejectCode.REFERENCE}
            if not (blamed | left_out.of(at)) & self.rules.columns_of_check(name):
                faults.add(at, _broken(name))

    def _judge_unique(self, standing: _Standing, faults: FoundFaults) -> tuple[_Standing, Mask | None]:
        """Judge rows that are new to the table by what is unique there beside the key; and which these are."""
        if not self.rules.unique:
            return standing, None
        standing = standing.only_good()
        rows = pa.RecordBatch.from_arrays(standing.columns, schema=self.rules.schema)
        keyed, new = has_key(self.rules, rows), np.ones(rows.num_rows, dtype=np.bool_)
        if not self.moved:
            new[self._known(self.rules.key, rows, keyed)] = False
        where = f"is already in the table{', with a different ' * bool(self.rules.key)}{', '.join(self.rules.key)}"
        for names in self.rules.unique:
            column = names[0] if len(names) == 1 else None
            for at in self._rows_that_take(names, rows, keyed, new):
                values = spelled(self.rules, names, (_value_at(rows, name, at) for name in names))
                fault = Fault(column, RejectCode.CONFLICT, f"{', '.join(names)} {values} {where}")
                faults.add(int(standing.positions[at]), fault)
        standing.blame(faults)
        return standing, new

    def _rows_that_take(self, names: tuple[str, ...], rows: pa.RecordBatch, keyed: Mask, new: Mask) -> list[int]:
        """Which new rows, by position, would take unique values that rows of the table keep."""
        moved = self.moved
        if moved is None:
            return self._known(names, rows, new)
        kept = _found_among(lambda chosen: moved.kept(names, chosen), rows, keyed)
        return sorted([*kept, *self._known(names, rows, ~keyed)])

    def _known(self, names: tuple[str, ...], rows: pa.RecordBatch, among: Mask) -> list[int]:
        """Which of some rows, by position, have the values of a row of the table."""
        return _found_among(lambda chosen: self._lookups.known(self.rules, names, chosen), rows, among)

    def _take_keys(self, first: int, standing: _Standing, new: Mask | None, faults: FoundFaults) -> None:
        """Take the keys of good rows; a row one of whose keys was taken already is at fault, and takes none.

        Rows that are not new to the table take their primary key only: none of their values goes in.
        """
        if not self.rules.candidate_keys:
            return
        at = np.flatnonzero(standing.good)
        of = dict(zip(self.rules.names, standing.columns, strict=True))
        keys = [[of[name] for name in names] for names in self.rules.candidate_keys]
        if new is not None and not new.all():
            keys[1:] = [[pc.if_else(as_arrow(new), first, None), *others] for first, *others in keys[1:]]
        if len(at) < len(standing.good):
            keys = [[pc.take(column, as_arrow(at)) for column in key] for key in keys]
        positions = standing.positions[at]
        repeated = self._taken.take(keys, first + positions)
        if not len(repeated.positions):
            return
        for number, names in enumerate(self.rules.candidate_keys):
            places = np.flatnonzero(repeated.numbers == number)
            values = [pc.take(column, as_arrow(repeated.positions[places])) for column in keys[number]]
            texts = all_spelled(self.rules, names, values), self._places.all_spelled(repeated.takers[places])
            messages = pc.binary_join_element_wise(f"{', '.join(names)} ", texts[0], " was taken by ", texts[1], "")
            column = names[0] if len(names) == 1 else None
            faults.add_many(column, RejectCode.DUPLICATE, positions[repeated.positions[places]], messages)
        standing.good[at[repeated.positions]] = False


def _found_among(find: Callable[[pa.RecordBatch], list[int]], rows: pa.RecordBatch, among: Mask) -> list[int]:
    """The positions of what is found among some of the rows, which may be none."""
    places = np.flatnonzero(among)
    if not len(places):
        return []
    return find(rows) if len(places) == rows.num_rows else places[find(pc.where(rows, as_arrow(among)))].tolist()


def _value_at(rows: pa.RecordBatch, name: str, at: int) -> object:
    return python_values(rows.column(name)[at : at + 1])[0]


def _judged(rule: ColumnRule, cell: object, *, present: bool) -> tuple[object, Fault | None]:
    """The value of a cell, or what is wrong with it; of one that cannot be read or was left out, its row says so."""
    if cell is UNREADABLE or cell is LEFT_OUT:
        return None, None
    value, fault = judge_cell(rule, cell, present=present)
    return (None, fault) if fault else (value, None)


def _note(
    faults: FoundFaults, rule: ColumnRule, distinct: Sequence[Fault | None], indices: Positions, positions: Positions
) -> None:
    """Note the faults of the cells of a column, each of which is one of some, by its code."""
    by_code: dict[str, list[int]] = {}
    for at, fault in enumerate(distinct):
        if fault:
            by_code.setdefault(fault.code, []).append(at)
    for code, places in by_code.items():
        numbers = np.full(len(distinct), -1)
        numbers[places] = np.arange(len(places))
        blamed = np.flatnonzero(numbers[indices] >= 0)
        messages = [fault.message for at in places if (fault := distinct[at])]
        faults.add_many(rule.name, code, positions[blamed], messages_of(messages, numbers[indices[blamed]]))


def _without(singles: Singles, faults: FoundFaults) -> Singles:
    """Those of the rows that have no fault."""
    blamed = set(faults.positions().tolist()) if singles else set()
    return {at: row for at, row in singles.items() if at not in blamed}


def judge_cell(rule: ColumnRule, cell: object, *, present: bool) -> tuple[object, Fault | None]:
    """The value of a cell, or what is wrong with it; a missing one is None, and its fault may be known already."""
    if isinstance(cell, Fault):
        return None, cell
    return rule.judge(cell if cell is None else str(cell), present=present)


def _is_of_values(fault: tuple[str | None, str]) -> bool:
    """Whether a fault leaves the row itself as it is."""
    column, code = fault
    return column is not None or code is RejectCode.REFERENCE


def _broken(check: str) -> Fault:
    return Fault(None, RejectCode.CHECK, f"the row breaks the rule {check}")
