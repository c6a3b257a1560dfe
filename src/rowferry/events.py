"""What happened, as values: operations emit them; progress bars, logs and metrics consume them."""

from collections.abc import Callable
from typing import NamedTuple


class LoadStarted(NamedTuple):
    """A load begins to read its files."""

    id: str
    sources: tuple[str, ...]
    dry_run: bool


class RowsJudged(NamedTuple):
    """How far the reading of a table's files has come: bytes of all of them as they stand on disk, and rows so far.

    `source` is the one that is being read.
    """

    id: str
    table: str
    source: str
    bytes_read: int
    bytes_total: int
    rows_read: int
    rejected: int


class RowsRejected(NamedTuple):
    """Rows that were not inserted: of each its number and the (column, code) of its faults; never its values."""

    id: str
    table: str
    source: str
    rows: tuple[tuple[int, tuple[tuple[str | None, str], ...]], ...]


class MoreRowsRejected(NamedTuple):
    """Of so many more rejected rows nothing was told, since they are many; all of them are in the ledger."""

    id: str
    rows: int


class PublishStarted(NamedTuple):
    """From now on the table is not writable to others, until the load ends."""

    id: str
    table: str


class LoadFinished(NamedTuple):
    """The load has committed, or changed nothing; `error` is the code of what went wrong."""

    id: str
    status: str
    rows_read: int
    inserted: int
    updated: int
    unchanged: int
    rejected: int
    seconds: float
    error: str | None = None


class BatchFinished(NamedTuple):
    """The batch has committed; with status `refused`, all that it left are its rejected rows."""

    id: str
    status: str
    received: int
    inserted: int
    updated: int
    unchanged: int
    rejected: int
    seconds: float


class BackupStarted(NamedTuple):
    """Tables are about to be backed up from one snapshot, whose id this is."""

    id: str
    tables: tuple[str, ...]


class LeftoversRemoved(NamedTuple):
    """Files without a manifest were removed: a killed backup had left them, or somebody had taken it away."""

    id: str
    files: tuple[str, ...]


class RowsBackedUp(NamedTuple):
    """How far the backup of a table has come; how many rows there will be is only about right."""

    id: str
    table: str
    rows: int
    rows_expected: int


class BackupWritten(NamedTuple):
    """The file of a backup is safely on disk; `notes` say what people should know of the table besides."""

    id: str
    table: str
    backup_id: str
    rows: int
    bytes: int
    seconds: float
    notes: tuple[str, ...]


class BackupFinished(NamedTuple):
    """All tables of the snapshot are backed up, and the ids of their backups are listed; nothing takes them back."""

    id: str
    backups: tuple[str, ...]


class BackupFailed(NamedTuple):
    """No table of the snapshot was backed up; `error` is the code of what went wrong."""

    id: str
    error: str


class RowsVerified(NamedTuple):
    """How far the check of a backup has come."""

    id: str
    table: str
    rows: int
    rows_expected: int


class BackupVerified(NamedTuple):
    """A backup was checked; `damage` says what is wrong with it, if anything."""

    id: str
    rows: int
    seconds: float
    damage: str | None


class BackupRemoved(NamedTuple):
    """A backup is no more."""

    id: str


class RestoreStarted(NamedTuple):
    """A restore begins to read its backups."""

    id: str
    table: str
    sources: tuple[str, ...]
    dry_run: bool


class RestoreFinished(NamedTuple):
    """The restore has committed, or changed nothing; `error` is the code of what went wrong."""

    id: str
    table: str
    status: str
    added: int
    changed: int
    removed: int
    unchanged: int
    rejected: int
    seconds: float
    error: str | None = None


Event = (
    LoadStarted
    | RowsJudged
    | RowsRejected
    | MoreRowsRejected
    | PublishStarted
    | LoadFinished
    | BatchFinished
    | BackupStarted
    | LeftoversRemoved
    | RowsBackedUp
    | BackupWritten
    | BackupFinished
    | BackupFailed
    | RowsVerified
    | BackupVerified
    | BackupRemoved
    | RestoreStarted
    | RestoreFinished
)
"""Something that happened to an operation, known by its `id`."""

Observe = Callable[[Event], None]
"""Consumes events."""
