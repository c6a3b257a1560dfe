"""The folders that work needs, and how each of them is: found out by trying, so that nothing is left behind."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile, gettempdir

from rowferry.errors import FolderUnusable
from rowferry.settings import SettingFault, Settings

_PROBE = bytes(64 * 1024)
"""A folder has room if this can be written into it."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Folder:
    """A folder by the name of its setting; one that `may_be_made` need not be there until it is first used."""

    name: str
    path: Path
    is_written: bool = True
    may_be_made: bool = False

    def fault(self) -> OSError | None:
        """What is in the way of using it, if anything is."""
        try:
            if self.is_written:
                with TemporaryFile(prefix=".rowferry-", dir=self._place()) as file:
                    file.write(_PROBE)
            else:
                os.scandir(self.path).close()
        except OSError as error:
            return error
        return None

    def _place(self) -> Path:
        place = self.path.absolute()
        return next(parent for parent in (place, *place.parents) if parent.exists()) if self.may_be_made else place


class WatchedFolders:
    """The folders of a service. What was there once is missed when it is gone; what never was, is not."""

    def __init__(self, settings: Settings, database: Path | None) -> None:
        self._data = Folder("DATA_DIR", settings.data_dir, is_written=False)
        self._always = [Folder("TMPDIR", Path(gettempdir()))]
        if database:
            self._always.append(Folder("The folder of the database", database))
        self._made = [Folder("BACKUP_DIR", settings.backup_dir), Folder("LOG_DIR", settings.log_dir)]
        self._seen: set[str] = set()
        self._look()

    def check(self) -> None:
        """Raise FolderUnusable, which names each folder that cannot be used."""
        self._look()
        made = [Folder(folder.name, folder.path, may_be_made=folder.name not in self._seen) for folder in self._made]
        data = [self._data] if self._data.name in self._seen else []
        errors = [_error(folder, fault) for folder in (*self._always, *made, *data) if (fault := folder.fault())]
        if errors:
            first, *others = errors
            reasons = [first.details["reason"], *(error.message for error in others)]
            raise FolderUnusable(**first.details | {"reason": "; ".join(map(str, reasons))})

    def require_data(self) -> None:
        """Raise FolderUnusable if DATA_DIR was there and cannot be read any more."""
        self._look()
        if self._data.name in self._seen and (fault := self._data.fault()):
            raise _error(self._data, fault)

    def _look(self) -> None:
        self._seen |= {folder.name for folder in (*self._made, self._data) if os.path.isdir(folder.path)}  # noqa: PTH112  # raises nothing


def folder_faults(settings: Settings) -> list[SettingFault]:
    """The folders that cannot be used as they are to be; to be full for the time being is no such fault."""
    found = []
    try:
        gettempdir()
    except OSError:
        found.append(SettingFault("TMPDIR", "no folder for temporary files is writable; name one that is"))
    data = Folder("DATA_DIR", settings.data_dir, is_written=False)
    if (fault := data.fault()) and not isinstance(fault, FileNotFoundError):
        reason = f"{data.path} is not a readable folder: {fault.strerror}; choose another one, or permit access"
        found.append(SettingFault(data.name, reason))
    for name, path in (("BACKUP_DIR", settings.backup_dir), ("LOG_DIR", settings.log_dir)):
        if (fault := Folder(name, path, may_be_made=True).fault()) and fault.errno not in _NO_ROOM:
            reason = f"cannot write to {path}: {fault.strerror}; choose another folder, or permit access"
            found.append(SettingFault(name, reason))
    return found


def _error(folder: Folder, fault: OSError) -> FolderUnusable:
    return FolderUnusable(name=folder.name, path=folder.path, reason=fault.strerror or fault)
