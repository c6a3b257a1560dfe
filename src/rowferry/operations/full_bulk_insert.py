"""Load CSV files into their tables: every good row goes in, every other row is kept with its reasons."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import tee
from typing import Any

import numpy as np
import pyarrow as pa

from rowferry import ledger
from rowferry.backends.backend import Backend, TableWriter, Transaction
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
from rowferry.events import LoadFinished, LoadStarted, Observe, PublishStarted, RowsJudged
from rowferry.operations.carrying_out import attempt_again, carry_out
from rowferry.operations.load_options import LoadClaim, LoadOptions, RejectLimit
from rowferry.operations.reading import Reading, keep_rejects
from rowferry.operations.receipt import Receipt, TableReceipt
from rowferry.streams.byte_source import text_encoding
from rowferry.streams.csv_files import CsvFile, CsvFiles
from rowferry.streams.csv_source import CsvSource
from rowferry.streams.judge import Known, nothing_known
from rowferry.streams.references import References
from rowferry.streams.reject_sink import RejectSink
from rowferry.streams.rows import RejectedRow, raw_rows
from rowferry.streams.taken_keys import TakenKeys

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
    return carry_out(backend, claim.load_id, load, LoadInterrupted)


class _Rehearsed(Exception):
    """A dry run has come to its end; its transaction is to be rolled back."""


@dataclass
class _Source:
    """One file on its way into its table."""

    file: CsvFile
    reading: Reading[CsvSource, TableWriter]
    receipt: TableReceipt

    @property
    def rows(self) -> CsvSource:
        return self.reading.rows

    @property
    def rejects(self) -> RejectSink:
        return self.reading.rejects

    @property
    def writer(self) -> TableWriter:
        return self.reading.writer


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
        self.files, self.passed_over = files.files, list(files.passed_over)
        self.options, self.observe, self.claim = options, observe, claim
        self.limit = RejectLimit.parse(options)
        text_encoding(options.encoding)
        self.sources: list[_Source] = []
        self.judged = False
        self.attempts = 0
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
            attempt_again(self._attempt, (ParentsVanished, DatabaseBusy, KeysTaken, *self._judged_again()))

    def _judged_again(self) -> list[type[RowferryError]]:
        """Of a value that has just been taken, another try tells which row has it."""
        judged = self.options.on_conflict != "update" and any(file.rules.unique for file in self.files)
        return [UniqueBroken] if judged else []

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

    def _attempt(self) -> None:
        self.close()
        self.attempts += 1
        self.sources, self.judged, self.receipt = [], False, None
        with self.backend.transaction() as transaction:
            for file in self.files:
                self._read(self._open(transaction, file))
            self.judged = True
            self._stop_if_exceeded()
            for source in self.sources:
                self._publish(source)
            self._stop_if_exceeded()
            tables = [source.receipt for source in self.sources]
            self.receipt = Receipt(self.claim.load_id, "done", self.options.dry_run, tables, self.passed_over)
            if self.options.dry_run:
                raise _Rehearsed
            self._keep_rejects(transaction)
            ledger.finish_load(transaction.connection, self.claim.load_id, **self._outcome("done"))

    def _open(self, transaction: Transaction, file: CsvFile) -> _Source:
        rows = CsvSource(file.path, file.rules, self.options.encoding, file.shown)
        bulk = rows.bytes.size >= _BULK_BYTES and not self._repeats(file)
        writer = transaction.writer(
            file.rules,
            bulk=bulk,
            dry_run=self._rehearses(file),
            remaining=self._remaining(rows, file) if self.attempts == 1 and self.limit == RejectLimit() else None,
        )
        reading = Reading(self.claim.load_id, file.name, file.rules, rows, writer, self.observe)
        source = _Source(file, reading, TableReceipt(file.rules.name, file.name))
        self.sources.append(source)
        return source

    def _remaining(self, rows: CsvSource, file: CsvFile) -> Callable[[], float]:
        return lambda: rows.bytes.remaining() if file is self.files[-1] else 1.0

    def _repeats(self, file: CsvFile) -> bool:
        return sum(other.rules is file.rules for other in self.files) > 1

    def _rehearses(self, file: CsvFile) -> bool:
        """Whether nothing is to be written; of several files for a table, each must meet the rows of those before."""
        return self.options.dry_run and not self._repeats(file)

    def _read(self, source: _Source) -> None:
        """Read and judge all rows of a source: good ones go to its writer, others to its rejects."""
        started = time.perf_counter()

        def tell_progress() -> None:
            source.receipt.rows_read = source.reading.rows_read
            self._tell_progress(source)

        references, failed_checks = self._references(source), self.backend.failed_checks
        source.reading.read(references, failed_checks, self._known(source), tell_progress)
        source.receipt.seconds = time.perf_counter() - started

    def _references(self, source: _Source) -> References:
        accepted: dict[str, list[TakenKeys]] = {}
        for other in self.sources:
            accepted.setdefault(other.file.rules.name, []).append(other.reading.taken)
        tables = self.catalog.metadata.tables

        taken_over = {other.file.rules.name for other in self.sources if other.writer.took_over}

        def existing(table: str, column: str, values: list[object]) -> list[object]:
            return [] if table in taken_over else self.backend.existing(tables[table], column, values)

        return References(source.file.rules, existing, accepted)

    def _known(self, source: _Source) -> Known:
        """In an update, rows may give their values away; others keep them, as do those of the files before."""
        if self.options.on_conflict == "update":
            return nothing_known
        same_table = (one for one in self.sources if one is not source and one.file.rules is source.file.rules)
        earlier = [one.reading.taken for one in same_table]

        def known(rules: TableRules, key: tuple[str, ...], rows: pa.RecordBatch) -> list[int]:
            found = set() if source.writer.took_over else set(self.backend.known(rules, key, rows))
            number, values = rules.candidate_keys.index(key), [rows.column(name) for name in key]
            for taken in earlier:
                found.update(np.flatnonzero(taken.holds(values, number)).tolist())
            return sorted(found)

        return known

    def _publish(self, source: _Source) -> None:
        """Put the rows into the table, and hold the sums against each other."""
        started = time.perf_counter()
        receipt, on_conflict = source.receipt, self.options.on_conflict
        self.observe(PublishStarted(self.claim.load_id, receipt.table))
        found = source.writer.compare()
        if found.different and on_conflict == "reject":
            source.reading.reject(self._conflicts(source))
        receipt.unchanged = found.equal + (found.different if on_conflict == "skip" else 0)
        receipt.inserted, receipt.updated = found.new, found.different if on_conflict == "update" else 0
        if not self._rehearses(source.file):
            receipt.inserted, receipt.updated = source.writer.publish(update=on_conflict == "update")
        receipt.rejected, receipt.rejected_by_code = source.rejects.count, source.rejects.counts()
        accounted = receipt.inserted + receipt.updated + receipt.unchanged + receipt.rejected
        if receipt.rows_read != accounted:
            raise ConservationBroken(table=receipt.table, rows_read=receipt.rows_read, accounted=accounted)
        receipt.seconds = round(receipt.seconds + time.perf_counter() - started, 3)

    def _conflicts(self, source: _Source) -> Iterator[RejectedRow]:
        """The rows whose key the table holds with other values; their text is read again from the file."""
        key = ", ".join(source.file.rules.key)
        column = source.file.rules.key[0] if len(source.file.rules.key) == 1 else None
        numbered, described = tee(source.writer.different())
        raws = raw_rows(source.rows.batches(), (number for number, _ in numbered))
        for (row_number, raw), (_, differs) in zip(raws, described, strict=True):
            message = f"{key} is in the table already, with another {', '.join(differs)}"
            yield RejectedRow(row_number, raw, (Fault(column, RejectCode.CONFLICT, message),))

    def _stop_if_exceeded(self) -> None:
        rejected = sum(source.rejects.count for source in self.sources)
        rows_read = sum(source.receipt.rows_read for source in self.sources)
        if self.limit.exceeded(rejected, rows_read):
            # A dry run keeps no rows to be seen later.
            load_id = None if self.options.dry_run else self.claim.load_id
            how = (
                f"`rowferry rejects {load_id}` (API: GET /loads/{load_id}/rejects)"
                if load_id
                else "a dry run without a limit of rejected rows"
            )
            raise RejectsExceeded(rejected=rejected, rows_read=rows_read, limit=self.limit, load_id=load_id, how=how)

    def _keep_rejects(self, transaction: Transaction) -> None:
        keep_rejects(transaction.append, self.claim.load_id, [source.reading for source in self.sources])

    def _outcome(self, status: str) -> dict[str, Any]:
        tables = [asdict(source.receipt) for source in self.sources]
        sources = [
            {
                "table": source.receipt.table,
                "path": source.file.shown,
                "name": source.file.name,
                "columns": source.rows.columns,
                "bytes": source.rows.bytes.size,
                "sha256": source.rows.bytes.sha256,
            }
            for source in self.sources
        ]
        totals = {count: sum(table[count] for table in tables) for count in ledger.COUNTS}
        return {"status": status, "tables": tables, "sources": sources, **totals}

    def note_failure(self, error: RowferryError) -> None:
        """Note why nothing was inserted; rows that were all judged are kept with their faults none the less."""
        status = "interrupted" if isinstance(error, LoadInterrupted) else "failed"
        for source in self.sources:
            source.receipt.inserted = source.receipt.updated = source.receipt.unchanged = 0
            source.receipt.rejected = source.rejects.count
            source.receipt.rejected_by_code = source.rejects.counts()
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
        self.observe(
            RowsJudged(
                self.claim.load_id,
                source.receipt.table,
                source.receipt.source,
                source.rows.bytes.bytes_read,
                source.rows.bytes.size,
                source.receipt.rows_read,
                source.rejects.count,
            )
        )

    def _tell_end(self, status: str, error: str | None = None) -> None:
        totals = {count: sum(getattr(s.receipt, count) for s in self.sources) for count in ledger.COUNTS}
        seconds = round(time.perf_counter() - self.started, 3)
        self.observe(LoadFinished(self.claim.load_id, status, **totals, seconds=seconds, error=error))
