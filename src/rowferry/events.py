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


@dataclass(frozen=True, slots=True)
class BackupStarted(Event):
    """Tables are about to be backed up from one snapshot, whose id this is."""

    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeftoversRemoved(Event):
    """Files without a manifest were removed: a killed backup had left them, or somebody had taken it away."""

    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RowsBackedUp(Event):
    """How far the backup of a table has come; how many rows there will be is only about right."""

    table: str
    rows: int
    rows_expected: int


@dataclass(frozen=True, slots=True)
class BackupWritten(Event):
    """The file of a backup is safely on disk."""

    table: str
    backup_id: str
    rows: int
    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class BackupFailed(Event):
    """No table of the snapshot was backed up; `error` is the code of what went wrong."""

    error: str


@dataclass(frozen=True, slots=True)
class RowsVerified(Event):
    """How far the check of a backup has come."""

    table: str
    rows: int
    rows_expected: int


@dataclass(frozen=True, slots=True)
class BackupVerified(Event):
    """A backup was checked; `damage` says what is wrong with it, if anything."""

    rows: int
    seconds: float
    damage: str | None


@dataclass(frozen=True, slots=True)
class BackupRemoved(Event):
    """A backup is no more."""


@dataclass(frozen=True, slots=True)
class RestoreStarted(Event):
    """A restore begins to read its backups."""

    table: str
    sources: tuple[str, ...]
    dry_run: bool


@dataclass(frozen=True, slots=True)
class RestoreFinished(Event):
    """The restore has committed, or changed nothing; `error` is the code of what went wrong."""

    table: str
    status: str
    added: int
    changed: int
    removed: int
    unchanged: int
    rejected: int
    seconds: float
    error: str | None = None


Observe = Callable[[Event], None]
"""Consumes events."""
