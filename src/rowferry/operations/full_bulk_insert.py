"""Load CSV files into their tables: every good row goes in, every other row is kept with its reasons."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from rowferry import ledger
from rowferry.backends.protocol import Backend, LoadWriter, Locking, Transaction
from rowferry.dictionary.catalog import Catalog
from rowferry.dictionary.rules import TableRules
from rowferry.errors import (
    DatabaseBusy,
    KeysTaken,
    LoadInterrupted,
    ParentsVanished,
    RejectsExceeded,
    RowferryError,
    UniqueBroken,
)
from rowferry.events import LoadFinished, LoadStarted, Observe
from rowferry.judging.circles import Circles
from rowferry.ledger import Appending
from rowferry.operations.distinct_keys import same_keys_named
from rowferry.operations.ingest import Ingest, Operation, keep_rejects
from rowferry.operations.load_options import LoadClaim, LoadOptions, RejectLimit
from rowferry.operations.lookups import OperationLookups
from rowferry.operations.receipt import Receipt, TableReceipt, receipts_of, receipts_so_far
from rowferry.operations.run_operation import retry, run_operation
from rowferry.operations.shaped_writers import load_writer
from rowferry.sources.csv.byte_source import text_encoding
from rowferry.sources.csv.distinct_names import with_distinct_names
from rowferry.sources.csv.files import CsvFile, CsvFiles
from rowferry.sources.csv.joined_files import JoinedFiles
from rowferry.sources.csv.source import CsvSource

_BULK_BYTES = 512 * 1024
"""A file of this size is worth the preparations that make many rows fast."""


def full_bulk_insert(
    backend: Backend,
    catalog: Catalog,
    files: CsvFiles,
    options: LoadOptions,
    observe: Observe,
    claim: LoadClaim,
) -> Receipt:
    """Load files into their tables, parents first, in one transaction over all of them.

    Others see none of it or all of it. `rows_read = inserted + updated + unchanged + rejected` holds for each file, or
    the load fails. What it did, and all rejected rows, are in the ledger; a dry run writes nothing, nor there.

    Raises:
        RowferryError: The load changed nothing but the ledger, which says why.
    """
    load = _Load(backend, catalog, files, options, observe, claim)
    return run_operation(backend, claim.load_id, load, LoadInterrupted)


class _Rehearsed(Exception):
    """A dry run has come to its end; its transaction is to be rolled back."""


class _Load:
    """The steps of a load, in the order of their use."""

    def __init__(
        self,
        backend: Backend,
        catalog: Catalog,
        files: CsvFiles,
        options: LoadOptions,
        observe: Observe,
        claim: LoadClaim,
    ) -> None:
        self.backend, self.catalog = backend, catalog
        self.files, self.passed_over = with_distinct_names(files.files), list(files.passed_over)
        self.options, self.observe, self.claim = options, observe, claim
        self.operation = Operation(claim.load_id, observe, options.on_conflict)
        self.limit = RejectLimit.parse(options)
        text_encoding(options.encoding)
        self.form = options.form()
        self.form.require_columns(file.rules for file in self.files)
        self.ingests: list[Ingest[JoinedFiles, LoadWriter]] = []
        self.circles = Circles((), self.operation.refused.orphans)
        self.judged = False
        self.first_attempt = True
        self.receipt: Receipt | None = None
        self.noted = False
        self.started = time.perf_counter()

    def note_start(self) -> None:
        if not self.options.dry_run:
            sources = [{"table": file.rules.name, "path": file.shown, "name": file.name} for file in self.files]
            with self.backend.engine.begin() as connection:
                ledger.start_load(
                    connection,
                    self.claim.load_id,
                    caller=self.claim.caller,
                    dry_run=0,
                    options=asdict(self.options),
                    sources=sources,
                    passed_over=self.passed_over,
                )
                self.noted = True
        self.observe(LoadStarted(self.claim.load_id, tuple(file.name for file in self.files), self.options.dry_run))

    def close(self) -> None:
        for ingest in self.ingests:
            ingest.close()
        self.circles.close()

    def run(self) -> None:
        """Try until nobody deletes parents or locks in our way, three times at most."""
        with suppress(_Rehearsed):
            retry(self, self._passing(), exclusive=self.options.exclusive)

    def _passing(self) -> tuple[type[RowferryError], ...]:
        """Of a value that has just been taken, another try tells which row has it."""
        judged = any(file.rules.unique for file in self.files)
        return (ParentsVanished, DatabaseBusy, KeysTaken, *([UniqueBroken] if judged else []))

    def has_committed(self) -> bool:
        if self.receipt is None:
            return False
        with self.backend.errors(), self.backend.engine.begin() as connection:
            return ledger.load_is_done(connection, self.claim.load_id)

    def tell_done(self) -> Receipt:
        """Tell observers of the end, and the caller what became of the rows."""
        assert self.receipt is not None  # noqa: S101  # for the type checker
        self._tell_end("done")
        return self.receipt

    def attempt(self, number: int, locking: Locking) -> None:
        self.close()
        self.first_attempt = number == 1
        self.ingests, self.judged, self.receipt = [], False, None
        self.operation.events.start_again()
        tables = [files[0].rules for files in self._by_table()]
        with (
            same_keys_named(self.backend, tables),
            self.backend.transaction(locking, careful=self.operation.refused.careful) as transaction,
        ):
            self.circles = Circles(tables, self.operation.refused.orphans)
            lookups = OperationLookups(self.backend, self.catalog, transaction, self.backend, self.circles)
            for files in self._by_table():
                self._open(transaction, files).read(lookups)
            lookups.settle()
            self.judged = True
            self._stop_if_exceeded()
            receipt = Receipt(self.claim.load_id, "done", self.options.dry_run, [], self.passed_over)
            for ingest in self.ingests:
                ingest.compare()
                if not self.options.dry_run:
                    ingest.publish()
            for ingest in self.ingests:
                if not self.options.dry_run:
                    ingest.complete()
                receipt.tables += receipts_of(ingest, transaction.notes.get(ingest.rules.name, ()))
            self._stop_if_exceeded()
            self.receipt = receipt
            if self.options.dry_run:
                raise _Rehearsed
            self._keep_rejects(transaction)
            ledger.finish_load(transaction.connection, self.claim.load_id, **self._outcome("done"))

    def _by_table(self) -> list[list[CsvFile]]:
        """The files of each table, which are one source, in the order given."""
        found: dict[str, list[CsvFile]] = {}
        for file in self.files:
            found.setdefault(file.rules.name, []).append(file)
        return list(found.values())

    def _open(self, transaction: Transaction, files: Sequence[CsvFile]) -> Ingest[JoinedFiles, LoadWriter]:
        rules, names = files[0].rules, [file.name for file in files]
        rows = JoinedFiles([CsvSource(f.path, rules, self.options.encoding, f.shown, self.form) for f in files], names)
        early = self._remaining(rows, files) if self.first_attempt and self.limit == RejectLimit() else None

        def make(part: TableRules, alone: bool) -> LoadWriter:
            bulk, remaining = alone and rows.size >= _BULK_BYTES, early if alone else None
            return transaction.writer(part, bulk=bulk, dry_run=self.options.dry_run, remaining=remaining)

        writer = load_writer(self.backend, rules, rows.shapes(), make)
        ingest = Ingest(self.operation, rows, writer)
        self.ingests.append(ingest)
        return ingest

    def _remaining(self, rows: JoinedFiles, files: Sequence[CsvFile]) -> Callable[[], float]:
        return lambda: rows.remaining() if files[-1] is self.files[-1] else 1.0

    def _stop_if_exceeded(self) -> None:
        rejected = sum(ingest.rejects.count for ingest in self.ingests)
        rows_read = sum(ingest.rows_read for ingest in self.ingests)
        if self.limit.exceeded(rejected, rows_read):
            # A dry run keeps no rows to be seen later.
            load_id = None if self.options.dry_run else self.claim.load_id
            how = (
                f"`rowferry rejects {load_id}` (API: GET /loads/{load_id}/rejects)"
                if load_id
                else "a dry run without a limit on rejected rows"
            )
            raise RejectsExceeded(rejected=rejected, rows_read=rows_read, limit=self.limit, load_id=load_id, how=how)

    def _keep_rejects(self, transaction: Appending) -> None:
        keep_rejects(transaction, self.claim.load_id, self.ingests)

    def _outcome(self, status: str) -> dict[str, Any]:
        sources = [facts for ingest in self.ingests for facts in ingest.source.described()]
        tables = [asdict(receipt) for receipt in self._receipts()]
        return {"status": status, "tables": tables, "sources": sources, **self._totals()}

    def _receipts(self) -> list[TableReceipt]:
        """A line for each file: what became of its rows, or how far it was read."""
        if self.receipt:
            return self.receipt.tables
        return [receipt for ingest in self.ingests for receipt in receipts_so_far(ingest)]

    def _totals(self) -> dict[str, int]:
        receipts = self._receipts()
        return {count: sum(getattr(receipt, count) for receipt in receipts) for count in ledger.COUNTS}

    def note_failure(self, error: RowferryError) -> None:
        """Note why nothing was inserted; rows that were all judged are kept with their faults none the less."""
        status = "interrupted" if isinstance(error, LoadInterrupted) else "failed"
        self.receipt = None
        if self.noted:
            # Where the database is away, it cannot be told; the next start finds the load interrupted.
            with suppress(RowferryError), self.backend.short_transaction() as transaction:
                if self.judged:
                    self._keep_rejects(transaction)
                outcome = self._outcome(status) if self.judged else {"status": status}
                ledger.finish_load(transaction.connection, self.claim.load_id, **outcome, error=error.as_dict())
        self._tell_end(status, error.code)

    def _tell_end(self, status: str, error: str | None = None) -> None:
        self.operation.events.end()
        seconds = round(time.perf_counter() - self.started, 3)
        self.observe(LoadFinished(self.claim.load_id, status, **self._totals(), seconds=seconds, error=error))
