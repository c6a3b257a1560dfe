"""The backups there are, and how each was found when it was last verified."""

from typing import Any

from rowferry import ledger
from rowferry.backends.backend import Backend
from rowferry.errors import BackupDamaged
from rowferry.streams.backup_store import BackupStore


def list_backups(
    backend: Backend, store: BackupStore, table: str | None = None
) -> tuple[list[dict[str, Any]], list[BackupDamaged]]:
    """Manifests, the newest first, each with `verified_at` and `damage`; and the manifests that are not sound."""
    listing = store.listing(table)
    with backend.errors(), backend.engine.connect() as connection:
        verified = ledger.last_verifications(connection)
    never = {"verified_at": None, "damage": None}
    shown = [{**one.as_dict(), **verified.get(one.backup_id, never)} for one in listing.backups]
    return shown, list(listing.damaged.values())
