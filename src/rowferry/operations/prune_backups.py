"""Remove backups that are no longer wanted, but never the last good one of a table."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from rowferry import ledger
from rowferry.backends.file_lock import hold_folder
from rowferry.backups.manifest import Manifest
from rowferry.backups.store import BackupStore
from rowferry.errors import BackupDamaged, BackupNeeded, NothingKept
from rowferry.events import BackupRemoved, Observe
from rowferry.operations.verify_backup import open_sealed


@dataclass(frozen=True)
class PruneOptions:
    """What is to stay: of each table the newest so many, and what is younger than so many days.

    Days are counted to the newest backup but one, and not to now: so one wrong clock, read by whoever makes a backup or
    removes some, removes nothing, and where no backups are made any more, none goes.
    """

    keep_last: int | None = None
    keep_days: int | None = None
    dry_run: bool = False


def prune_backups(store: BackupStore, options: PruneOptions, observe: Observe) -> list[Manifest]:
    """Remove all other backups; which they are, the newest first.

    Of each table at least one backup stays whose file is good by its hash, whatever the clock said when it was
    written or says now. One that is dated in the future stays as well, and is not counted among the newest: whoever
    made it, or looks at it now, had a wrong clock. A snapshot stays whole as long as one of its backups does, so that a
    table can be restored with its parents. A dry run removes nothing.

    Raises:
        NothingKept: Nothing says what is to stay.
        FileUnwritable: The folder must not be written to.
    """
    if options.keep_last is None and options.keep_days is None:
        raise NothingKept
    if options.dry_run:
        return _surplus(store, options)
    with _removing_alone(store):
        surplus = _surplus(store, options)
        for manifest in surplus:
            store.remove(manifest)
            observe(BackupRemoved(manifest.backup_id))
    return surplus


def remove_backup(store: BackupStore, backup_id: str, observe: Observe, *, even_last: bool = False) -> Manifest:
    """Remove one backup; the last good one of its table only if told so.

    Raises:
        BackupUnknown: There is no such backup.
        BackupDamaged: Its manifest is not sound, so that nobody knows what it is.
        BackupNeeded: Its table has no other good backup.
        FileUnwritable: The folder must not be written to.
    """
    store.find(backup_id)
    with _removing_alone(store):
        manifest = store.find(backup_id)
        others = [other for other in store.listing(manifest.table).backups if other.backup_id != backup_id]
        if not even_last and is_good(store, manifest) and not any(is_good(store, other) for other in others):
            raise BackupNeeded(backup_id=backup_id, table=manifest.table)
        store.remove(manifest)
    observe(BackupRemoved(backup_id))
    return manifest


def is_good(store: BackupStore, manifest: Manifest) -> bool:
    """Whether the file of a backup is the one that was sealed, by its size and hash."""
    try:
        with open_sealed(store, manifest) as reader:
            reader.check_seal()
    except BackupDamaged:
        return False
    return True


@contextmanager
def _removing_alone(store: BackupStore) -> Iterator[None]:
    """Two at once would each take the other's backup for the one that stays; and a snapshot is not listed by halves."""
    with hold_folder(store.folder) if store.ids() else nullcontext():  # without backups there may be no folder
        yield


def _surplus(store: BackupStore, options: PruneOptions) -> list[Manifest]:
    by_table: dict[str, list[Manifest]] = {}
    for manifest in store.listing().backups:
        by_table.setdefault(manifest.table, []).append(manifest)
    now = ledger.now()
    surplus: list[Manifest] = []
    for backups in by_table.values():
        past = [backup for backup in backups if backup.created <= now]
        leaving = [backup for at, backup in enumerate(past) if not _stays(backup, past[:at], options)]
        staying = [backup for backup in backups if backup not in leaving]
        if leaving and not any(is_good(store, backup) for backup in staying):
            last_good = next((backup for backup in leaving if is_good(store, backup)), None)
            leaving = [backup for backup in leaving if backup is not last_good]
        surplus += leaving
    gone = {manifest.backup_id for manifest in surplus}
    kept = {backup.snapshot_id for backups in by_table.values() for backup in backups if backup.backup_id not in gone}
    return [manifest for manifest in surplus if manifest.snapshot_id not in kept]


def _stays(manifest: Manifest, newer: list[Manifest], options: PruneOptions) -> bool:
    """Whether a backup is wanted, given the newer ones of its table, the newest first."""
    if options.keep_last is not None and len(newer) < options.keep_last:
        return True
    if options.keep_days is None:
        return False
    return len(newer) < 2 or newer[1].created - manifest.created < dt.timedelta(days=options.keep_days)
