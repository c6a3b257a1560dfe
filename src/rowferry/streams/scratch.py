"""Temporary files: what happens when there is no room for them."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rowferry.errors import DiskFull, FolderFull


@contextmanager
def room_needed(path: Path | None = None) -> Iterator[None]:
    """Raise DiskFull where the disk has no room for a temporary file or database; FolderFull for the file `path`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            reason = error.strerror or str(error)
            raise (DiskFull(reason=reason) if path is None else FolderFull(path=path, reason=reason)) from error
        raise
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise DiskFull(reason="no room for temporary files") from error
        raise
