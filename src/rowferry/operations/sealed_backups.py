"""Backups by their id, with proof that their manifest is the one that was written."""

from rowferry import ledger
from rowferry.backends.protocol import Backend
from rowferry.backups.manifest import Manifest
from rowferry.backups.store import BackupStore
from rowferry.errors import BackupDamaged


def find_sealed(backend: Backend, store: BackupStore, backup_id: str) -> Manifest:
    """The manifest of a backup, which is sound in itself and the one that the ledger knows, if it knows it.

    Raises:
        BackupUnknown: There is no such backup.
        BackupDamaged: Its manifest is not sound, or not the one that was written.
    """
    manifest = store.find(backup_id)
    with backend.errors(), backend.engine.connect() as connection:
        noted = ledger.find_backup(connection, backup_id)
    if noted and noted["manifest_sha256"] != manifest.manifest_sha256:
        raise BackupDamaged(path=store.path(manifest), reason="its manifest is not the one that was written")
    return manifest
