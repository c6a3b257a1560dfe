"""What became of the rows of an operation."""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from rowferry import ledger
from rowferry.backends.protocol import LoadWriter
from rowferry.dictionary.rules import TableRules
from rowferry.errors import ConservationBroken
from rowferry.operations.ingest import Ingest
from rowferry.sources.csv.joined_files import JoinedFiles


@dataclass
class TableReceipt:
    """What became of the rows of one file. `rejected_by_code` counts the rows that have a code among their faults.

    `notes` say what people should know of the file, although nothing of it was refused for that; those on the table
    stand with its first file.
    """

    table: str
    source: str
    rows_read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    rejected_by_code: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


@dataclass
class Receipt:
    """What became of the rows of a load, file by file and in all; `passed_over` are files that fit no table."""

    load_id: str
    status: str
    dry_run: bool
    tables: list[TableReceipt]
    passed_over: list[str] = field(default_factory=list)

    def total(self, count: str) -> int:
        return sum(getattr(table, count) for table in self.tables)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {count: self.total(count) for count in ledger.COUNTS}


def receipts_so_far(ingest: Ingest[JoinedFiles, LoadWriter]) -> list[TableReceipt]:
    """For each file of a table, how many rows were read and rejected so far; they share the time by their rows."""
    places = ingest.source.places
    counts = zip(places.names, places.counts(ingest.rows_read), ingest.rejects.counts(), strict=True)
    receipts = [TableReceipt(ingest.rules.name, name, rows, 0, 0, 0, *rejected) for name, rows, rejected in counts]
    for receipt, file in zip(receipts, ingest.source.files, strict=True):
        share = receipt.rows_read / ingest.rows_read if ingest.rows_read else 1 / len(receipts)
        receipt.seconds = round(ingest.seconds * share, 3)
        receipt.notes = [*file.notes]
    return receipts


def receipts_of(ingest: Ingest[JoinedFiles, LoadWriter], notes: Iterable[str]) -> list[TableReceipt]:
    """What became of the rows of each file, with notes on their table.

    Raises:
        ConservationBroken: That is not what became of all rows of the table.
    """
    with ingest.timed():
        known = ingest.writer.known(ingest.source.places.starts)
    receipts, on_conflict = receipts_so_far(ingest), ingest.operation.on_conflict
    for receipt, (equal, different) in zip(receipts, known, strict=True):
        receipt.unchanged = equal + (different if on_conflict == "skip" else 0)
        receipt.updated = different if on_conflict == "update" else 0
        receipt.inserted = receipt.rows_read - receipt.updated - receipt.unchanged - receipt.rejected
    inserted, updated = (sum(getattr(receipt, count) for receipt in receipts) for count in ("inserted", "updated"))
    if (inserted, updated) != (ingest.outcome.inserted, ingest.outcome.updated):
        accounted = inserted + updated + ingest.outcome.unchanged + ingest.outcome.rejected
        raise ConservationBroken(table=ingest.rules.name, rows_read=ingest.rows_read, accounted=accounted)
    for receipt, file in zip(receipts, ingest.source.files, strict=True):
        receipt.notes += _on_repetition(ingest.rules, file.given) if receipt.inserted else []
    receipts[0].notes += notes
    return receipts


def _on_repetition(rules: TableRules, given: Collection[str]) -> list[str]:
    """A note on a file whose rows are new whenever it is loaded, since nothing tells them from those of the table."""
    if rules.key and {*given}.issuperset(rules.key):
        return []
    what = "the file does not have the primary key" if rules.key else "the table has no primary key"
    unless = (
        ", unless their unique values prevent it" if any({*given}.issuperset(names) for names in rules.unique) else ""
    )
    return [f"{what}: if the file is loaded again, its rows are inserted again{unless}"]
