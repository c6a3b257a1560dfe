"""Whether the folder of backups is the one that they were written to, or what is left where nothing is mounted."""

from pathlib import Path

from rowferry import ledger
from rowferry.backends.protocol import Backend
from rowferry.backups.manifest import folder_of
from rowferry.backups.store import BackupStore
from rowferry.errors import BackupsLost, BackupsOfAnotherDatabase


def open_backups(backend: Backend, folder: Path) -> BackupStore:
    """The backups below a folder, unless they are lost.

    Raises:
        BackupsLost: None is there, nor a trace of any, though the ledger knows of some.
        BackupsOfAnotherDatabase: The folder says that it holds backups, and none is of this database.
        BackupsUnreadable: Nobody knows what is there.
    """
    store = BackupStore(folder)
    require_not_lost(backend, store)
    return store


def require_not_lost(backend: Backend, store: BackupStore) -> None:
    """Raise BackupsLost or BackupsOfAnotherDatabase if backups were written, and not to this folder.

    The folder of a table stays when its backups are removed. So without any, it is not the folder that they were
    written to: a mount was lost, or the setting leads elsewhere. Whoever means it makes one by hand. Those of another
    database may have the same tables, which is why the folder names a backup of each.
    """
    folders, databases = store.folders(), store.databases()
    with backend.errors(), backend.engine.connect() as connection:
        tables = ledger.tables_backed_up(connection)
        if not tables:
            return
        if folders.isdisjoint(map(folder_of, tables)):
            raise BackupsLost(path=store.folder, made=ledger.count_backups(connection), table=folder_of(tables[0]))
        if databases and not ledger.has_backup_of(connection, databases):
            made = ledger.backup_ids(connection)
            if not set(made) & set(store.ids()):  # written by a version that did not name its database
                path, file = store.folder, store.databases_path
                raise BackupsOfAnotherDatabase(path=path, made=len(made), file=file, backup_id=made[0])


def name_database(backend: Backend, store: BackupStore, backup_id: str) -> None:
    """Have the folder of backups name this database by a backup that its ledger knows of, unless it does already.

    Raises:
        FileUnwritable: The folder must not be written to.
        FolderFull: There is no room in it.
    """
    with backend.errors(), backend.engine.connect() as connection:
        is_named = ledger.has_backup_of(connection, store.databases())
    if not is_named:
        store.add_database(backup_id)
