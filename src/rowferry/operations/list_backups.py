"""The backups there are, and how each was found when it was last verified."""

from typing import Any

from rowferry import ledger
from rowferry.backends.protocol import Backend
from rowferry.backups.store import BackupStore
from rowferry.errors import BackupDamaged

_NEVER = {"verified_at": None, "damage": None}


def list_backups(
    backend: Backend, store: BackupStore, table: str | None = None
) -> tuple[list[dict[str, Any]], list[BackupDamaged]]:
    """Manifests, the newest first, each with `verified_at` and `damage`; and the manifests that are not sound."""
    listing = store.listing(table)
    with backend.errors(), backend.engine.connect() as connection:
        verified = ledger.last_verifications(connection)
    shown = [{**backup.as_dict(), **verified.get(backup.backup_id, _NEVER)} for backup in listing.backups]
    return shown, list(listing.damaged.values())


def show_backup(backend: Backend, store: BackupStore, backup_id: str) -> dict[str, Any]:
    """The manifest of one, with `verified_at` and `damage`.

    Raises:
        BackupUnknown: There is no such backup.
        BackupDamaged: Its manifest is not sound.
    """
    manifest = store.find(backup_id)
    with backend.errors(), backend.engine.connect() as connection:
        verified = ledger.last_verifications(connection, backup_id)
    return {**manifest.as_dict(), **verified.get(backup_id, _NEVER)}
