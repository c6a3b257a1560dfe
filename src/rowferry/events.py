"""What happened, as values: operations emit them; progress bars, logs and metrics consume them."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an operation, known by its id."""

    id: str


@dataclass(frozen=True, slots=True)
class LoadStarted(Event):
    """A load begins to read its files."""

    sources: tuple[str, ...]
    dry_run: bool


@dataclass(frozen=True, slots=True)
class RowsJudged(Event):
    """How far the reading of one source has come: bytes of the file as it stands on disk, and rows so far."""

    table: str
    source: str
    bytes_read: int
    bytes_total: int
    rows_read: int
    rejected: int


@dataclass(frozen=True, slots=True)
class RowsRejected(Event):
    """Rows that were not inserted: of each its number and the (column, code) of its faults; never its values."""

    table: str
    source: str
    rows: tuple[tuple[int, tuple[tuple[str | None, str], ...]], ...]


@dataclass(frozen=True, slots=True)
class PublishStarted(Event):
    """From now on the table is not writable to others, until the load ends."""

    table: str


@dataclass(frozen=True, slots=True)
class LoadFinished(Event):
    """The load has committed, or changed nothing; `error` is the code of what went wrong."""

    status: str
    rows_read: int
    inserted: int
    updated: int
    unchanged: int
    rejected: int
    seconds: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class BatchFinished(Event):
    """The batch has committed; with status `refused`, all that it left are its rejected rows."""

    status: str
    received: int
    inserted: int
    updated: int
    unchanged: int
    rejected: int
    seconds: float


Observe = Callable[[Event], None]
"""Consumes events."""
