"""Where backups are kept: a folder for each table, a file and its manifest for each backup.

A file is written under a temporary name and locked until its manifest is there, which is written last. So a manifest
says that a backup is whole, and a file that has none and that nobody locks was left by a process that is gone. The
manifests of a snapshot are written when all of its files are there, and are taken back unless the last one is.
"""

import datetime as dt
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from rowferry.backups.manifest import (
    Manifest,
    UnsoundManifestError,
    folder_of,
    read_manifest,
    spell_manifest,
    table_of,
)
from rowferry.errors import BackupDamaged, BackupsUnreadable, BackupUnknown, FileUnwritable
from rowferry.files.atomic_write import write_atomically
from rowferry.files.disk_full import room_needed

_FILE, _MANIFEST, _PART = ".avro", ".manifest.json", ".part"
_MOST_MANIFEST_BYTES = 16 * 1024 * 1024

_DATABASES = ".databases"
_DATABASES_OPEN_WITH = "# One backup of each database whose backups are kept here, to detect a wrong volume."
_MOST_DATABASES_BYTES = 1024 * 1024


def new_id(what: str) -> str:
    """An id with the time in it; ids of one thing sort by time."""
    return f"{what}-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"


@dataclass
class Listing:
    """What a store holds: backups, the newest first, and by id what has no sound manifest, and why."""

    backups: list[Manifest] = field(default_factory=list)
    damaged: dict[str, BackupDamaged] = field(default_factory=dict)

    @property
    def ids(self) -> set[str]:
        return self.damaged.keys() | {backup.backup_id for backup in self.backups}


class UnfinishedBackup:
    """A file that is being written; its lock says so to everybody. Nothing is there before it is opened."""

    def __init__(self, backup_id: str, folder: Path) -> None:
        self.backup_id = backup_id
        self._path = folder / f"{backup_id}{_FILE}"
        self._part = folder / f".{backup_id}{_FILE}{_PART}"
        self._manifest = folder / f"{backup_id}{_MANIFEST}"
        self.file: BinaryIO = BytesIO()

    def open(self) -> None:
        """Make the file; whoever calls it closes what it may have made, also when it is interrupted."""
        while True:
            self.file = self._part.open("xb")
            fcntl.flock(self.file, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if self._part.stat().st_ino == os.fstat(self.file.fileno()).st_ino:
                    return
            self.file.close()  # it was cleared away before we had the lock

    def keep(self) -> None:
        """Give the file its name, once the disk holds all of it."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self._part.replace(self._path)
        _sync_folder(self._path.parent)

    def list(self, manifest: Manifest) -> None:
        """Make a backup of it."""
        write_atomically(self._manifest, [spell_manifest(manifest)])
        _sync_folder(self._path.parent)

    def is_listed(self) -> bool:
        """Whether its manifest is there; if so, it is safely there."""
        if listed := self._manifest.exists():
            _sync_folder(self._path.parent)
        return listed

    def remove(self) -> None:
        """Remove all of it: its manifest first, so that it is not listed without its file."""
        if self._manifest.exists():
            self._manifest.unlink()
            _sync_folder(self._path.parent)
        for path in (self._part, self._path):
            path.unlink(missing_ok=True)


class UnfinishedSnapshot:
    """Files that become backups together, or none of them does; `is_listed` says whether they did."""

    def __init__(self, folder: Path) -> None:
        self.is_listed = False
        self._folder = folder
        self._backups: list[UnfinishedBackup] = []

    @contextmanager
    def writing(self) -> Iterator[None]:
        """What is added meanwhile is removed unless it is listed by the end.

        Raises:
            FileUnwritable: The folder must not be written to.
            FolderFull: There is no room in it.
        """
        try:
            with room_needed(self._folder):
                try:
                    self._make_root()
                    yield
                finally:
                    self._close()
        except OSError as error:
            raise FileUnwritable(path=self._folder, reason=error.strerror or str(error)) from error

    def add(self, table: str) -> UnfinishedBackup:
        """A new backup of a table."""
        name = folder_of(table)
        backup = UnfinishedBackup(new_id(name), self._make_folder(name))
        self._backups.append(backup)
        backup.open()
        return backup

    def list(self, manifests: Sequence[Manifest]) -> None:
        """Make backups of them, in the order in which they were added; an interruption after the last one is too late.

        Nobody may remove backups meanwhile, nor until those that were listed in vain are taken back.
        """
        try:
            for backup, manifest in zip(self._backups, manifests, strict=True):
                backup.list(manifest)
            self.is_listed = True
        except KeyboardInterrupt:
            self.is_listed = all(backup.is_listed() for backup in self._backups)
            raise

    def _close(self) -> None:
        # One that cannot be removed, or a second Ctrl-C, does not keep the others.
        with ExitStack() as closing:
            for backup in self._backups:
                closing.callback(backup.file.close)
                if not self.is_listed:
                    closing.callback(backup.remove)

    def _make_root(self) -> None:
        if not self._folder.is_dir():
            self._folder.mkdir(parents=True, exist_ok=True)
            _sync_folder(self._folder.parent)

    def _make_folder(self, name: str) -> Path:
        folder = self._folder / name
        if not folder.is_dir():
            folder.mkdir(exist_ok=True)  # without its parent: a root that is lost meanwhile is not made anew
            _sync_folder(self._folder)
        if folder.is_symlink():
            raise FileUnwritable(path=folder, reason="it is a link, which might point anywhere")
        return folder


class BackupStore:
    """The backups below one folder. Links in it are not followed, and no id leads out of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, backup_id: str) -> Manifest:
        """The manifest of a backup.

        Raises:
            BackupUnknown: There is no such backup.
            BackupDamaged: Its manifest is not sound.
        """
        path = self._manifest_path(backup_id)
        found = None if path is None else self._read(path)
        if found is None:
            raise BackupUnknown(backup_id=backup_id)
        return found

    def has(self, backup_id: str) -> bool:
        """Whether there is such a backup, sound or not; one that was there may have been removed since."""
        return self._manifest_path(backup_id) is not None

    def path(self, manifest: Manifest) -> Path:
        """Where the file of a backup is, or should be."""
        return self.folder / folder_of(manifest.table) / f"{manifest.backup_id}{_FILE}"

    def folders(self) -> set[str]:
        """The names of the folders of tables.

        Raises:
            BackupsUnreadable: The folder must not be read, so that nobody knows what is in it.
        """
        return {path.name for path in self._table_folders()}

    @property
    def databases_path(self) -> Path:
        """The file that names a backup of each database."""
        return self.folder / _DATABASES

    def databases(self) -> list[str]:
        """The id of a backup of each database whose backups are kept here, which may have been removed since.

        None where nothing says so, as in a folder that was made by hand or by a version that did not.

        Raises:
            BackupsUnreadable: It must not be read, so that nobody knows.
        """
        try:
            text = _read_file(self.databases_path, _MOST_DATABASES_BYTES).decode(errors="replace")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise BackupsUnreadable(path=self.databases_path, reason=error.strerror or str(error)) from error
        return [line.strip() for line in text.splitlines() if table_of(line.strip()) is not None]

    def add_database(self, backup_id: str) -> None:
        """Say that backups of another database are kept here; nobody else may do so meanwhile.

        Raises:
            FileUnwritable: The folder must not be written to.
            FolderFull: There is no room in it.
        """
        lines = [_DATABASES_OPEN_WITH, *self.databases(), backup_id]
        write_atomically(self.databases_path, [f"{line}\n".encode() for line in lines])
        _sync_folder(self.folder)

    def ids(self) -> list[str]:
        """The ids of all backups by table and time, also of those whose manifest is not sound.

        Raises:
            BackupsUnreadable: A folder must not be read, so that nobody knows what is in it.
        """
        found = [path for folder in self._table_folders() for path in _manifests(folder)]
        ids = ((path.parent.name, path.name.removesuffix(_MANIFEST)) for path in found)
        return [backup_id for folder, backup_id in ids if table_of(backup_id) == folder]

    def listing(self, table: str | None = None) -> Listing:
        """All backups, or those of a table.

        Raises:
            BackupsUnreadable: A folder must not be read, so that nobody knows what is in it.
        """
        found = Listing()
        for folder in self._table_folders():
            if table is None or folder.name == folder_of(table):
                for path in _manifests(folder):
                    if table_of(path.name.removesuffix(_MANIFEST)) == folder.name:
                        self._list(path, found)
        found.backups.sort(key=lambda backup: (backup.created, backup.backup_id), reverse=True)
        return found

    def remove(self, manifest: Manifest) -> None:
        """Remove a backup: its manifest first, so that it is not listed without its file.

        Raises:
            FileUnwritable: The folder must not be written to.
        """
        path = self.path(manifest)
        try:
            path.with_name(f"{manifest.backup_id}{_MANIFEST}").unlink(missing_ok=True)
            _sync_folder(path.parent)
            path.unlink(missing_ok=True)
        except OSError as error:
            raise FileUnwritable(path=path, reason=error.strerror or str(error)) from error

    def clear(self) -> list[Path]:
        """Remove what killed processes left: files without manifest that nobody is writing. Says which they were.

        What this user must not read or remove stays for whom it belongs to.
        """
        removed = []
        for path in self._readable_entries():
            with suppress(OSError):
                if self._is_left_over(path):
                    path.unlink(missing_ok=True)
                    removed.append(path)
        return removed

    def _readable_entries(self) -> Iterator[Path]:
        # What cannot be read may be of another table; where it is not, to write to it fails, and says so.
        with suppress(BackupsUnreadable):
            for folder in self._table_folders():
                with suppress(BackupsUnreadable):
                    yield from _entries(folder)

    def _is_left_over(self, path: Path) -> bool:
        name = path.name.removeprefix(".")
        backup_id, _, kind = name.partition(".")
        if table_of(backup_id) is None or path.is_symlink() or not path.is_file():
            return False
        listed = path.with_name(f"{backup_id}{_MANIFEST}")
        if path == listed or (name.endswith(_FILE) and listed.exists()):
            return False
        files = [path.with_name(f"{backup_id}{_FILE}"), path.with_name(f".{backup_id}{_FILE}{_PART}")]
        # A file may get its manifest between the two looks: so look again once it is known to be nobody's.
        return kind != "" and not any(map(_is_locked, files)) and (name != f"{backup_id}{_FILE}" or not listed.exists())

    def _table_folders(self) -> list[Path]:
        """Raises BackupsUnreadable where there is something that is no folder, or none that may be read."""
        try:
            return [path for path in _entries(self.folder) if stat.S_ISDIR(path.lstat().st_mode)]
        except OSError as error:
            raise BackupsUnreadable(path=self.folder, reason=error.strerror or str(error)) from error

    def _manifest_path(self, backup_id: str) -> Path | None:
        table = table_of(backup_id)
        if table is None or (self.folder / table).is_symlink():
            return None
        path = self.folder / table / f"{backup_id}{_MANIFEST}"
        try:
            path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise BackupsUnreadable(path=path.parent, reason=error.strerror or str(error)) from error
        return path

    def _list(self, path: Path, found: Listing) -> None:
        try:
            if manifest := self._read(path):
                found.backups.append(manifest)
        except BackupDamaged as error:
            found.damaged[path.name.removesuffix(_MANIFEST)] = error

    def _read(self, path: Path) -> Manifest | None:
        """The manifest; None if it was removed meanwhile. One that is a link, or no file, is damaged by that alone."""
        try:
            if not stat.S_ISREG(path.lstat().st_mode):
                kind = "a link, which might point anywhere" if path.is_symlink() else "not a file"
                raise BackupDamaged(path=path, reason=f"the manifest is {kind}")
            text = _read_file(path, _MOST_MANIFEST_BYTES)
            return read_manifest(text, path.name.removesuffix(_MANIFEST))
        except UnsoundManifestError as error:
            raise BackupDamaged(path=path, reason=f"the manifest is not valid: {error}") from error
        except FileNotFoundError:
            return None
        except OSError as error:
            reason = f"the manifest cannot be read: {error.strerror or error}"
            raise BackupDamaged(path=path, reason=reason) from error


def _read_file(path: Path, most_bytes: int) -> bytes:
    """What is in a file that is no link, and never waits as a pipe does."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        return file.read(most_bytes)


def _manifests(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if path.name.endswith(_MANIFEST)]


def _entries(folder: Path) -> list[Path]:
    """What is in a folder, by name; nothing is in one that does not exist."""
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not folder.is_symlink():
            return []
        raise BackupsUnreadable(path=folder, reason=error.strerror or str(error)) from error


def _is_locked(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
