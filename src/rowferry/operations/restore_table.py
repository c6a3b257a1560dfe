"""Make a table what it was in a backup: rows that are equal stay untouched, and readers see the old or the new."""

import json
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import func, select

from rowferry import ledger
from rowferry.backends.protocol import Backend, Locking, TableReplacer, Transaction
from rowferry.dictionary.catalog import Catalog
from rowferry.errors import (
    ConservationBroken,
    DatabaseBusy,
    ParentsVanished,
    RestoreInterrupted,
    RestoreMiscounted,
    RowferryError,
)
from rowferry.events import Observe, RestoreFinished, RestoreStarted
from rowferry.judging.circles import Circles
from rowferry.judging.orphans import Orphans
from rowferry.ledger import Appending
from rowferry.operations.distinct_keys import same_keys_named
from rowferry.operations.ingest import Ingest, Operation, keep_rejects
from rowferry.operations.lookups import OperationLookups
from rowferry.operations.restore_obstacles import EXAMPLES, obstacles_of
from rowferry.operations.restore_receipt import Obstacle, RestoreClaim, RestoreOptions, RestoreReceipt, TableChanges
from rowferry.operations.restore_sources import RestoreSource
from rowferry.operations.restored_tables import require_unaltered
from rowferry.operations.run_operation import retry, run_operation
from rowferry.operations.unsaved import Unsaved
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


@dataclass(frozen=True)
class _Table:
    """One table on its way to what it was."""

    ingest: Ingest[AvroSource, TableReplacer]
    changes: TableChanges


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
        self.backend, self.catalog = backend, catalog
        self.asked = sources[-1]
        order = catalog.names
        self.sources = sorted(sources, key=lambda source: order.index(source.rules.name))
        self.options, self.observe, self.claim = options, observe, claim
        self.table = self.asked.rules.name
        self.tables: list[_Table] = []
        self.circles = Circles((), Orphans())
        self.operation = Operation(claim.restore_id, observe, "replace")
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
        for table in self.tables:
            table.ingest.close()
        self.circles.close()
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
        self.tables = []
        self.operation.events.start_again()
        opened = [(source, self.files.enter_context(source.open())) for source in self.sources]
        for source, rows in opened:
            rows.check(source.state)
        tables = [source.rules for source, _ in opened]
        with (
            same_keys_named(self.backend, tables),
            self.backend.transaction(locking, careful=self.operation.refused.careful) as transaction,
        ):
            self.circles = Circles(tables, self.operation.refused.orphans)
            lookups = OperationLookups(self.backend, self.catalog, transaction, self.backend, self.circles)
            for source, rows in opened:
                # That the rows are as many as the manifest says is known at their end.
                self._start(transaction, source, rows).read(lookups)
            lookups.settle()
            for table in self.tables:
                self._compare(table)
            self._note_unsaved(transaction)
            self._judge_obstacles()
            self._publish()
            require_unaltered([table.ingest for table in self.tables])
            for table in self.tables:
                self._count_again(transaction, table)
                table.changes.notes += transaction.notes.get(table.changes.table, ())
            self._keep_rejects(transaction)
            ledger.finish_restore(transaction.connection, self.claim.restore_id, **self._outcome("done"))

    def _start(
        self, transaction: Transaction, source: RestoreSource, rows: AvroSource
    ) -> Ingest[AvroSource, TableReplacer]:
        bulk = source.rows is None or source.rows >= _BULK_ROWS
        writer = transaction.replacer(rows.rules, bulk=bulk, dry_run=self.options.dry_run)
        ingest = Ingest(self.operation, rows, writer)
        name, backup_id = source.name, source.backup_id
        changes = TableChanges(rows.rules.name, name, backup_id, ignored=rows.ignored, notes=rows.notes)
        self.tables.append(_Table(ingest, changes))
        return ingest

    def _compare(self, table: _Table) -> None:
        ingest, changes = table.ingest, table.changes
        ingest.compare()
        found = ingest.outcome
        changes.rows_read, changes.rejected = ingest.rows_read, found.rejected
        changes.added, changes.changed, changes.unchanged = found.inserted, found.updated, found.unchanged
        ((_, changes.rejected_by_code),) = ingest.rejects.counts()
        with ingest.timed():
            changes.removed = ingest.writer.surplus()
            few = ingest.writer.examples(EXAMPLES)
        different = [{"key": key, "columns": columns} for key, columns in few.different]
        changes.examples = _json_value({"added": few.new, "changed": different, "removed": few.surplus})

    def _note_unsaved(self, transaction: Transaction) -> None:
        """Say what the backups cannot bring back, whether it is restored or only asked for."""
        unsaved = Unsaved.of(self.backend, transaction.connection, [table.ingest.rules for table in self.tables])
        for table in self.tables:
            table.changes.notes += unsaved.notes_of_restore(table.ingest.rules, table.changes.added)

    def _judge_obstacles(self) -> None:
        """Stop if anything stands in the way, or if a comparison was all that was asked for."""
        among = {table.changes.table for table in self.tables}
        found: list[Obstacle] = []
        for table in self.tables:
            with table.ingest.timed():
                found += obstacles_of(table.ingest, self.options, among)
            table.changes.seconds = round(table.ingest.seconds, 3)
        self.receipt = RestoreReceipt(
            restore_id=self.claim.restore_id,
            status="refused" if found else "done",
            dry_run=self.options.dry_run,
            table=self.table,
            tables=[table.changes for table in self.tables],
            obstacles=found,
            passed_over=self.asked.passed_over,
        )
        if found or self.options.dry_run:
            raise _Stopped

    def _publish(self) -> None:
        """Parents first in, surplus of children first out; where there is no child, surplus goes before what is new."""
        referred_to = {reference.parent for table in self.tables for reference in table.ingest.rules.references}
        for table in self.tables:
            if len(self.tables) > 1 and table.ingest.writer.acting():
                # What was done to the others may have changed its rows.
                table.ingest.compare()
            if table.changes.table not in referred_to:
                self._remove(table)
            table.ingest.publish()
        for table in self.tables:
            table.ingest.complete()
        for table in reversed(self.tables):
            if table.changes.table in referred_to:
                self._remove(table)

    def _remove(self, table: _Table) -> None:
        writer = table.ingest.writer
        with table.ingest.timed():
            planned, removed = writer.surplus(), writer.remove()
        if removed != planned and not writer.acting():
            raise ConservationBroken(table=table.changes.table, rows_read=planned, accounted=removed)

    def _count_again(self, transaction: Transaction, table: _Table) -> None:
        """The table holds as many rows as the backup has, less those that were rejected; otherwise nothing is done."""
        with table.ingest.timed():
            rows = transaction.connection.scalar(select(func.count()).select_from(table.ingest.rules.table))
        table.changes.seconds = round(table.ingest.seconds, 3)
        expected = table.changes.rows_read - table.changes.rejected
        if rows != expected:
            raise RestoreMiscounted(table=table.changes.table, rows=rows, expected=expected)

    def _keep_rejects(self, transaction: Appending) -> None:
        keep_rejects(transaction, self.claim.restore_id, [table.ingest for table in self.tables])

    def _outcome(self, status: str) -> dict[str, Any]:
        tables = [asdict(table.changes) for table in self.tables]
        totals = {count: sum(table[count] for table in tables) for count in ledger.RESTORE_COUNTS}
        return {"status": status, "tables": tables, **totals}

    def _note_refusal(self) -> None:
        """Note what stood in the way; nothing was changed, and rejected rows are kept all the same."""
        assert self.receipt is not None  # noqa: S101  # for the type checker
        if self.options.dry_run:
            return
        obstacles = [asdict(obstacle) for obstacle in self.receipt.obstacles]
        with self.backend.short_transaction() as transaction:
            self._keep_rejects(transaction)
            outcome = self._outcome("refused") | dict.fromkeys(ledger.RESTORE_COUNTS[:-1], 0)
            ledger.finish_restore(transaction.connection, self.claim.restore_id, **outcome, obstacles=obstacles)

    def note_failure(self, error: RowferryError) -> None:
        """Note why nothing was changed."""
        status = "interrupted" if isinstance(error, RestoreInterrupted) else "failed"
        self.receipt = None
        if self.noted:
            # Where the database is away, it cannot be told; the next start finds the restore interrupted.
            with suppress(RowferryError), self.backend.short_transaction() as transaction:
                ledger.finish_restore(
                    transaction.connection, self.claim.restore_id, status=status, error=error.as_dict()
                )
        self._tell_end(status, error.code)

    def _tell_end(self, status: str, error: str | None = None) -> None:
        self.operation.events.end()
        done = self.receipt is not None and not self.receipt.obstacles
        changes = [table.changes for table in self.tables] if done else []
        totals = {count: sum(getattr(each, count) for each in changes) for count in ledger.RESTORE_COUNTS}
        seconds = round(time.perf_counter() - self.started, 3)
        self.observe(RestoreFinished(self.claim.restore_id, self.table, status, **totals, seconds=seconds, error=error))


def _json_value(value: Any) -> Any:
    """Keys as JSON has them."""
    return json.loads(json.dumps(value, default=str))
