"""How tests back tables up and damage what was written."""

from dataclasses import dataclass, field
from pathlib import Path

from rowferry.backups.manifest import Manifest
from rowferry.backups.store import BackupStore
from rowferry.bootstrap import Service
from rowferry.events import Event, Observe
from rowferry.operations.backup_table import BackupOptions, backup_table
from rowferry.operations.verify_backup import Verification, verify_backup


@dataclass
class Backups:
    """The backups of a service, in a folder."""

    service: Service
    folder: Path
    events: list[Event] = field(default_factory=list)

    @property
    def store(self) -> BackupStore:
        return BackupStore(self.folder)

    def take(self, *tables: str, codec: str = "deflate", observe: Observe | None = None) -> list[Manifest]:
        """Back tables up, or all of them."""
        catalog = self.service.catalog
        chosen = [catalog.table(name) for name in tables or catalog.names]
        return backup_table(
            self.service.backend, self.store, chosen, BackupOptions("test", codec), observe or self.events.append
        )

    def verify(self, manifest: Manifest) -> Verification:
        service = self.service
        return verify_backup(
            service.backend, self.store, service.catalog, manifest.backup_id, "test", self.events.append
        )

    def path(self, manifest: Manifest) -> Path:
        return self.store.path(manifest)

    def manifest_path(self, manifest: Manifest) -> Path:
        return self.path(manifest).with_name(f"{manifest.backup_id}.manifest.json")

    def files(self) -> list[str]:
        """The names of all files in the folders of tables."""
        return sorted(path.name for path in self.folder.glob("*/*") if path.is_file())


def flip(path: Path, at: int, bit: int = 0) -> None:
    """Change one bit of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(data)
