"""The one way of rows into a table: read from a source, judged, compared with the table, published, accounted for."""

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from itertools import islice, tee
from typing import Any, Generic, Literal, TypeVar

import pyarrow as pa

from rowferry import ledger
from rowferry.backends.protocol import TableWriter
from rowferry.dictionary.faults import Fault, RejectCode
from rowferry.dictionary.rules import TableRules
from rowferry.errors import ConservationBroken
from rowferry.events import Observe, PublishStarted, RowsJudged
from rowferry.judging.judge import Judge
from rowferry.judging.reject_sink import RejectSink
from rowferry.judging.rejected_rows import RejectedRows
from rowferry.judging.rows import RejectedRow, raw_rows
from rowferry.judging.taken_keys import taken_keys
from rowferry.ledger import Appending
from rowferry.operations.defaults import Defaults
from rowferry.operations.load_options import OnConflict
from rowferry.operations.lookups import OperationLookups
from rowferry.operations.refused_rows import RefusedRows
from rowferry.operations.reject_events import MOST_NAMED, RejectEvents
from rowferry.prefetch import prefetch
from rowferry.sources.protocol import Source

_KEPT_AT_ONCE = 10_000

OnDifference = OnConflict | Literal["replace"]
"""What becomes of accepted rows that differ from the table's row of the same key. `replace` is for sources whose rows
are to be all that the table holds: what it holds now is looked up nowhere.
"""

Item = TypeVar("Item")
Rows = TypeVar("Rows", bound=Source)
Writer = TypeVar("Writer", bound=TableWriter)


@dataclass
class Operation:
    """What the tables of one operation share, through all of its attempts; observers hear of so many rejected rows."""

    id: str
    observe: Observe
    on_conflict: OnDifference
    most_named: int = MOST_NAMED
    events: RejectEvents = field(init=False)
    refused: RefusedRows = field(init=False, default_factory=RefusedRows)

    def __post_init__(self) -> None:
        self.events = RejectEvents(self.id, self.observe, self.most_named)

    @property
    def updates(self) -> bool:
        """Whether rows of the table are changed."""
        return self.on_conflict in {"update", "replace"}


@dataclass(frozen=True)
class Outcome:
    """What becomes of the rows of a source."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0


class Ingest(Generic[Rows, Writer]):
    """One source on its way into its table, in one attempt: `read`, `compare`, `publish`.

    `rows_read = inserted + updated + unchanged + rejected` holds from `compare` on, and what the database says it did
    is that, or ConservationBroken is raised.
    """

    def __init__(self, operation: Operation, source: Rows, writer: Writer) -> None:
        self.operation, self.source, self.writer = operation, source, writer
        self.rules: TableRules = source.rules
        self.taken = taken_keys(self.rules)
        self.rejects = RejectSink(source.places)
        self.rows_read = 0
        self.seconds = 0.0
        self.outcome = Outcome()

    def read(self, lookups: OperationLookups, *, ahead: bool = True) -> None:
        """Read, judge and write all rows; `ahead`, each in a thread of its own, so that they go on at the same time.

        Raises:
            ValuesKept: Rows would take unique values that others, which are now known, keep in an update.
        """
        name, refused, on_conflict = self.rules.name, self.operation.refused, self.operation.on_conflict
        kept = refused.kept(name) if on_conflict == "update" else None
        judge = Judge(self.rules, lookups, self.taken, self.source.places, refused.of(name), kept)
        replaced = self.writer.took_over or on_conflict == "replace"
        lookups.add(self.rules, self.taken, replaced=replaced, moved=judge.moved)
        defaults = Defaults(self.rules, lookups.backend)
        with self.timed(), self._refusals_noted():
            with closing(_stream(self._judged(judge, defaults, ahead=ahead), ahead=ahead)) as judged:
                for rows_read, accepted in judged:
                    self.writer.write(accepted)
                    self.rows_read += rows_read
                    self._report_progress()
            self.writer.end()
            judge.end()

    def compare(self) -> None:
        """Find what becomes of the rows; those whose key the table has with other values may be rejected now."""
        on_conflict = self.operation.on_conflict
        self.operation.observe(PublishStarted(self.operation.id, self.rules.name))
        with self.timed(), self._refusals_noted():
            found = self.writer.compare()
            if found.different and on_conflict == "reject":
                conflicts = self._conflicts()
                while rows := list(islice(conflicts, _KEPT_AT_ONCE)):
                    self._reject(RejectedRows.of(rows))
        updated, skipped = found.different * self.operation.updates, found.different * (on_conflict == "skip")
        self.outcome = Outcome(found.new, updated, found.equal + skipped, self.rejects.count)
        self._balance(found.new, updated)

    def publish(self) -> None:
        """Put the rows into the table as they were compared.

        Raises:
            ParentsVanished, KeysTaken: Others came between.
        """
        with self.timed(), self._refusals_noted():
            done = self.writer.publish(update=self.operation.updates)
            self._balance(*done)

    def complete(self) -> None:
        """Let rows refer to rows of tables that were published after theirs, once all are.

        Raises:
            ParentsVanished: Others came between.
        """
        with self.timed(), self._refusals_noted():
            self.writer.complete(update=self.operation.updates)

    def close(self) -> None:
        self.rejects.close()
        self.taken.close()

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Add to the seconds that the table took."""
        started = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - started

    def _refusals_noted(self) -> AbstractContextManager[None]:
        return self.operation.refused.noted(self.rules.name, self.source.places.spelled)

    def _judged(
        self, judge: Judge, defaults: Defaults, *, ahead: bool
    ) -> Generator[tuple[int, pa.RecordBatch], None, None]:
        """How many rows each batch has, and the accepted ones; those that are rejected need not wait for a writer."""
        for batch in _stream(self.source.batches(), ahead=ahead):
            verdict = judge.judge(defaults.filled(batch))
            self._reject(verdict.rejected)
            yield verdict.rows_read, defaults.with_blanks(verdict.accepted)

    def _reject(self, rows: RejectedRows) -> None:
        self.rejects.add(rows)
        self.operation.events.emit(self.rules, self.source.places, rows)

    def _conflicts(self) -> Iterator[RejectedRow]:
        """The rows whose key the table holds with other values; their text is read again from the source."""
        names = self.rules.key
        column = names[0] if len(names) == 1 else None
        numbered, described = tee(self.writer.different())
        raws = raw_rows(self.source.batches(), (number for number, _ in numbered))
        for (row_number, raw), (_, differs) in zip(raws, described, strict=True):
            message = f"{', '.join(names)} is already in the table, with a different {', '.join(differs)}"
            yield RejectedRow(row_number, raw, (Fault(column, RejectCode.CONFLICT, message),))

    def _balance(self, inserted: int, updated: int) -> None:
        """Hold what was done against what was planned, and all of it against the rows that were read."""
        planned = self.outcome
        accounted = inserted + updated + planned.unchanged + planned.rejected
        if accounted != self.rows_read or updated != planned.updated:
            raise ConservationBroken(table=self.rules.name, rows_read=self.rows_read, accounted=accounted)

    def _report_progress(self) -> None:
        source = self.source
        progress = source.reading, source.bytes_read, source.size, self.rows_read, self.rejects.count
        self.operation.observe(RowsJudged(self.operation.id, self.rules.name, *progress))


def _stream(items: Generator[Item, None, None], *, ahead: bool) -> Generator[Item, None, None]:
    """The same items, made in another thread where that is to go ahead."""
    return prefetch(items) if ahead else items


def keep_rejects(transaction: Appending, id_: str, ingests: Sequence[Ingest[Any, Any]]) -> None:
    """Keep the rejected rows of an operation in the ledger; ConservationBroken if one gets lost on the way."""
    batches = ((ingest.rules.name, batch) for ingest in ingests for batch in ingest.rejects.batches())
    kept = ledger.keep_rejects(transaction, id_, batches)
    if kept != (expected := sum(ingest.rejects.count for ingest in ingests)):
        raise ConservationBroken(table="rejected_rows", rows_read=expected, accounted=kept)
