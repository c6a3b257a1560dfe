"""Back tables up: all from one snapshot, each into an Avro file with a manifest that proves it."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

import pyarrow as pa

from rowferry import ledger
from rowferry.avro.codecs import CODECS, DEFAULT_CODEC
from rowferry.avro.sink import AvroSink
from rowferry.backends.file_lock import hold_folder
from rowferry.backends.protocol import Backend, Snapshot
from rowferry.backups.manifest import Manifest
from rowferry.backups.store import BackupStore, UnfinishedBackup, UnfinishedSnapshot, new_id
from rowferry.dictionary.avro_schema import schema_sha256
from rowferry.dictionary.rules import TableRules
from rowferry.errors import OptionInvalid, RowferryError
from rowferry.events import (
    BackupFailed,
    BackupFinished,
    BackupStarted,
    BackupWritten,
    LeftoversRemoved,
    Observe,
    RowsBackedUp,
)
from rowferry.judging.restorable import first_unrestorable
from rowferry.operations.distinct_keys import require_distinct_keys
from rowferry.operations.lost_backups import name_database
from rowferry.operations.unsaved import Unsaved
from rowferry.prefetch import prefetch

CodecName = Literal["deflate", "snappy", "zstandard", "null"]


@dataclass(frozen=True)
class BackupOptions:
    """How backups are written, and who asks for them."""

    caller: str
    codec: str = DEFAULT_CODEC


def backup_table(
    backend: Backend, store: BackupStore, tables: Sequence[TableRules], options: BackupOptions, observe: Observe
) -> list[Manifest]:
    """Back tables up from one snapshot, so that every reference between their rows is closed.

    Rows are ordered by key and never held whole. Nobody is kept from writing meanwhile. No backup is listed before
    the files of all tables are safely on disk; then parents come first. Unless the last one is listed, those before it
    are taken back; an interruption after that is too late. What earlier processes left half-written is removed.

    Raises:
        OptionInvalid: There is no such codec.
        KeyNotUnique: Rows of a table have the same key, which only the model has.
        ValueUnstorable: A table holds a value that no file can hold, or that a restore would reject.
        RowferryError: No backup was written.
    """
    if options.codec not in CODECS:
        raise OptionInvalid(option="codec", value=options.codec, allowed=f"Use one of {', '.join(CODECS)}.")
    snapshot_id = new_id("snapshot")
    observe(BackupStarted(snapshot_id, tuple(rules.name for rules in tables)))
    if removed := store.clear():
        observe(LeftoversRemoved(snapshot_id, tuple(path.name for path in removed)))
    try:
        return _Backup(backend, store, options, observe, snapshot_id).run(tables)
    except RowferryError as error:
        observe(BackupFailed(snapshot_id, error.code))
        raise


class _Backup:
    """The steps of a backup, in the order of their use."""

    def __init__(
        self, backend: Backend, store: BackupStore, options: BackupOptions, observe: Observe, snapshot_id: str
    ) -> None:
        self._backend, self._store, self._options, self._observe = backend, store, options, observe
        self._snapshot_id = snapshot_id
        self._created_at = ""

    def run(self, tables: Sequence[TableRules]) -> list[Manifest]:
        manifests: list[Manifest] = []
        unfinished = UnfinishedSnapshot(self._store.folder)
        try:
            with ExitStack() as held, unfinished.writing():
                manifests = self._write_all(tables, unfinished)
                self._note(manifests)
                # Whoever removes backups meanwhile would find only some of this snapshot, and take them for the newest.
                held.enter_context(hold_folder(self._store.folder))
                for manifest in manifests[:1]:
                    name_database(self._backend, self._store, manifest.backup_id)
                unfinished.list(manifests)
            return self._tell_done(manifests)
        except KeyboardInterrupt:
            if not unfinished.is_listed:
                raise
        return self._tell_done(manifests)

    def _tell_done(self, manifests: list[Manifest]) -> list[Manifest]:
        self._observe(BackupFinished(self._snapshot_id, tuple(manifest.backup_id for manifest in manifests)))
        return manifests

    def _write_all(self, tables: Sequence[TableRules], unfinished: UnfinishedSnapshot) -> list[Manifest]:
        with self._backend.snapshot() as snapshot:
            self._created_at = ledger.now().isoformat().replace("+00:00", "Z")
            unsaved = Unsaved.of(self._backend, snapshot.connection, tables)
            for rules in tables:
                require_distinct_keys(self._backend, snapshot.connection, rules)
            return [
                self._write(snapshot, rules, unfinished.add(rules.name), unsaved.notes_of_backup(rules))
                for rules in tables
            ]

    def _note(self, manifests: Sequence[Manifest]) -> None:
        """Note them in the ledger first: what it knows and no manifest lists is no backup."""
        with self._backend.errors(), self._backend.engine.begin() as connection:
            for manifest in manifests:
                ledger.note_backup(connection, self._options.caller, manifest.as_dict())

    def _write(
        self, snapshot: Snapshot, rules: TableRules, backup: UnfinishedBackup, notes: tuple[str, ...]
    ) -> Manifest:
        started, expected = time.monotonic(), snapshot.estimate(rules)
        sink = AvroSink(backup.file, rules, self._options.codec)
        with closing(prefetch(snapshot.read(rules))) as batches:
            for rows in sink.write(_restorable(rules, batches)):
                self._observe(RowsBackedUp(self._snapshot_id, rules.name, rows, max(rows, expected)))
        backup.keep()
        manifest = self._manifest(rules, backup.backup_id, sink)
        seconds = round(time.monotonic() - started, 3)
        what = (backup.backup_id, manifest.rows, manifest.bytes, seconds, notes)
        self._observe(BackupWritten(self._snapshot_id, rules.name, *what))
        return manifest

    def _manifest(self, rules: TableRules, backup_id: str, sink: AvroSink) -> Manifest:
        values: dict[str, Any] = {
            "backup_id": backup_id,
            "snapshot_id": self._snapshot_id,
            "table": rules.name,
            "created_at": self._created_at,
            "rowferry_version": version("rowferry"),
            "database": self._backend.engine.dialect.name,
            "schema_sha256": schema_sha256(sink.header.schema),
            "codec": sink.header.codec,
            "rows": sink.rows,
            "bytes": sink.bytes,
            "sha256": sink.sha256,
            "block_crc32s": "".join(f"{checksum:08x}" for checksum in sink.crc32s),
        }
        return Manifest(**values).sealed()


def _restorable(rules: TableRules, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows; ValueUnstorable for a value that a restore would reject by the rules of today."""
    for batch in batches:
        if found := first_unrestorable(rules, batch.columns):
            raise found.error()
        yield batch
