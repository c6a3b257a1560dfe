"""The hash of the backup that will most likely be restored, taken while the database is being opened."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Event

from rowferry.avro.reader import AvroReader, FileState, KnownHash
from rowferry.backups.store import BackupStore
from rowferry.errors import RowferryError


@contextmanager
def hashed_ahead(store: BackupStore, table: str, backup_id: str | None) -> Iterator[KnownHash]:
    """Hash a backup in a thread: the one of an id, else the newest of a table.

    What is wrong with it, or that there is none, whoever looks for it says.
    """
    left = Event()

    def hashed() -> dict[FileState, str]:
        with suppress(RowferryError, OSError):
            manifests = [store.find(backup_id)] if backup_id else store.listing(table).backups[:1]
            for manifest in manifests:
                with AvroReader(store.path(manifest)) as reader:
                    return {reader.state: reader.sha256(left.is_set)}
        return {}

    with ThreadPoolExecutor(1, thread_name_prefix="rowferry-hash") as worker:
        found = worker.submit(hashed)
        try:
            yield lambda state: found.result().get(state)
        finally:
            left.set()
