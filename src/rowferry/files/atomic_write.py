"""Files that are there whole or not at all."""

import os
import secrets
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from rowferry.errors import FileUnwritable
from rowferry.files.disk_full import room_needed


def write_atomically(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file through a temporary name in the same folder, and rename it once it is safely on disk.

    A file that is there keeps its mode, and a link to it stays one. What is no file, such as a pipe or a terminal, is
    written to as it is.

    Raises:
        FileUnwritable: The folder is missing, or must not be written to.
        FolderFull: There is no room.
    """
    try:
        with room_needed(path):
            if path.exists() and not path.is_file():
                with path.open("wb") as file:
                    file.writelines(parts)
            else:
                _replace(path.resolve(), parts)
    except OSError as error:
        raise FileUnwritable(path=path, reason=error.strerror or str(error)) from error


def _replace(path: Path, parts: Iterable[bytes]) -> None:
    # Its name is known before it exists, so that nothing of it stays, wherever it is interrupted.
    unfinished = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        with unfinished.open("xb") as file:
            with suppress(FileNotFoundError):
                os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
