"""Put the rows of one JSON document into any tables, in one transaction: good rows go in, others come back."""

import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import groupby

import pyarrow as pa
from sqlalchemy import Connection

from rowferry import ledger
from rowferry.backends.protocol import Backend, Comparison, ShortTransaction, TableWriter
from rowferry.dictionary.catalog import Catalog
from rowferry.dictionary.faults import Fault, RejectCode
from rowferry.dictionary.rules import TableRules
from rowferry.errors import (
    ConservationBroken,
    DatabaseBusy,
    IdempotencyKeyReused,
    KeysTaken,
    ParentsVanished,
    RowferryError,
    UniqueBroken,
)
from rowferry.events import BatchFinished, Observe, RowsRejected
from rowferry.files.disk_full import room_needed
from rowferry.judging.candidate_keys import duplicate
from rowferry.judging.judge import Judge
from rowferry.judging.rows import RejectedRow
from rowferry.judging.taken_keys import TakenKeys, taken_keys
from rowferry.operations.batch_receipt import (
    BATCH_COUNTS,
    BatchClaim,
    BatchOptions,
    BatchReceipt,
    RejectedBatchRow,
    Reply,
)
from rowferry.operations.lookups import OperationLookups
from rowferry.operations.refused_rows import RefusedRows
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
        told = tuple((row.index + 1, tuple((e["column"], str(e["code"])) for e in row.errors)) for row in rows)
        observe(RowsRejected(claim.batch_id, table, claim.source, told))
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


@dataclass
class _Part:
    """The rows of one table on their way into it."""

    source: JsonSource
    writer: TableWriter
    taken: TakenKeys
    comparison: Comparison | None = None
    rejected: dict[int, list[Fault]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def rules(self) -> TableRules:
        return self.source.rules


class _Batch:
    """The steps of a batch, in the order of their use."""

    def __init__(
        self, backend: Backend, catalog: Catalog, rows: dict[str, JsonRows], options: BatchOptions, claim: BatchClaim
    ) -> None:
        self.backend, self.catalog, self.options, self.claim = backend, catalog, options, claim
        self.sources = [JsonSource(catalog.table(name), found) for name, found in rows.items()]
        self.received = sum(len(found.values) for found in rows.values())
        self.fingerprint = ""
        self.parts: list[_Part] = []
        self.receipt: BatchReceipt | None = None
        self.unique_broken = 0
        self.refused = RefusedRows()

    def run(self) -> BatchReceipt | Reply:
        """Put the rows in, or find the reply to the same request; another try judges what came in between."""
        try:
            return self.refused.rejected(self._run, self.has_committed)
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
        with self.backend.short_transaction(alone, careful=self.refused.careful) as transaction:
            if reply := self._earlier_reply(transaction):
                return reply
            try:
                receipt = self._put_in(transaction)
            finally:
                for part in self.parts:
                    part.taken.close()
            self._keep(transaction, receipt)
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
        self.parts = []
        lookups = OperationLookups(self.backend, self.catalog, transaction, transaction)
        for source in self.sources:
            self._judge(transaction, lookups, source)
        for part in self.parts:
            self._compare(part)
        refused = self.options.all_or_nothing and any(part.rejected for part in self.parts)
        for part in self.parts:
            self._publish(part, refused=refused)
        return BatchReceipt(
            batch_id=self.claim.batch_id,
            status="refused" if refused else "done",
            received=self.received,
            **{count: {part.rules.name: part.counts[count] for part in self.parts} for count in BATCH_COUNTS},
            rejected=list(self._rejected_rows()),
        )

    def _judge(self, transaction: ShortTransaction, lookups: OperationLookups, source: JsonSource) -> None:
        rules = source.rules
        part = _Part(source, transaction.few_rows_writer(rules), taken_keys(rules))
        self.parts.append(part)
        lookups.add(rules.name, part.taken, replaced=False)
        kept = self.refused.kept(rules.name) if self.options.on_conflict == "update" else None
        judge = Judge(rules, lookups, part.taken, self.refused.of(rules.name), kept)
        verdict = judge.judge(source.batch())
        with self.refused.noted(rules.name, str):
            judge.end()
        part.writer.write(verdict.accepted)
        part.writer.end()
        part.rejected = {row.row_number: list(row.faults) for row in verdict.rejected}
        self._name_first_rows(part, [row for row in verdict.rejected if row.duplicate_of])

    def _name_first_rows(self, part: _Part, duplicates: list[RejectedRow]) -> None:
        keys = {key for row in duplicates for key in row.duplicate_of}
        first_rows = dict(part.taken.first_rows(iter(keys))) if keys else {}
        for row in duplicates:
            takers = ((key, f"the row at index {first_rows[key] - 1}") for key in row.duplicate_of)
            part.rejected[row.row_number] += [duplicate(part.rules, key, taker) for key, taker in takers]

    def _compare(self, part: _Part) -> None:
        part.comparison = part.writer.compare()
        if self.options.on_conflict != "reject":
            return
        for row_number, differs in part.writer.different():
            message = f"{', '.join(part.rules.key)} is already in the table, with a different {', '.join(differs)}"
            part.rejected[row_number] = [Fault(_key_column(part.rules), RejectCode.CONFLICT, message)]

    def _publish(self, part: _Part, *, refused: bool) -> None:
        """Put the rows into the table, and hold the sums against each other."""
        assert part.comparison is not None  # noqa: S101  # for the type checker
        found, on_conflict = part.comparison, self.options.on_conflict
        part.counts = dict.fromkeys(BATCH_COUNTS, 0)
        if refused:
            return
        with self.refused.noted(part.rules.name, lambda number: f"the row at index {number - 1}"):
            part.counts["inserted"], part.counts["updated"] = part.writer.publish(update=on_conflict == "update")
        part.counts["unchanged"] = found.equal + (found.different if on_conflict == "skip" else 0)
        accounted, rows = sum(part.counts.values()) + len(part.rejected), len(part.source.rows.values)
        if rows != accounted:
            raise ConservationBroken(table=part.rules.name, rows_read=rows, accounted=accounted)

    def _rejected_rows(self) -> Iterator[RejectedBatchRow]:
        for part in self.parts:
            for row_number, faults in sorted(part.rejected.items()):
                errors = [fault.as_dict() for fault in faults]
                yield RejectedBatchRow(part.rules.name, row_number - 1, part.source.rows.raw(row_number - 1), errors)

    def _keep(self, transaction: ShortTransaction, receipt: BatchReceipt) -> None:
        """Note the batch, its rejected rows and its reply, all of which commit with its rows."""
        ledger.keep_rejects(transaction.append, receipt.batch_id, self._kept_rows(receipt))
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

    def _kept_rows(self, receipt: BatchReceipt) -> Iterator[tuple[str, pa.RecordBatch]]:
        """The rejected rows of each table, as the ledger keeps them."""
        sources = {part.rules.name: part.source for part in self.parts}
        for table, rows in groupby(receipt.rejected, lambda row: row.table):
            kept = [
                (self.claim.source, row.index + 1, sources[table].raw(row.index), json.dumps(row.errors))
                for row in rows
            ]
            columns = zip(*kept, strict=True)
            arrays = [
                pa.array(values, field.type) for values, field in zip(columns, ledger.REJECTS_OF_A_TABLE, strict=True)
            ]
            yield table, pa.record_batch(arrays, schema=ledger.REJECTS_OF_A_TABLE)


def _key_column(rules: TableRules) -> str | None:
    return rules.key[0] if len(rules.key) == 1 else None
