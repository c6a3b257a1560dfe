"""Rows that a database refuses by rules of its own: which they are, found by halves, each tried in a savepoint."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from rowferry.backends.protocol import Comparison
from rowferry.dictionary.faults import DATABASE_RULE, Fault
from rowferry.dictionary.rules import TableRules
from rowferry.errors import ConservationBroken

MOST_REFUSED = 1_000
"""So many rows of an operation are found one by one; more are a rule that the class should have."""

Numbers = tuple[int, int]
"""Some consecutive row numbers: the first and the last of them."""

NO_ROWS: Numbers = (0, -1)

NONE_KNOWN = -1
"""How many rows a table holds by now, where no key tells them from others."""

Event = Literal["INSERT", "UPDATE", "DELETE"]
"""What triggers and rules act on."""


@dataclass(frozen=True)
class Refusal:
    """Why the database refuses a row, or one of several: the name of the rule, and what the database says of it.

    `error` is what it raised; nothing where it left a row out without a word.
    """

    rule: str
    message: str
    column: str | None = None
    error: Exception | None = None

    def as_fault(self) -> Fault:
        return Fault(self.column, DATABASE_RULE + self.rule, f"the database refuses the row: {self.message}")


class RowsRefused(Exception):
    """The database refuses rows of a table, by number; all others could go in, if nothing refers to these."""

    def __init__(self, table: str, rows: dict[int, Refusal]) -> None:
        super().__init__(table, rows)
        self.table, self.rows = table, rows


Trial = Callable[[Numbers], Refusal | None]
"""Puts rows in and leaves them there, or says why the database refuses one of them, and leaves none."""


def refused_rows(trial: Trial, ranges: Iterable[Numbers]) -> dict[int, Refusal]:
    """The rows within some ranges, ascending, that cannot go in behind all the others; MOST_REFUSED + 1 at most.

    What a trial raises may follow from rows found before: they keep values that others would take. So it is those alone
    then, and the judge looks at the others again.
    """
    found: dict[int, Refusal] = {}
    try:
        _look(trial, ranges, found)
        return found if len(found) > MOST_REFUSED else _refused_still(trial, found)
    except Exception:
        if not found:
            raise
        return found


def _look(trial: Trial, ranges: Iterable[Numbers], found: dict[int, Refusal]) -> None:
    """Add rows that cannot go in to those that were found."""
    waiting = [*ranges][::-1]
    while waiting and len(found) <= MOST_REFUSED:
        first, last = waiting.pop()
        refusal = trial((first, last))
        if refusal and first == last:
            found[first] = refusal
        elif refusal:
            middle = (first + last) // 2
            waiting += [(middle + 1, last), (first, middle)]


def _refused_still(trial: Trial, found: dict[int, Refusal]) -> dict[int, Refusal]:
    """Those that cannot go in either now that rows behind them are in, such as one that held a value before."""
    before = 0
    while len(found) != before:
        before = len(found)
        again = ((row, trial((row, row))) for row in found)
        found = {row: refusal for row, refusal in again if refusal}
    return found


class Judged(Protocol):
    """What a database says of rows that it refuses."""

    def left_out(self, event: Event) -> Refusal | None:
        """Which triggers or rules may have left a row out at an INSERT or UPDATE; None if there are none."""


class Tries(Protocol):
    """What can be tried with rows of a table without harm to the transaction."""

    @property
    def judged(self) -> Judged:
        """What the database says of them."""

    def tried(self, put_in: Callable[[], Refusal | None]) -> Refusal | None:
        """Why rows cannot be put in; then nothing of it stays.

        Raises:
            Exception: What has nothing to do with single rows, or what the judge knows of and can look at again.
        """


class RefusalsFound(ABC):
    """What all writers share that find the rows which a database refuses, each before a writer that does not."""

    _rules: TableRules
    _tries: Tries

    def publish(self, *, update: bool) -> tuple[int, int]:
        """As any writer does; rows count that are in, whether or not the database counted them.

        Raises:
            RowsRefused: Which rows cannot go in. What others could is to be undone.
        """

        def trial(rows: Numbers) -> Refusal | None:
            with self._only(rows):
                return self._tries.tried(lambda: self._put_in(update=update))

        whole = self._all_rows()
        if refusal := trial(whole):
            # What fails without any row is no fault of theirs.
            if trial(NO_ROWS) and refusal.error:
                raise refusal.error
            if found := refused_rows(trial, self._ranges(whole)):
                raise RowsRefused(self._rules.name, found)
        return self._expected(update=update)

    def _put_in(self, *, update: bool) -> Refusal | None:
        """Put rows in, and see whether all are there: a trigger or a rule may leave some out without a word."""
        inserted, updated = self._publish(update=update)
        new, different = self._expected(update=update)
        if updated == different and (inserted == new or self._are_there() == new):
            return None
        refusal = self._tries.judged.left_out("INSERT" if updated == different else "UPDATE")
        if refusal is None:
            raise ConservationBroken(table=self._rules.name, rows_read=new + different, accounted=inserted + updated)
        return refusal

    def _expected(self, *, update: bool) -> tuple[int, int]:
        found = self._sorts()
        return found.new, found.different if update else 0

    def _ranges(self, whole: Numbers) -> Sequence[Numbers]:
        """Ranges to begin with, ascending; narrow ones where something tells which rows may be refused."""
        middle = sum(whole) // 2
        return [whole] if whole[0] == whole[1] else [(whole[0], middle), (middle + 1, whole[1])]

    @abstractmethod
    def _publish(self, *, update: bool) -> tuple[int, int]:
        """What the writer behind does."""

    @abstractmethod
    def _only(self, rows: Numbers) -> AbstractContextManager[None]:
        """Let no other rows be put in."""

    @abstractmethod
    def _all_rows(self) -> Numbers:
        """From the first to the last row that was written."""

    @abstractmethod
    def _sorts(self) -> Comparison:
        """What the rows are that are let in, as `compare` has found them."""

    @abstractmethod
    def _are_there(self) -> int:
        """How many of the new rows that are let in the table holds by now, by their keys."""
