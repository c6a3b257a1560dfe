"""How a restore is to be done, and what became of the rows: what changed, or what stands in the way."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from rowferry import ledger
from rowferry.errors import RestoreBlocked


@dataclass(frozen=True)
class RestoreOptions:
    """How a restore is to be done."""

    dry_run: bool = False
    with_parents: bool = False
    partial: bool = False
    unverified: bool = False


@dataclass(frozen=True)
class RestoreClaim:
    """Under which id a restore is known, and who asked for it."""

    restore_id: str
    caller: str

    @classmethod
    def new(cls, caller: str) -> Self:
        """A new id; ids sort by time."""
        return cls(f"restore-{ledger.now():%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}", caller)


@dataclass
class TableChanges:
    """What a restore does to one table. `rows_read = added + changed + unchanged + rejected`; others are removed.

    `examples` are the first few keys of each sort; of a changed row also the columns that differ. `ignored` are the
    fields of the file that the table has no column for. `notes` say what people should know of the table besides.
    """

    table: str
    source: str
    backup_id: str | None
    rows_read: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    rejected: int = 0
    rejected_by_code: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[Any]] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Obstacle:
    """What stands in the way of a restore.

    `referred_to`: rows elsewhere refer to rows that the backup lacks, or by values that are others in it; the examples
    are the keys of these, or what is referred to if they have none.
    `parents_missing`, `rules_broken`: rows of the backup refer to nothing, or break a rule; the examples are rows.
    """

    kind: Literal["referred_to", "parents_missing", "rules_broken"]
    table: str
    rows: int
    message: str
    hint: str
    examples: list[Any]


@dataclass
class RestoreReceipt:
    """What became of the rows of a restore, or with `dry_run` would; `refused` if there are obstacles.

    `passed_over` are backups that would have come before the one that was taken, by id, and what is wrong with them.
    """

    restore_id: str
    status: Literal["done", "refused"]
    dry_run: bool
    table: str
    tables: list[TableChanges]
    obstacles: list[Obstacle]
    passed_over: dict[str, str]

    def total(self, count: str) -> int:
        return sum(getattr(table, count) for table in self.tables)

    def failure(self) -> RestoreBlocked | None:
        """Why the table is not restored, if so it is."""
        if not self.obstacles:
            return None
        messages = dict.fromkeys(obstacle.message for obstacle in self.obstacles)
        hints = dict.fromkeys(obstacle.hint for obstacle in self.obstacles)
        return RestoreBlocked(table=self.table, reason="; ".join(messages), hints=" ".join(hints))

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {count: self.total(count) for count in ledger.RESTORE_COUNTS}


def format_key(key: Mapping[str, object]) -> str:
    """A key for people: `department_id 7, code A`."""
    return ", ".join(f"{name} {value}" for name, value in key.items())
