"""Load CSV files into their tables: every good row goes in, every other row is kept with its reasons."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import tee
from typing import Any

from rowferry import ledger
from rowferry.backends.protocol import Backend, LoadWriter, Locking, Transaction
from rowferry.dictionary.catalog import Catalog
from rowferry.dictionary.faults import Fault, RejectCode
from rowferry.dictionary.rules import TableRules
from rowferry.errors import (
    ConservationBroken,
    DatabaseBusy,
    KeysTaken,
    LoadInterrupted,
    ParentsVanished,
    RejectsExceeded,
    RowferryError,
    UniqueBroken,
)
from rowferry.events import LoadFinished, LoadStarted, MoreRowsRejected, Observe, PublishStarted, RowsJudged
from rowferry.judging.reject_sink import RejectSink
from rowferry.judging.rows import RejectedRow, raw_rows
from rowferry.operations.load_options import LoadClaim, LoadOptions, RejectLimit
from rowferry.operations.lookups import OperationLookups
from rowferry.operations.reading import Reading, Telling, keep_rejects
from rowferry.operations.receipt import Receipt, TableReceipt
from rowferry.operations.refused_rows import RefusedRows
from rowferry.operations.run_operation import retry, run_operation
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


@dataclass
class _Source:
    """The files of one table on their way into it, one behind the other."""

    rules: TableRules
    files: Sequence[CsvFile]
    reading: Reading[JoinedFiles, LoadWriter]
    receipts: list[TableReceipt]
    """A line for each file."""
    seconds: float = 0.0

    @property
    def rows(self) -> JoinedFiles:
        return self.reading.rows

    @property
    def rejects(self) -> RejectSink:
        return self.reading.rejects

    @property
    def writer(self) -> LoadWriter:
        return self.reading.writer

    def note_judged(self) -> None:
        """Note in the receipts how many rows were read and rejected so far."""
        rows, rejected = self.rows.places.counts(self.reading.rows_read), self.rejects.counts()
        for receipt, rows_read, by_code in zip(self.receipts, rows, rejected, strict=True):
            receipt.rows_read, receipt.rejected, receipt.rejected_by_code = rows_read, *by_code

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Share the time that something takes among the files, by their rows."""
        started = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - started
        rows = sum(receipt.rows_read for receipt in self.receipts)
        for receipt in self.receipts:
            share = receipt.rows_read / rows if rows else 1 / len(self.receipts)
            receipt.seconds = round(self.seconds * share, 3)


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
        self.telling = Telling()
        self.limit = RejectLimit.parse(options)
        self.refused = RefusedRows()
        text_encoding(options.encoding)
        self.form = options.form()
        self.form.require_columns(file.rules for file in self.files)
        self.sources: list[_Source] = []
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
        for source in self.sources:
            source.reading.close()

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
        self.sources, self.judged, self.receipt = [], False, None
        self.telling.untold = 0
        with self.backend.transaction(locking, careful=self.refused.careful) as transaction:
            lookups = OperationLookups(self.backend, self.catalog, transaction, self.backend)
            for files in self._by_table():
                source = self._open(transaction, files)
                lookups.add(source.rules.name, source.reading.taken, replaced=source.writer.took_over)
                with self.refused.noted(source.rules.name, source.rows.places.spelled):
                    self._read(lookups, source)
            self.judged = True
            self._stop_if_exceeded()
            for source in self.sources:
                with self.refused.noted(source.rules.name, source.rows.places.spelled):
                    self._publish(source)
                source.receipts[0].notes += transaction.notes.get(source.rules.name, ())
            self._stop_if_exceeded()
            receipts = [receipt for source in self.sources for receipt in source.receipts]
            self.receipt = Receipt(self.claim.load_id, "done", self.options.dry_run, receipts, self.passed_over)
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

    def _open(self, transaction: Transaction, files: Sequence[CsvFile]) -> _Source:
        rules, names = files[0].rules, [file.name for file in files]
        rows = JoinedFiles([CsvSource(f.path, rules, self.options.encoding, f.shown, self.form) for f in files], names)
        writer = transaction.writer(
            rules,
            bulk=rows.size >= _BULK_BYTES,
            dry_run=self.options.dry_run,
            remaining=self._remaining(rows, files) if self.first_attempt and self.limit == RejectLimit() else None,
        )
        reading = Reading(self.claim.load_id, rows.places, rules, rows, writer, self.observe, self.telling)
        reading.refused = self.refused.of(rules.name)
        source = _Source(rules, files, reading, [TableReceipt(rules.name, name) for name in names])
        self.sources.append(source)
        return source

    def _remaining(self, rows: JoinedFiles, files: Sequence[CsvFile]) -> Callable[[], float]:
        return lambda: rows.remaining() if files[-1] is self.files[-1] else 1.0

    def _read(self, lookups: OperationLookups, source: _Source) -> None:
        """Read and judge all rows of a source: good ones go to its writer, others to its rejects."""

        def tell_progress() -> None:
            self._tell_progress(source)

        kept = self.refused.kept(source.rules.name) if self.options.on_conflict == "update" else None
        with source.timed():
            source.reading.read(lookups, tell_progress, kept)
            source.note_judged()
            for receipt, file in zip(source.receipts, source.rows.files, strict=True):
                receipt.notes = [*file.notes]

    def _publish(self, source: _Source) -> None:
        """Put the rows into the table, and hold the sums against each other."""
        update = self.options.on_conflict == "update"
        self.observe(PublishStarted(self.claim.load_id, source.rules.name))
        with source.timed():
            found = source.writer.compare()
            if found.different and self.options.on_conflict == "reject":
                source.reading.reject(self._conflicts(source))
            done = (found.new, found.different if update else 0)
            if not self.options.dry_run:
                done = source.writer.publish(update=update)
            self._account(source, *done)

    def _account(self, source: _Source, inserted: int, updated: int) -> None:
        """Say of each file what became of its rows; ConservationBroken if they are not as many as were done."""
        source.note_judged()
        on_conflict, known = self.options.on_conflict, source.writer.known(source.rows.places.starts)
        for receipt, (equal, different) in zip(source.receipts, known, strict=True):
            receipt.unchanged = equal + (different if on_conflict == "skip" else 0)
            receipt.updated = different if on_conflict == "update" else 0
            receipt.inserted = receipt.rows_read - receipt.updated - receipt.unchanged - receipt.rejected
        rows_read, unchanged, rejected = (
            sum(getattr(receipt, count) for receipt in source.receipts)
            for count in ("rows_read", "unchanged", "rejected")
        )
        accounted = inserted + updated + unchanged + rejected
        if rows_read != accounted or updated != sum(receipt.updated for receipt in source.receipts):
            raise ConservationBroken(table=source.rules.name, rows_read=rows_read, accounted=accounted)

    def _conflicts(self, source: _Source) -> Iterator[RejectedRow]:
        """The rows whose key the table holds with other values; their text is read again from the files."""
        key = ", ".join(source.rules.key)
        column = source.rules.key[0] if len(source.rules.key) == 1 else None
        numbered, described = tee(source.writer.different())
        raws = raw_rows(source.rows.batches(), (number for number, _ in numbered))
        for (row_number, raw), (_, differs) in zip(raws, described, strict=True):
            message = f"{key} is already in the table, with a different {', '.join(differs)}"
            yield RejectedRow(row_number, raw, (Fault(column, RejectCode.CONFLICT, message),))

    def _stop_if_exceeded(self) -> None:
        rejected = sum(source.rejects.count for source in self.sources)
        rows_read = sum(source.reading.rows_read for source in self.sources)
        if self.limit.exceeded(rejected, rows_read):
            # A dry run keeps no rows to be seen later.
            load_id = None if self.options.dry_run else self.claim.load_id
            how = (
                f"`rowferry rejects {load_id}` (API: GET /loads/{load_id}/rejects)"
                if load_id
                else "a dry run without a limit on rejected rows"
            )
            raise RejectsExceeded(rejected=rejected, rows_read=rows_read, limit=self.limit, load_id=load_id, how=how)

    def _keep_rejects(self, transaction: Transaction) -> None:
        keep_rejects(transaction.append, self.claim.load_id, [source.reading for source in self.sources])

    def _outcome(self, status: str) -> dict[str, Any]:
        tables = [asdict(receipt) for source in self.sources for receipt in source.receipts]
        sources = [
            {
                "table": source.rules.name,
                "path": file.shown,
                "name": file.name,
                "columns": rows.columns,
                "delimiter": chr(rows.delimiter),
                "bytes": rows.bytes.size,
                "sha256": rows.bytes.sha256,
            }
            for source in self.sources
            for file, rows in zip(source.files, source.rows.files, strict=True)
        ]
        totals = {count: sum(table[count] for table in tables) for count in ledger.COUNTS}
        return {"status": status, "tables": tables, "sources": sources, **totals}

    def note_failure(self, error: RowferryError) -> None:
        """Note why nothing was inserted; rows that were all judged are kept with their faults none the less."""
        status = "interrupted" if isinstance(error, LoadInterrupted) else "failed"
        for source in self.sources:
            source.note_judged()
            for receipt in source.receipts:
                receipt.inserted = receipt.updated = receipt.unchanged = 0
        if self.noted:
            told = {"code": error.code, "message": error.message, "hint": error.advice}
            # Where the database is away, it cannot be told; the next start finds the load interrupted.
            with suppress(RowferryError), self.backend.transaction() as transaction:
                if self.judged:
                    self._keep_rejects(transaction)
                outcome = self._outcome(status) if self.judged else {"status": status}
                ledger.finish_load(transaction.connection, self.claim.load_id, **outcome, error=told)
        self._tell_end(status, error.code)

    def _tell_progress(self, source: _Source) -> None:
        rows = source.rows
        self.observe(
            RowsJudged(
                self.claim.load_id,
                source.rules.name,
                rows.places.names[rows.reading],
                rows.bytes_read,
                rows.size,
                source.reading.rows_read,
                source.rejects.count,
            )
        )

    def _tell_end(self, status: str, error: str | None = None) -> None:
        if self.telling.untold:
            self.observe(MoreRowsRejected(self.claim.load_id, self.telling.untold))
        receipts = [receipt for source in self.sources for receipt in source.receipts]
        totals = {count: sum(getattr(receipt, count) for receipt in receipts) for count in ledger.COUNTS}
        seconds = round(time.perf_counter() - self.started, 3)
        self.observe(LoadFinished(self.claim.load_id, status, **totals, seconds=seconds, error=error))
