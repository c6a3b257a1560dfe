"""How a batch is asked for, and what became of it."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

from rowferry import ledger
from rowferry.errors import BatchRejected
from rowferry.operations.load_options import OnConflict

BATCH_COUNTS = ("inserted", "updated", "unchanged")


@dataclass(frozen=True)
class BatchOptions:
    """How a batch is to be done."""

    on_conflict: OnConflict = "reject"
    all_or_nothing: bool = False


@dataclass(frozen=True)
class RejectedBatchRow:
    """A row that is not in: its table, its index there, its text as it was sent, and all that is wrong with it."""

    table: str
    index: int
    row: str
    errors: list[dict[str, str | None]]

    def as_json(self) -> str:
        """The row stands in it as it was sent, to the letter."""
        head = json.dumps({"table": self.table, "index": self.index})
        return f'{head[:-1]}, "row": {self.row}, "errors": {json.dumps(self.errors)}}}'


@dataclass
class BatchReceipt:
    """What became of the rows of a batch: counts for each of its tables, and the rejected rows.

    Status `refused`: all or nothing was asked for, rows are rejected, so none was put in.
    """

    batch_id: str
    status: Literal["done", "refused"]
    received: int
    inserted: dict[str, int]
    updated: dict[str, int]
    unchanged: dict[str, int]
    rejected: list[RejectedBatchRow]

    def failure(self) -> BatchRejected | None:
        """Why no row is in, if so it is."""
        rejected = len(self.rejected)
        if self.status == "done" and rejected < self.received:
            return None
        return BatchRejected(rejected=rejected, received=self.received, batch_id=self.batch_id)

    def as_json(self) -> str:
        """The answer to whoever sent the batch."""
        head = {name: getattr(self, name) for name in ("batch_id", "received", *BATCH_COUNTS)}
        rejected = ", ".join(row.as_json() for row in self.rejected)
        return f'{json.dumps(head)[:-1]}, "rejected": [{rejected}]}}'


@dataclass(frozen=True)
class Reply:
    """What a request with an idempotency key was answered."""

    status: int
    media_type: str
    answer: str


@dataclass(frozen=True)
class Once:
    """What makes a request the same as an earlier one: its key and route; and how it is answered the first time."""

    key: str
    route: str
    reply: Callable[[BatchReceipt], Reply]


@dataclass(frozen=True)
class BatchClaim:
    """Under which id a batch is known, who asked for it, where its rows come from, and whether it may be a repeat."""

    batch_id: str
    caller: str
    source: str
    once: Once | None = None

    @classmethod
    def new(cls, caller: str, source: str, once: Once | None = None) -> Self:
        """A new id; ids sort by time."""
        return cls(f"batch-{ledger.now():%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}", caller, source, once)
