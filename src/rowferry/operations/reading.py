"""The first half of every operation that puts many rows into a table: read all of a source, and judge it."""

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Any, Generic, Protocol, TypeVar

import pyarrow as pa

from rowferry import ledger
from rowferry.backends.backend import TableWriter
from rowferry.dictionary.rules import TableRules
from rowferry.errors import ConservationBroken
from rowferry.events import Observe, RowsRejected
from rowferry.ledger import Append
from rowferry.streams.ahead import ahead
from rowferry.streams.candidate_keys import duplicate
from rowferry.streams.judge import FailedChecks, Judge, Known
from rowferry.streams.places import Places
from rowferry.streams.references import References
from rowferry.streams.reject_sink import RejectSink
from rowferry.streams.rows import RejectedRow, RowBatch
from rowferry.streams.taken_keys import TakenKeys, taken_keys

_TOLD_AT_ONCE = 1_000


class Batches(Protocol):
    """A source of rows."""

    def batches(self) -> Generator[RowBatch, None, None]:
        """All rows in order."""


Rows = TypeVar("Rows", bound=Batches)
Writer = TypeVar("Writer", bound=TableWriter)


@dataclass
class Reading(Generic[Rows, Writer]):
    """The rows of one source on their way: good ones to their writer, others to their rejects.

    `id` is that of the operation, `places` say where the rows stand; rejected rows are told of as they come.
    """

    id: str
    places: Places
    rules: TableRules
    rows: Rows
    writer: Writer
    observe: Observe
    rows_read: int = 0
    taken: TakenKeys = field(init=False)
    rejects: RejectSink = field(init=False)

    def __post_init__(self) -> None:
        self.taken = taken_keys(self.rules)
        self.rejects = RejectSink(self.rules, self.places)

    def read(
        self,
        references: References,
        failed_checks: FailedChecks,
        known: Known,
        tell_progress: Callable[[], None],
    ) -> None:
        """Read, judge and write all rows, each in a thread of its own, so that they go on at the same time."""
        judge = Judge(self.rules, references, self.taken, failed_checks, known)
        with closing(ahead(self._judged(judge))) as judged:
            for rows_read, accepted in judged:
                self.writer.write(accepted)
                self.rows_read += rows_read
                tell_progress()
        self.writer.end()
        self.rejects.name_first_rows(self.taken)

    def reject(self, rows: Iterable[RejectedRow]) -> None:
        """Keep rejected rows and tell of them, some at a time."""
        waiting = iter(rows)
        while some := list(islice(waiting, _TOLD_AT_ONCE)):
            self.rejects.add(some)
            for name, same in groupby(some, lambda row: self.places.place(row.row_number)[0]):
                told = tuple((self.places.place(row.row_number)[1], _told(row, self.rules)) for row in same)
                self.observe(RowsRejected(self.id, self.rules.name, name, told))

    def close(self) -> None:
        self.rejects.close()
        self.taken.close()

    def _judged(self, judge: Judge) -> Generator[tuple[int, pa.RecordBatch], None, None]:
        """How many rows each batch has, and the accepted ones; those that are rejected need not wait for a writer."""
        for batch in ahead(self.rows.batches()):
            verdict = judge.judge(batch)
            self.reject(verdict.rejected)
            yield verdict.rows_read, verdict.accepted


def keep_rejects(append: Append, id_: str, readings: Sequence[Reading[Any, Any]]) -> None:
    """Keep the rejected rows of an operation in the ledger; ConservationBroken if one gets lost on the way."""
    rejected = (ledger.Reject(one.rules.name, *row) for one in readings for row in one.rejects)
    kept = ledger.keep_rejects(append, id_, rejected)
    if kept != (expected := sum(one.rejects.count for one in readings)):
        raise ConservationBroken(table="rejected_rows", rows_read=expected, accounted=kept)


def _told(row: RejectedRow, rules: TableRules) -> tuple[tuple[str | None, str], ...]:
    """What is told of the faults of a row: columns and codes, but no values."""
    repeated = tuple(duplicate(rules, key, "another row") for key in row.duplicate_of)
    return tuple((fault.column, fault.code.value) for fault in (*row.faults, *repeated))
