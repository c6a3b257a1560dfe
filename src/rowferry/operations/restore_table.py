"""Make a table what it was in a backup: rows that are equal stay untouched, and readers see the old or the new."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import func, select

from rowferry import ledger
from rowferry.backends.protocol import Backend, Comparison, Locking, TableReplacer, Transaction
from rowferry.dictionary.catalog import Catalog
from rowferry.dictionary.rules import TableRules
from rowferry.errors import (
    ConservationBroken,
    DatabaseBusy,
    ParentsVanished,
    RestoreInterrupted,
    RestoreMiscounted,
    RowferryError,
)
from rowferry.events import MoreRowsRejected, Observe, PublishStarted, RestoreFinished, RestoreStarted, RowsJudged
from rowferry.judging.places import Places
from rowferry.operations.lookups import OperationLookups
from rowferry.operations.reading import Reading, Telling, keep_rejects
from rowferry.operations.refused_rows import RefusedRows
from rowferry.operations.restore_obstacles import EXAMPLES, obstacles_of
from rowferry.operations.restore_receipt import Obstacle, RestoreClaim, RestoreOptions, RestoreReceipt, TableChanges
from rowferry.operations.restore_sources import RestoreSource
from rowferry.operations.restored_tables import require_unaltered
from rowferry.operations.run_operation import retry, run_operation
from rowferry.sources.avro.source import AvroSource

_BULK_ROWS = 10_000
"""So many rows are worth the preparations that make many rows fast."""


def restore_table(
    backend: Backend,
    catalog: Catalog,
    sources: Sequence[RestoreSource],
    options: RestoreOptions,
    observe: Observe,
    claim: RestoreClaim,
) -> RestoreReceipt:
    """Make tables what they were in verified backups, parents first, the last being the one that was asked for.

    Every row is judged by today's rules. All is done in one transaction: others see the old rows or the new, never
    fewer. If anything stands in the way, nothing is changed, and the receipt says what. The table is counted before
    the commit. What was done, and all rejected rows, are in the ledger; a dry run writes nothing, nor there.

    Raises:
        RowferryError: The restore changed nothing but the ledger, which says why.
    """
    restore = _Restore(backend, catalog, sources, options, observe, claim)
    return run_operation(backend, claim.restore_id, restore, RestoreInterrupted)


class _Stopped(Exception):
    """The comparison is all there is to do; the transaction is to be rolled back."""


@dataclass
class _Part:
    """One table on its way to what it was."""

    source: RestoreSource
    reading: Reading[AvroSource, TableReplacer]
    changes: TableChanges
    comparison: Comparison = field(default_factory=lambda: Comparison(0, 0, 0))

    @property
    def rules(self) -> TableRules:
        return self.source.rules

    @property
    def writer(self) -> TableReplacer:
        return self.reading.writer

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Add to the seconds that the table took."""
        started = time.perf_counter()
        yield
        self.changes.seconds = round(self.changes.seconds + time.perf_counter() - started, 3)


class _Restore:
    """The steps of a restore, in the order of their use."""

    def __init__(
        self,
        backend: Backend,
        catalog: Catalog,
        sources: Sequence[RestoreSource],
        options: RestoreOptions,
        observe: Observe,
        claim: RestoreClaim,
    ) -> None:
        self.backend, self.catalog, self.sources = backend, catalog, sources
        self.options, self.observe, self.claim = options, observe, claim
        self.table = sources[-1].rules.name
        self.telling = Telling()
        self.parts: list[_Part] = []
        self.refused = RefusedRows()
        self.files = ExitStack()
        self.receipt: RestoreReceipt | None = None
        self.noted = False
        self.started = time.perf_counter()

    def note_start(self) -> None:
        if not self.options.dry_run:
            tables = [asdict(TableChanges(s.rules.name, s.name, s.backup_id)) for s in self.sources]
            with self.backend.engine.begin() as connection:
                ledger.start_restore(
                    connection,
                    self.claim.restore_id,
                    table=self.table,
                    caller=self.claim.caller,
                    options=asdict(self.options),
                    tables=tables,
                )
                self.noted = True
        names = tuple(source.name for source in self.sources)
        self.observe(RestoreStarted(self.claim.restore_id, self.table, names, self.options.dry_run))

    def close(self) -> None:
        for part in self.parts:
            part.reading.close()
        self.files.close()

    def run(self) -> None:
        """Try until nobody deletes parents or locks in our way, three times at most."""
        try:
            retry(self, (ParentsVanished, DatabaseBusy))
        except _Stopped:
            self._note_refusal()

    def has_committed(self) -> bool:
        with self.backend.errors(), self.backend.engine.begin() as connection:
            return ledger.restore_is_done(connection, self.claim.restore_id)

    def tell_done(self) -> RestoreReceipt:
        """Tell observers of the end, and the caller what became of the rows."""
        assert self.receipt is not None  # noqa: S101  # for the type checker
        self._tell_end(self.receipt.status)
        return self.receipt

    def attempt(self, _number: int, locking: Locking) -> None:
        self.close()
        self.parts, self.telling.untold = [], 0
        opened = [(source, self.files.enter_context(source.open())) for source in self.sources]
        for source, rows in opened:
            rows.check(source.state)
        with self.backend.transaction(locking, careful=self.refused.careful) as transaction:
            lookups = OperationLookups(self.backend, self.catalog, transaction, self.backend)
            for source, rows in opened:
                part = self._start(transaction, source, rows)
                lookups.add(part.rules.name, part.reading.taken, replaced=True)
                with self.refused.noted(part.rules.name, part.reading.places.spelled):
                    self._read(lookups, part)
            for part in self.parts:
                with part.timed():
                    self._compare(part)
            self._judge_obstacles()
            self._publish()
            require_unaltered([part.writer for part in self.parts], [part.rules for part in self.parts])
            for part in self.parts:
                with part.timed():
                    self._count_again(transaction, part)
                part.changes.notes += transaction.notes.get(part.rules.name, ())
            self._keep_rejects(transaction)
            ledger.finish_restore(transaction.connection, self.claim.restore_id, **self._outcome("done"))

    def _start(self, transaction: Transaction, source: RestoreSource, rows: AvroSource) -> _Part:
        rules = source.rules
        bulk = source.rows is None or source.rows >= _BULK_ROWS
        writer = transaction.replacer(rules, bulk=bulk, dry_run=self.options.dry_run)
        reading = Reading(self.claim.restore_id, Places([source.name]), rules, rows, writer, self.observe, self.telling)
        reading.refused = self.refused.of(rules.name)
        changes = TableChanges(rules.name, source.name, source.backup_id, ignored=rows.ignored)
        part = _Part(source, reading, changes)
        self.parts.append(part)
        return part

    def _read(self, lookups: OperationLookups, part: _Part) -> None:
        """Read and judge all rows of a backup; that they are as many as its manifest says is known at its end."""

        def tell_progress() -> None:
            read, rows, rejected = part.reading.rows.bytes_read, part.reading.rows_read, part.reading.rejects.count
            told = (part.rules.name, part.source.name, read, part.reading.rows.size, rows, rejected)
            self.observe(RowsJudged(self.claim.restore_id, *told))

        with part.timed():
            part.reading.read(lookups, tell_progress)
        part.changes.rows_read = part.reading.rows_read

    def _compare(self, part: _Part) -> None:
        self.observe(PublishStarted(self.claim.restore_id, part.rules.name))
        found, changes = part.writer.compare(), part.changes
        part.comparison = found
        changes.added, changes.changed, changes.unchanged = found.new, found.different, found.equal
        changes.removed, changes.rejected = part.writer.surplus(), part.reading.rejects.count
        ((_, changes.rejected_by_code),) = part.reading.rejects.counts()
        accounted = changes.added + changes.changed + changes.unchanged + changes.rejected
        if changes.rows_read != accounted:
            raise ConservationBroken(table=changes.table, rows_read=changes.rows_read, accounted=accounted)
        few = part.writer.examples(EXAMPLES)
        different = [{"key": key, "columns": columns} for key, columns in few.different]
        changes.examples = _json_value({"added": few.new, "changed": different, "removed": few.surplus})

    def _judge_obstacles(self) -> None:
        """Stop if anything stands in the way, or if a comparison was all that was asked for."""
        among = {part.rules.name for part in self.parts}
        found: list[Obstacle] = []
        for part in self.parts:
            with part.timed():
                found += obstacles_of(part.reading, self.options, among)
        self.receipt = RestoreReceipt(
            restore_id=self.claim.restore_id,
            status="refused" if found else "done",
            dry_run=self.options.dry_run,
            table=self.table,
            tables=[part.changes for part in self.parts],
            obstacles=found,
            passed_over=self.sources[-1].passed_over,
        )
        if found or self.options.dry_run:
            raise _Stopped

    def _publish(self) -> None:
        """Parents first in, surplus of children first out; where there is no child, surplus goes before what is new."""
        referred_to = {reference.parent for part in self.parts for reference in part.rules.references}
        for part in self.parts:
            if part.rules.name not in referred_to:
                self._remove(part)
            with part.timed(), self.refused.noted(part.rules.name, part.reading.places.spelled):
                done = part.writer.publish(update=True)
            if done != (part.comparison.new, part.comparison.different):
                planned = part.comparison.new + part.comparison.different
                raise ConservationBroken(table=part.rules.name, rows_read=planned, accounted=sum(done))
        for part in reversed(self.parts):
            if part.rules.name in referred_to:
                self._remove(part)

    def _remove(self, part: _Part) -> None:
        with part.timed():
            removed = part.writer.remove()
        if removed != part.changes.removed and not part.writer.acting():
            raise ConservationBroken(table=part.rules.name, rows_read=part.changes.removed, accounted=removed)

    def _count_again(self, transaction: Transaction, part: _Part) -> None:
        """The table holds as many rows as the backup has, less those that were rejected; otherwise nothing is done."""
        rows = transaction.connection.scalar(select(func.count()).select_from(part.rules.table))
        expected = part.changes.rows_read - part.changes.rejected
        if rows != expected:
            raise RestoreMiscounted(table=part.rules.name, rows=rows, expected=expected)

    def _keep_rejects(self, transaction: Transaction) -> None:
        keep_rejects(transaction.append, self.claim.restore_id, [part.reading for part in self.parts])

    def _outcome(self, status: str) -> dict[str, Any]:
        tables = [asdict(part.changes) for part in self.parts]
        totals = {count: sum(table[count] for table in tables) for count in ledger.RESTORE_COUNTS}
        return {"status": status, "tables": tables, **totals}

    def _note_refusal(self) -> None:
        """Note what stood in the way; nothing was changed, and rejected rows are kept all the same."""
        assert self.receipt is not None  # noqa: S101  # for the type checker
        if self.options.dry_run:
            return
        obstacles = [asdict(one) for one in self.receipt.obstacles]
        with self.backend.transaction() as transaction:
            self._keep_rejects(transaction)
            outcome = self._outcome("refused") | dict.fromkeys(ledger.RESTORE_COUNTS[:-1], 0)
            ledger.finish_restore(transaction.connection, self.claim.restore_id, **outcome, obstacles=obstacles)

    def note_failure(self, error: RowferryError) -> None:
        """Note why nothing was changed."""
        status = "interrupted" if isinstance(error, RestoreInterrupted) else "failed"
        self.receipt = None
        if self.noted:
            told = {"code": error.code, "message": error.message, "hint": error.advice}
            # Where the database is away, it cannot be told; the next start finds the restore interrupted.
            with suppress(RowferryError), self.backend.transaction() as transaction:
                ledger.finish_restore(transaction.connection, self.claim.restore_id, status=status, error=told)
        self._tell_end(status, error.code)

    def _tell_end(self, status: str, error: str | None = None) -> None:
        if self.telling.untold:
            self.observe(MoreRowsRejected(self.claim.restore_id, self.telling.untold))
        done = self.receipt is not None and not self.receipt.obstacles
        totals = {c: sum(getattr(p.changes, c) for p in self.parts) if done else 0 for c in ledger.RESTORE_COUNTS}
        seconds = round(time.perf_counter() - self.started, 3)
        self.observe(RestoreFinished(self.claim.restore_id, self.table, status, **totals, seconds=seconds, error=error))


def _json_value(value: Any) -> Any:
    """Keys as JSON has them."""
    return json.loads(json.dumps(value, default=str))
