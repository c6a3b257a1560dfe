"""How tests make backups, damage tables, and restore them."""

import datetime as dt
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fastavro

from loading import Tables
from rowferry import ledger
from rowferry.avro.container import Container
from rowferry.avro.reader import Seal
from rowferry.backups.store import BackupStore
from rowferry.bootstrap import Service
from rowferry.dictionary.avro_schema import avro_schema, schema_sha256
from rowferry.events import Event, Observe
from rowferry.operations.backup_table import BackupOptions, backup_table
from rowferry.operations.restore_receipt import RestoreClaim, RestoreOptions, RestoreReceipt
from rowferry.operations.restore_sources import RestoreFinder, RestoreSource
from rowferry.operations.restore_table import restore_table

Rows = list[tuple[Any, ...]]
Everything = dict[str, Rows]

NOON = dt.datetime(2021, 7, 1, 12, tzinfo=dt.UTC)


@dataclass
class Restores:
    """Backups of the tables of a service, and restores of them."""

    tables: Tables
    events: list[Event] = field(default_factory=list)

    @property
    def service(self) -> Service:
        return self.tables.service

    def keep(self, table: str, rows: Rows | None = None, *, sealed: bool = True) -> RestoreSource:
        """Write rows (those of the table, if none are given) to a file, as a backup of them."""
        rules = self.service.catalog.table(table)
        path = self.tables.folder / f"{table}-{len(list(self.tables.folder.glob('*.avro')))}.avro"
        found = self.tables.rows(table) if rows is None else rows
        schema = avro_schema(rules)
        with path.open("wb") as file:
            records = (dict(zip(rules.names, row, strict=True)) for row in found)
            fastavro.writer(file, schema, records, codec="null", sync_interval=4_000)
        with path.open("rb") as file:
            written = fastavro.reader(file).metadata["avro.schema"]
        return RestoreSource(rules, path, path.name, "kept", seal(path, written, len(found)) if sealed else None)

    def back_up(self, table: str, observe: Observe = lambda _event: None) -> RestoreSource:
        """The backup of a table, as the operation makes it."""
        options = BackupOptions("test")
        rules = self.service.catalog.table(table)
        (manifest,) = backup_table(self.service.backend, self.store, [rules], options, observe)
        return RestoreFinder(self.service.backend, self.store, self.service.catalog).find(
            rules, manifest.backup_id, RestoreOptions()
        )[0]

    @property
    def store(self) -> BackupStore:
        return BackupStore(self.tables.folder / "backups")

    def restore(self, *sources: RestoreSource, observe: Any = None, **options: bool) -> RestoreReceipt:
        """Restore from sources; all that it tells is in `events`."""
        self.events.clear()
        return restore_table(
            self.service.backend,
            self.service.catalog,
            sources,
            RestoreOptions(**options),
            observe or self.events.append,
            RestoreClaim.new("test"),
        )

    def rehearse(self, *sources: RestoreSource, **options: bool) -> RestoreReceipt:
        """Restore in a dry run, which must leave everything as it was, and no trace in the ledger."""
        before = self.tables.everything(), self.history()
        receipt = self.restore(*sources, dry_run=True, **options)
        assert (self.tables.everything(), self.history()) == before
        assert receipt.dry_run
        return receipt

    def history(self) -> list[dict[str, Any]]:
        with self.service.backend.engine.connect() as connection:
            return ledger.list_restores(connection, 1_000)


def seal(path: Path, schema: str, rows: int) -> Seal:
    data = path.read_bytes()
    with path.open("rb") as file:
        container = Container(file, path.name)
        checksums = (container.header_crc32, *(block.crc32 for block in container.blocks()))
    return Seal(len(data), hashlib.sha256(data).hexdigest(), schema_sha256(json.loads(schema)), rows, checksums)


def counts(receipt: RestoreReceipt) -> tuple[int, int, int, int, int]:
    """Added, changed, removed, unchanged, rejected."""
    added, changed, removed, unchanged, rejected = (receipt.total(count) for count in ledger.RESTORE_COUNTS)
    return added, changed, removed, unchanged, rejected


def people(first: int, count: int, **changes: Any) -> Rows:
    """Rows of hired_employees."""
    return [
        (number, f"Name {number}", NOON, changes.get("department", 1), changes.get("job", 1))
        for number in range(first, first + count)
    ]
