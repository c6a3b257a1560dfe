"""Prove that a backup is what it was when it was written and can be restored, or say where it is damaged."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from rowferry import ledger
from rowferry.avro.reader import AvroReader
from rowferry.backends.protocol import Backend
from rowferry.backups.manifest import Manifest
from rowferry.backups.store import BackupStore
from rowferry.dictionary.catalog import Catalog
from rowferry.dictionary.rules import TableRules
from rowferry.errors import (
    AvroUnfit,
    BackupDamaged,
    BackupsGone,
    BackupUnknown,
    BackupUnrestorable,
    SourceUnreadable,
)
from rowferry.events import BackupVerified, Observe, RowsVerified
from rowferry.judging.restorable import first_unrestorable
from rowferry.judging.rows import RowBatch
from rowferry.operations.sealed_backups import find_sealed
from rowferry.sources.avro.source import AvroSource


@dataclass(frozen=True)
class Verification:
    """A backup that was found good, and when."""

    manifest: Manifest
    verified_at: str
    seconds: float


def verify_backup(
    backend: Backend, store: BackupStore, catalog: Catalog, backup_id: str, caller: str, observe: Observe
) -> Verification:
    """Check a backup: manifest, size, SHA-256, schema, then every block, value and the number of rows, in this order.

    The outcome is kept in the ledger, also that of a damaged one.

    Raises:
        BackupUnknown: There is no such backup.
        BackupDamaged: It is not what was written; the message says what is wrong, and where.
        BackupUnrestorable: It is, but a restore would reject a value in it by the rules of today.
    """
    started = time.monotonic()
    try:
        manifest = find_sealed(backend, store, backup_id)
        rules = catalog.table(manifest.table) if manifest.table in catalog else None
        _decode(store, manifest, rules, observe)
    except (BackupDamaged, BackupUnrestorable) as error:
        _keep(backend, backup_id, caller, error.message)
        observe(BackupVerified(backup_id, 0, round(time.monotonic() - started, 3), error.message))
        raise
    verified_at = _keep(backend, backup_id, caller, None)
    seconds = round(time.monotonic() - started, 3)
    observe(BackupVerified(backup_id, manifest.rows, seconds, None))
    return Verification(manifest, verified_at, seconds)


def verify_every(
    backend: Backend, store: BackupStore, catalog: Catalog, caller: str, observe: Observe
) -> list[Verification]:
    """Check all backups, as far as nobody removes them meanwhile.

    Raises:
        BackupDamaged: The first that is not what was written.
        BackupUnrestorable: The first that a restore would reject.
        BackupsUnreadable: Nobody knows which backups there are.
        BackupsGone: There is none at all, though some were made.
    """
    found, ids = [], store.ids()
    if not ids:
        _require_none_made(backend, store)
    for backup_id in ids:
        with suppress(BackupUnknown):
            found.append(verify_backup(backend, store, catalog, backup_id, caller, observe))
    return found


def open_sealed(store: BackupStore, manifest: Manifest) -> AvroReader:
    """The file of a backup, with its seal.

    Raises:
        BackupUnknown: It was removed since its manifest was read.
        BackupDamaged: It is missing, or not a file.
    """
    path = store.path(manifest)
    try:
        return AvroReader(path, seal=manifest.seal)
    except SourceUnreadable as error:
        if not store.has(manifest.backup_id):
            raise BackupUnknown(backup_id=manifest.backup_id) from error
        raise BackupDamaged(path=path, reason=str(error.details["reason"])) from error


def _decode(store: BackupStore, manifest: Manifest, rules: TableRules | None, observe: Observe) -> None:
    """Decode all of a file; if its table is served, judge the values as a restore would."""
    with open_sealed(store, manifest) as reader:
        reader.check_seal()
        try:
            for _ in reader.batches() if rules is None else _judged(reader, manifest, rules):
                observe(RowsVerified(manifest.backup_id, manifest.table, reader.rows_read, manifest.rows))
        except AvroUnfit as error:
            raise BackupUnrestorable(backup_id=manifest.backup_id, reason=error.details["reason"]) from error


def _judged(reader: AvroReader, manifest: Manifest, rules: TableRules) -> Iterator[RowBatch]:
    source = AvroSource(reader, rules)
    for batch in source.batches():
        if found := first_unrestorable(source.rules, batch.columns):
            reason = f"in row {batch.first + found.position}, {found.where}, {found.fault.message}"
            raise BackupUnrestorable(backup_id=manifest.backup_id, reason=reason)
        yield batch


def _require_none_made(backend: Backend, store: BackupStore) -> None:
    """To look in the wrong folder must not pass for a proof that all is well."""
    with backend.errors(), backend.engine.connect() as connection:
        if made := ledger.count_backups(connection):
            raise BackupsGone(path=store.folder, made=made)


def _keep(backend: Backend, backup_id: str, caller: str, damage: str | None) -> str:
    with backend.errors(), backend.engine.begin() as connection:
        return ledger.note_verification(connection, backup_id, caller, damage)
