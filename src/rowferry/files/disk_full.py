"""Temporary files: what happens when there is no room for them, or no folder."""

import errno
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rowferry.errors import FolderFull, FolderUnusable, TemporaryFull

_SMALL_BYTES = 256 * 1024

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def room_needed(path: Path | None = None) -> Iterator[None]:
    """Raise TemporaryFull where there is no room for a temporary file or database; FolderFull for the file `path`."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            reason = error.strerror or str(error)
            raise (_temporary_full(reason) if path is None else FolderFull(path=path, reason=reason)) from error
        raise
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise _temporary_full(str(error)) from error
        raise


@contextmanager
def temporary_folder() -> Iterator[None]:
    """Raise TemporaryFull, or FolderUnusable, where files cannot be made in the folder of temporary files."""
    try:
        with room_needed():
            yield
    except OSError as error:
        raise FolderUnusable(name="TMPDIR", path=_folder(), reason=error.strerror or error) from error


def temporary_file() -> IO[bytes]:
    """A file that nobody else sees, and that is gone with the process."""
    with temporary_folder():
        return tempfile.TemporaryFile()


class SpooledFile(tempfile.SpooledTemporaryFile[bytes]):
    """A temporary file that stays in memory as long as it is small."""

    def __init__(self) -> None:
        super().__init__(_SMALL_BYTES)

    def rollover(self) -> None:
        with temporary_folder():
            super().rollover()


def _temporary_full(reason: str) -> TemporaryFull:
    return TemporaryFull(path=_folder(), reason=reason)


def _folder() -> str:
    # Where none can be used, the library has chosen none.
    return str(tempfile.tempdir or "/tmp")  # noqa: S108  # only told
