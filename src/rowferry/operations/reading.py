"""The first half of every operation that puts many rows into a table: read all of a source, and judge it."""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Any, Generic, Protocol, TypeVar

import pyarrow as pa

from rowferry import ledger
from rowferry.backends.protocol import TableWriter
from rowferry.dictionary.faults import Fault
from rowferry.dictionary.rules import TableRules
from rowferry.errors import ConservationBroken
from rowferry.events import Observe, RowsRejected
from rowferry.judging.candidate_keys import duplicate
from rowferry.judging.judge import Judge
from rowferry.judging.lookups import Lookups
from rowferry.judging.moved_values import Key
from rowferry.judging.places import Places
from rowferry.judging.reject_sink import RejectSink
from rowferry.judging.rejected_rows import RejectedRows
from rowferry.judging.rows import RejectedRow, RowBatch
from rowferry.judging.taken_keys import TakenKeys, taken_keys
from rowferry.ledger import Append
from rowferry.prefetch import prefetch

_KEPT_AT_ONCE = 10_000

_MOST_TOLD = 1_000
"""Of so many rejected rows observers are told one by one, in one operation; all of them are in the ledger."""


@dataclass
class Telling:
    """How many rejected rows of an operation are still told of, and how many were not."""

    left: int = _MOST_TOLD
    untold: int = 0

    def take(self, rows: int) -> int:
        """How many of some rows are to be told of."""
        told = min(rows, self.left)
        self.left, self.untold = self.left - told, self.untold + rows - told
        return told


class Batches(Protocol):
    """A source of rows."""

    def batches(self) -> Generator[RowBatch, None, None]:
        """All rows in order."""


Rows = TypeVar("Rows", bound=Batches)
Writer = TypeVar("Writer", bound=TableWriter)


@dataclass
class Reading(Generic[Rows, Writer]):
    """The rows of one source on their way: good ones to their writer, others to their rejects.

    `id` is that of the operation, `places` say where the rows stand; rejected rows are told of as they come. Rows that
    are known to be `refused` by the database, by their number, are rejected.
    """

    id: str
    places: Places
    rules: TableRules
    rows: Rows
    writer: Writer
    observe: Observe
    telling: Telling
    refused: Mapping[int, Fault] = field(default_factory=dict)
    rows_read: int = 0
    taken: TakenKeys = field(init=False)
    rejects: RejectSink = field(init=False)

    def __post_init__(self) -> None:
        self.taken = taken_keys(self.rules)
        self.rejects = RejectSink(self.rules, self.places)

    def read(self, lookups: Lookups, tell_progress: Callable[[], None], kept: set[Key] | None = None) -> None:
        """Read, judge and write all rows, each in a thread of its own, so that they go on at the same time.

        In an update, rows that are not `kept` may give their unique values away.

        Raises:
            ValuesKept: Rows would take unique values that others, which are now known, keep in an update.
        """
        judge = Judge(self.rules, lookups, self.taken, self.refused, kept)
        with closing(prefetch(self._judged(judge))) as judged:
            for rows_read, accepted in judged:
                self.writer.write(accepted)
                self.rows_read += rows_read
                tell_progress()
        self.writer.end()
        judge.end()
        self.rejects.name_first_rows(self.taken)

    def reject(self, rows: Iterable[RejectedRow]) -> None:
        """Keep rows that are rejected later, some at a time."""
        waiting = iter(rows)
        while some := list(islice(waiting, _KEPT_AT_ONCE)):
            self._reject(RejectedRows.of(some))

    def _reject(self, rows: RejectedRows) -> None:
        """Keep rejected rows, and tell of them as long as that is not too much."""
        self.rejects.add(rows)
        told = rows.first(self.telling.take(len(rows)))
        for name, same in groupby(told, lambda row: self.places.place(row.row_number)[0]):
            each = tuple((self.places.place(row.row_number)[1], _columns_and_codes(row, self.rules)) for row in same)
            self.observe(RowsRejected(self.id, self.rules.name, name, each))

    def close(self) -> None:
        self.rejects.close()
        self.taken.close()

    def _judged(self, judge: Judge) -> Generator[tuple[int, pa.RecordBatch], None, None]:
        """How many rows each batch has, and the accepted ones; those that are rejected need not wait for a writer."""
        for batch in prefetch(self.rows.batches()):
            verdict = judge.judge(batch)
            self._reject(verdict.rejected)
            yield verdict.rows_read, verdict.accepted


def keep_rejects(append: Append, id_: str, readings: Sequence[Reading[Any, Any]]) -> None:
    """Keep the rejected rows of an operation in the ledger; ConservationBroken if one gets lost on the way."""
    batches = ((one.rules.name, batch) for one in readings for batch in one.rejects.batches())
    kept = ledger.keep_rejects(append, id_, batches)
    if kept != (expected := sum(one.rejects.count for one in readings)):
        raise ConservationBroken(table="rejected_rows", rows_read=expected, accounted=kept)


def _columns_and_codes(row: RejectedRow, rules: TableRules) -> tuple[tuple[str | None, str], ...]:
    """What is told of the faults of a row: columns and codes, but no values."""
    repeated = tuple(duplicate(rules, key, "another row") for key in row.duplicate_of)
    return tuple((fault.column, str(fault.code)) for fault in (*row.faults, *repeated))
