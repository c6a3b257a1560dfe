"""Writers whose rows wait in a stage, until all are there to be compared: complete and correct in any database.

A room says how rows get into its stage, how a table is kept from others and how statements run; what comparing and
publishing do is said by the plan. What a database does faster is a way of its own beside these, or a part of them.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import pyarrow as pa
from sqlalchemy import ColumnElement, FromClause

from rowferry.backends.key_range import KeyRange
from rowferry.backends.plan import Plan, Statement
from rowferry.backends.protocol import Comparison, Examples, Key, Referring
from rowferry.backends.refusals import NO_ROWS, NONE_KNOWN, Numbers, RefusalsFound
from rowferry.backends.replacing_plan import ReplacingPlan
from rowferry.dictionary.rules import ROW_NUMBER, TableRules

_LAST = 2**63 - 1


class Found(Protocol):
    """What a statement has found or done."""

    @property
    def rowcount(self) -> int:
        """How many rows it has inserted, changed or deleted."""

    def fetchone(self) -> Any:
        """The next row; None if there is none."""

    def __iter__(self) -> Iterator[Any]:
        """All rows."""


@dataclass(frozen=True)
class ChildTable:
    """Another table that refers, by some columns, to `targets` of the table `t` whose rows are replaced.

    Of these, rows get other values in those that are `moving`, so that a reference may lead nowhere.
    """

    name: str
    columns: tuple[str, ...]
    targets: tuple[str, ...]
    moving: tuple[str, ...]
    rows: FromClause
    refers: ColumnElement[bool]


class StagedWriter(ABC):
    """Implements LoadWriter."""

    took_over = False
    _plan: Plan

    def __init__(self, rules: TableRules, *, dry_run: bool) -> None:
        self._rules = rules
        self._dry_run = dry_run
        self._rows = 0
        self._range = KeyRange(rules)
        self._has_known = False
        self._comparison = Comparison(0, 0, 0)

    def write(self, rows: pa.RecordBatch) -> None:
        self._rows += rows.num_rows
        self._range.add(rows)
        self._fill(rows)

    @abstractmethod
    def end(self) -> None:
        """All rows were written."""

    def compare(self) -> Comparison:
        if not self._dry_run:
            self._lock()
        self._has_known = False
        equal, different = self._find_known() if self._meets_known_keys() else (0, 0)
        self._comparison = Comparison(self._rows - equal - different, equal, different)
        return self._comparison

    def known(self, starts: Sequence[int]) -> list[tuple[int, int]]:
        if not self._has_known:
            return [(0, 0)] * len(starts)
        if len(starts) == 1:
            return [(self._comparison.equal, self._comparison.different)]
        spans = ((first, behind - 1) for first, behind in pairwise([*starts, _LAST]))
        return [self._counted(self._plan.count_known(span)) for span in spans]

    def different(self) -> Iterator[tuple[int, list[str]]]:
        if self._has_known:
            for number, *flags in self._stream(self._plan.different()):
                yield number, self._named(flags)

    def publish(self, *, update: bool) -> tuple[int, int]:
        with self._foreign_keys():
            updated = self._update() if update and self._comparison.different and self._rules.values else 0
            return (self._insert() if self._comparison.new else 0), updated

    def complete(self, *, update: bool) -> None:
        changed = self._comparison.different if update else 0
        if not self._rules.circular or not (self._comparison.new or changed):
            return
        if self._is_incomplete(changed):
            self._run(self._plan.complete(only_new=not update and self._has_known))
        self._require_circular()

    # What a room says

    @abstractmethod
    def _require_circular(self) -> None:
        """Require that what rows refer to by references which lead back to their table is there, or will have to be.

        Raises:
            ParentsVanished: It is not.
        """

    @abstractmethod
    def _run(self, statement: Statement) -> Found:
        """Run a statement of the plan."""

    @abstractmethod
    def _fill(self, rows: pa.RecordBatch) -> None:
        """Put rows into the stage."""

    @abstractmethod
    def _lock(self) -> None:
        """Let nobody else write to the table until the end of the transaction."""

    @abstractmethod
    def _make_known(self) -> None:
        """Make the table `known` of the plan, empty."""

    def _stream(self, statement: Statement) -> Iterable[Any]:
        """Run a statement that finds many rows, which do not all have to be in memory."""
        return self._run(statement)

    def _foreign_keys(self) -> AbstractContextManager[None]:
        """Within it rows go in; at its end all they refer to is there, or will have to be at the end of all."""
        return nullcontext()

    def _update(self) -> int:
        """Update the rows that differ; how many the database updated."""
        return self._run(self._plan.update()).rowcount

    def _insert(self) -> int:
        """Insert the new rows; how many the database inserted."""
        return self._run(self._plan.insert_new(known=self._has_known)).rowcount

    # What follows

    def _is_incomplete(self, changed: int) -> bool:
        """Whether rows lack values of columns that came too early."""
        return bool(self._plan.held_back or (changed and self._plan.late))

    def _rewrite(self) -> int:
        """Insert the rows that differ anew, once all of them are gone: a value may stand in another row by now."""
        return min(self._run(step()).rowcount for step in (self._plan.remove_different, self._plan.insert_different))

    def _meets_known_keys(self) -> bool:
        """Whether the table may hold keys of the rows: any key within the range of theirs."""
        if not self._range.known:
            return bool(self._rules.key)
        bounds = self._range.bounds
        return bounds is not None and bool(self._run(self._plan.meets(self._range.column, bounds)).fetchone()[0])

    def _find_known(self) -> tuple[int, int]:
        """Note the rows whose key the table has; how many of them are equal and how many different."""
        self._has_known = True
        self._make_known()
        self._run(self._plan.note_known())
        return self._counted(self._plan.count_known())

    def _counted(self, statement: Statement) -> tuple[int, int]:
        first, second = self._run(statement).fetchone()
        return first, second

    def _named(self, flags: Sequence[Any]) -> list[str]:
        """The columns whose flag says that they differ."""
        return [name for name, differs in zip(self._rules.values, flags, strict=True) if differs]


class StagedReplacer(StagedWriter):
    """Implements TableReplacer."""

    _plan: ReplacingPlan
    _surplus = 0

    def compare(self) -> Comparison:
        found = super().compare()
        self._surplus = self._find_surplus()
        return found

    def surplus(self) -> int:
        return self._surplus

    def examples(self, count: int) -> Examples:
        new, different = self._comparison.new, self._comparison.different
        return Examples(
            self._keys(self._plan.first_new(count, known=self._has_known)) if new else [],
            self._first_different(count) if different else [],
            self._keys(self._plan.first_surplus(count)) if self._surplus else [],
        )

    def referring(self, count: int, among: Collection[str]) -> list[Referring]:
        found = []
        for child in self._children(among) if self._surplus or self._comparison.different else ():
            names = self._rules.key or tuple(name for name in child.targets if name in self._rules.names)
            pair = child.rows, child.refers
            if self._surplus and (rows := self._number(self._plan.count_referring(*pair))):
                keys = self._rows_of(names, self._plan.first_referred(*pair, names, count)) if names else []
                found.append(Referring(child.name, child.columns, rows, keys))
            if child.moving and (rows := self._number(self._plan.count_moved(*pair, child.moving))):
                keys = self._rows_of(names, self._plan.first_moved(*pair, child.moving, names, count))
                found.append(Referring(child.name, child.columns, rows, keys, child.moving))
        return found

    def complete(self, *, update: bool) -> None:
        if self._surplus and self._plan.held_back:
            self._run(self._plan.release_surplus())
        super().complete(update=update)

    def remove(self) -> int:
        if not self._surplus:
            return 0
        removed = self._remove()
        if removed == self._surplus:
            return removed
        # Some went along with others that they referred to (ON DELETE CASCADE), or did not go at all.
        return self._surplus - self._number(self._plan.count_left())

    def compare_again(self) -> Comparison:
        return self.compare()

    @abstractmethod
    def acting(self) -> list[str]:
        """The names of triggers and rules that act when rows of the table come, change or go."""

    @abstractmethod
    def _find_surplus(self) -> int:
        """Note what is surplus; how many rows are."""

    @abstractmethod
    def _children(self, among: Collection[str]) -> Iterable[ChildTable]:
        """The tables that refer to this one, but those passed over; from now on, nobody else writes to them.

        Those that cannot matter are left out.
        """

    def _moving(self, targets: Sequence[str], *, follows: bool) -> tuple[str, ...]:
        """The columns in which rows get other values, if a reference to them does not follow (ON UPDATE CASCADE)."""
        names = tuple(name for name in targets if name in self._rules.values)
        if follows or not names or not self._comparison.different:
            return ()
        return names if self._number(self._plan.count_moving(names)) else ()

    def _number(self, statement: Statement) -> int:
        return int(self._run(statement).fetchone()[0])

    def _remove(self) -> int:
        """Delete the surplus rows; how many the database deleted."""
        return self._run(self._plan.remove_surplus()).rowcount

    def _meets_known_keys(self) -> bool:
        return not self._rules.key or super()._meets_known_keys()

    def _first_different(self, count: int) -> list[tuple[Key, list[str]]]:
        names = self._plan.named_by
        found = [(row[: len(names)], row[len(names) :]) for row in self._run(self._plan.first_different(count))]
        return [(dict(zip(names, key, strict=True)), self._named(flags)) for key, flags in found]

    def _keys(self, statement: Statement) -> list[Key]:
        return self._rows_of(self._rules.identity, statement)

    def _rows_of(self, names: Sequence[str], statement: Statement) -> list[Key]:
        return [dict(zip(names, row, strict=True)) for row in self._run(statement)]


class StagedRefusalsFound(RefusalsFound, StagedWriter):
    """What writers share that find the rows which a database refuses; rows wait by ascending number."""

    _written = NO_ROWS

    def write(self, rows: pa.RecordBatch) -> None:
        if rows.num_rows:
            numbers = rows.column(ROW_NUMBER)
            first = numbers[0].as_py() if self._written == NO_ROWS else self._written[0]
            self._written = (first, numbers[-1].as_py())
        super().write(rows)

    @contextmanager
    def _only(self, rows: Numbers) -> Iterator[None]:
        plan = self._plan
        self._plan = plan.only(rows)
        try:
            yield
        finally:
            self._plan = plan

    def _is_incomplete(self, changed: int) -> bool:  # noqa: ARG002  # each try left these values out
        return bool(self._plan.late)

    def _publish(self, *, update: bool) -> tuple[int, int]:
        return StagedWriter.publish(self, update=update)

    def _all_rows(self) -> Numbers:
        return self._written

    def _sorts(self) -> Comparison:
        new = self._run(self._plan.count_new(known=self._has_known)).fetchone()[0]
        different = self._run(self._plan.count_different()).fetchone()[0] if self._has_known else 0
        return Comparison(new, 0, different)

    def _are_there(self) -> int:
        if not self._rules.key:
            return NONE_KNOWN
        return int(self._run(self._plan.count_there(known=self._has_known)).fetchone()[0])
