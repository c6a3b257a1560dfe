"""Temporary files: what happens when there is no room for them."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from rowferry.errors import DiskFull


@contextmanager
def room_needed() -> Iterator[None]:
    """Raise DiskFull where the disk has no room for a temporary file or database."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(reason=error.strerror or str(error)) from error
        raise
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise DiskFull(reason="no room for temporary files") from error
        raise
