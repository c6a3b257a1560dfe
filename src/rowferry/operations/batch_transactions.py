"""Put the rows of one JSON document into any tables, in one transaction: good rows go in, others come back."""

import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import asdict

from sqlalchemy import Connection

from rowferry import ledger
from rowferry.backends.protocol import Backend, ShortTransaction, TableWriter
from rowferry.dictionary.catalog import Catalog
from rowferry.errors import (
    DatabaseBusy,
    IdempotencyKeyReused,
    KeysTaken,
    ParentsVanished,
    RowferryError,
    UniqueBroken,
)
from rowferry.events import BatchFinished, Observe, RowsRejected
from rowferry.files.disk_full import room_needed
from rowferry.judging.circles import Circles
from rowferry.operations.batch_receipt import (
    BATCH_COUNTS,
    BatchClaim,
    BatchOptions,
    BatchReceipt,
    RejectedBatchRow,
    Reply,
)
from rowferry.operations.distinct_keys import same_keys_named
from rowferry.operations.ingest import Ingest, Operation, Outcome, keep_rejects
from rowferry.operations.lookups import OperationLookups
from rowferry.operations.shaped_writers import few_rows_writer
from rowferry.sources.json.batch_text import JsonRows, read_batch
from rowferry.sources.json.source import JsonSource

_PATIENCE_SECONDS = 10.0
_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 1.0
_UNIQUE_ATTEMPTS = 5
"""So often, a value that the judge found free has just been taken; then something else than the model forbids it."""

_PASSING = (ParentsVanished, KeysTaken, DatabaseBusy)
"""What somebody else's work at the same time may lead to, and another try gets over."""


def batch_transactions(
    backend: Backend, catalog: Catalog, body: bytes, options: BatchOptions, observe: Observe, claim: BatchClaim
) -> BatchReceipt | Reply:
    """Put the rows of a batch into their tables, parents first, in one transaction over all of them and the ledger.

    Rows may refer to each other. `rows = inserted + updated + unchanged + rejected` holds for each table, or nothing
    is changed. A request that was answered already (see Once) changes nothing and gets the same Reply again. Work of
    others at the same time is waited for, and tried again where it came between, for ten seconds.

    Raises:
        UsageError: The body is no batch, or its idempotency key belongs to another request.
        InFlight: The same request is under way.
        RowferryError: Nothing was changed.
    """
    rows = read_batch(body, catalog)
    batch = _Batch(backend, catalog, rows, options, claim)
    batch.fingerprint = hashlib.sha256(json.dumps(asdict(options)).encode() + b"\n" + body).hexdigest()
    started = time.monotonic()
    try:
        outcome = _patiently(batch.run)
        if isinstance(outcome, BatchReceipt):
            _tell(observe, claim, outcome, time.monotonic() - started)
    except BaseException:
        # A signal, or a connection that is cut, may come between the commit and its answer.
        if batch.receipt is None or not batch.has_committed():
            raise
        outcome = batch.receipt
        _tell(observe, claim, outcome, time.monotonic() - started)
    return outcome


def _patiently(run: Callable[[], BatchReceipt | Reply]) -> BatchReceipt | Reply:
    """Try until nobody comes in between."""
    started, pause = time.monotonic(), _PAUSE_SECONDS
    while True:
        try:
            with room_needed():
                return run()
        except _PASSING:
            if time.monotonic() - started + pause > _PATIENCE_SECONDS:
                raise
        time.sleep(random.uniform(0, pause))  # noqa: S311  # nothing secret about it
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _tell(observe: Observe, claim: BatchClaim, receipt: BatchReceipt, seconds: float) -> None:
    by_table: dict[str, list[RejectedBatchRow]] = {}
    for row in receipt.rejected:
        by_table.setdefault(row.table, []).append(row)
    for table, rows in by_table.items():
        each = tuple((row.index + 1, tuple((e["column"], str(e["code"])) for e in row.errors)) for row in rows)
        observe(RowsRejected(claim.batch_id, table, claim.source, each))
    totals = {count: sum(getattr(receipt, count).values()) for count in BATCH_COUNTS}
    observe(
        BatchFinished(
            claim.batch_id,
            receipt.status,
            receipt.received,
            **totals,
            rejected=len(receipt.rejected),
            seconds=round(seconds, 4),
        )
    )


class _Batch:
    """The steps of a batch, in the order of their use."""

    def __init__(
        self, backend: Backend, catalog: Catalog, rows: dict[str, JsonRows], options: BatchOptions, claim: BatchClaim
    ) -> None:
        self.backend, self.catalog, self.options, self.claim = backend, catalog, options, claim
        self.sources = [JsonSource(catalog.table(name), found, claim.source) for name, found in rows.items()]
        self.received = sum(len(found.values) for found in rows.values())
        self.fingerprint = ""
        self.ingests: list[Ingest[JsonSource, TableWriter]] = []
        self.receipt: BatchReceipt | None = None
        self.unique_broken = 0
        # What observers hear is known when the batch is in.
        self.operation = Operation(claim.batch_id, lambda _event: None, options.on_conflict, most_named=0)

    def run(self) -> BatchReceipt | Reply:
        """Put the rows in, or find the reply to the same request; another try judges what came in between."""
        try:
            return self.operation.refused.rejected(self._run, self.has_committed)
        except UniqueBroken as error:
            judged = any(source.rules.unique for source in self.sources)
            self.unique_broken += 1
            if not judged or self.unique_broken == _UNIQUE_ATTEMPTS:
                raise
            raise KeysTaken(reason=error.message) from error

    def _run(self) -> BatchReceipt | Reply:
        once = self.claim.once
        self.receipt = None
        alone = None if once is None else json.dumps([once.key, once.route])
        with (
            same_keys_named(self.backend, [source.rules for source in self.sources]),
            self.backend.short_transaction(alone, careful=self.operation.refused.careful) as transaction,
        ):
            if reply := self._earlier_reply(transaction):
                return reply
            try:
                receipt = self._put_in(transaction)
                self._keep(transaction, receipt)
            finally:
                for ingest in self.ingests:
                    ingest.close()
            self.receipt = receipt
        return receipt

    def has_committed(self) -> bool:
        """Whether the batch is done, as far as the database can be asked."""
        if self.receipt is None:
            return False
        with suppress(RowferryError):
            try:
                with self.backend.errors(), self.backend.engine.connect() as connection:
                    if ledger.find_batch(connection, self.claim.batch_id) is not None:
                        return True
                    # The server may still be at it: then it lets us wait for the id. This is never committed.
                    self._note(connection, self.receipt)
            except KeysTaken:
                return True
        return False

    def _earlier_reply(self, transaction: ShortTransaction) -> Reply | None:
        if self.claim.once is None:
            return None
        replies = ledger.find_replies(transaction.connection, self.claim.once.key, self.claim.once.route)
        for found in replies:
            if found["request_sha256"] == self.fingerprint:
                return Reply(found["status"], found["media_type"], found["answer"])
        if replies:
            raise IdempotencyKeyReused
        return None

    def _put_in(self, transaction: ShortTransaction) -> BatchReceipt:
        self.ingests = []
        with closing(Circles((source.rules for source in self.sources), self.operation.refused.orphans)) as circles:
            self._read(transaction, OperationLookups(self.backend, self.catalog, transaction, transaction, circles))
        for ingest in self.ingests:
            ingest.compare()
        refused = self.options.all_or_nothing and any(ingest.rejects.count for ingest in self.ingests)
        if not refused:
            self._publish()
        done = {ingest.rules.name: Outcome() if refused else ingest.outcome for ingest in self.ingests}
        return BatchReceipt(
            batch_id=self.claim.batch_id,
            status="refused" if refused else "done",
            received=self.received,
            **{count: {name: getattr(outcome, count) for name, outcome in done.items()} for count in BATCH_COUNTS},
            rejected=list(self._rejected_rows()),
        )

    def _read(self, transaction: ShortTransaction, lookups: OperationLookups) -> None:
        for source in self.sources:
            writer = few_rows_writer(self.backend, source.rules, source.shapes(), transaction.few_rows_writer)
            ingest = Ingest(self.operation, source, writer)
            self.ingests.append(ingest)
            ingest.read(lookups, ahead=False)
        lookups.settle()

    def _publish(self) -> None:
        for ingest in self.ingests:
            ingest.publish()
        for ingest in self.ingests:
            ingest.complete()

    def _rejected_rows(self) -> Iterator[RejectedBatchRow]:
        for ingest in self.ingests:
            for _, row_number, _, errors in ingest.rejects:
                index = row_number - 1
                # The ledger keeps less of a long row.
                row = ingest.source.rows.raw(index)
                yield RejectedBatchRow(ingest.rules.name, index, row, json.loads(errors))

    def _keep(self, transaction: ShortTransaction, receipt: BatchReceipt) -> None:
        """Note the batch, its rejected rows and its reply, all of which commit with its rows."""
        keep_rejects(transaction, receipt.batch_id, self.ingests)
        self._note(transaction.connection, receipt)
        if once := self.claim.once:
            ledger.keep_reply(
                transaction.connection,
                key=once.key,
                route=once.route,
                **asdict(once.reply(receipt)),
                request_sha256=self.fingerprint,
            )

    def _note(self, connection: Connection, receipt: BatchReceipt) -> None:
        ledger.note_batch(
            connection,
            receipt.batch_id,
            caller=self.claim.caller,
            source=self.claim.source,
            options=asdict(self.options),
            status=receipt.status,
            received=receipt.received,
            rejected=len(receipt.rejected),
            **{count: getattr(receipt, count) for count in BATCH_COUNTS},
        )
