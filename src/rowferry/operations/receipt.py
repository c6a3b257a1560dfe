"""What became of the rows of an operation."""

from dataclasses import asdict, dataclass, field
from typing import Any

from rowferry import ledger


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
