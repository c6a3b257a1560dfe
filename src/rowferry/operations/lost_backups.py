"""Whether the folder of backups is the one that they were written to, or what is left where nothing is mounted."""

from pathlib import Path

from rowferry import ledger
from rowferry.backends.backend import Backend
from rowferry.dictionary.avro_schema import avro_name
from rowferry.errors import BackupsLost
from rowferry.streams.backup_store import BackupStore


def open_backups(backend: Backend, folder: Path) -> BackupStore:
    """The backups below a folder, unless they are lost.

    Raises:
        BackupsLost: None is there, nor a trace of any, though the ledger knows of some.
        BackupsUnreadable: Nobody knows what is there.
    """
    store = BackupStore(folder)
    require_not_lost(backend, store)
    return store


def require_not_lost(backend: Backend, store: BackupStore) -> None:
    """Raise BackupsLost if backups were written, and there is no folder of any of their tables.

    Such a folder stays when its backups are removed. So without any, it is not the folder that they were written to: a
    mount was lost, or the setting leads elsewhere. Whoever means it makes one by hand.
    """
    folders = store.folders()
    with backend.errors(), backend.engine.connect() as connection:
        tables = ledger.tables_backed_up(connection)
        if tables and folders.isdisjoint(map(avro_name, tables)):
            made = ledger.count_backups(connection)
            raise BackupsLost(path=store.folder, made=made, table=avro_name(tables[0]))
