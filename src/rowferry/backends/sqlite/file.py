"""The file of a SQLite database, held against its name: what is written into one that nobody finds any more is lost.

SQLite goes on with a file that was removed, or replaced by another one, as long as it is open. So each connection
knows which files it has opened; it is given up once they are not those of that name, and no commit of it counts unless
they are, right before and right after it. Nor is an empty file taken for the database that was there before.
"""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import Engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from rowferry.errors import DatabaseFileGone, DatabaseUnavailable

_BESIDE = ("-wal", "-shm")
"""What SQLite keeps beside a database while it is open, to be read with it."""

_EMPTIED = "replaced by an empty one"

Identity = tuple[int, int] | None
"""Device and number of a file; None if there is none."""

Opened = dict[Path, Identity]
"""What a connection has opened, by the paths that it was found at: first the database, then what is beside it."""


class DatabaseFile:
    """A database by the name of its file, which is a path, or a URI if the URL says so; it may be made already."""

    def __init__(self, url: URL, *, is_made: bool) -> None:
        name = url.database or ""
        is_uri = "uri" in url.query and name.startswith("file:")
        self.path = Path(unquote(urlsplit(name).path) if is_uri else name).absolute()
        self._seen = self._was_filled = is_made
        self._filled: Identity = None
        self._in_doubt = False
        self.only_reads = False

    def watch(self, engine: Engine) -> None:
        """Let an engine connect to this file only, and give up connections to what had its name before."""

        def connect(_dialect: object, _record: object, given: list[Any], options: dict[str, Any]) -> sqlite3.Connection:
            return self._connect(given[0], options)

        def require_current(driver: FileConnection, _record: ConnectionPoolEntry, _fairy: object) -> None:
            if gone := driver.gone():
                self._in_doubt = self._in_doubt or gone[0] != self.path
                engine.dispose()
                raise InvalidatePoolError
            if driver.opened[self.path] != self._filled and driver.is_filled():
                self._was_filled, self._filled = True, driver.opened[self.path]

        def leave(driver: FileConnection | None, record: ConnectionPoolEntry) -> None:
            if driver is not None and driver.gone():
                record.invalidate()  # the pool that it goes back to may be disposed of, which would leave it open

        event.listen(engine, "do_connect", connect)
        event.listen(engine, "checkin", leave)
        event.listen(engine, "checkout", require_current)

    def _connect(self, name: str, options: dict[str, Any]) -> sqlite3.Connection:
        """A new connection; once there was a file, none is made in its place."""
        if self._seen:
            self._require_there()
            name, options = f"{self.path.as_uri()}?mode=rw", options | {"uri": True}
        before = _identity(self.path)
        driver = sqlite3.connect(name, factory=FileConnection, **options)
        try:
            if not self.only_reads:
                driver.execute("PRAGMA journal_mode = WAL")  # which the file keeps
            is_filled = driver.is_filled()  # only now, all files are open
            beside = [Path(os.path.realpath(self.path) + suffix) for suffix in _BESIDE]
        except BaseException:
            driver.close()
            raise
        driver.opened = {path: _identity(path) for path in (self.path, *beside)}
        identity = driver.opened[self.path]
        is_other = before not in (None, identity)
        if is_other or (self._was_filled and not is_filled and identity != self._filled):
            driver.close()
            raise DatabaseFileGone(path=self.path, what="replaced" if is_other else _EMPTIED)
        self._seen = True
        return driver

    def _require_there(self) -> None:
        """Raise DatabaseFileGone if there is no file, or somebody has it open who may go by another log."""
        if _identity(self.path) is None:
            raise DatabaseFileGone(path=self.path, what="removed")
        with suppress(FileNotFoundError):
            if self._was_filled and not self.path.stat().st_size:
                raise DatabaseFileGone(path=self.path, what=_EMPTIED)
        if not self._in_doubt:
            return
        try:
            with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=rw", uri=True, timeout=0)) as alone:
                alone.execute("PRAGMA locking_mode = EXCLUSIVE")
                alone.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            raise DatabaseFileGone(path=f"{self.path}-wal or -shm", what="replaced") from error
        self._in_doubt = False


class FileConnection(sqlite3.Connection):
    """A connection whose commits count only in the file of its name."""

    opened: Opened

    def commit(self) -> None:
        """Commit.

        Raises:
            DatabaseFileGone: It does not count.
        """
        self._require_current()
        super().commit()
        self._require_current()

    def is_filled(self) -> bool:
        """Whether there are tables."""
        return bool(self.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])

    def gone(self) -> tuple[Path, str] | None:
        """The first path that leads elsewhere by now, and what became of what was there."""
        for path, identity in self.opened.items():
            if (found := _identity(path)) != identity:
                return path, "replaced" if found else "removed"
        return None

    def _require_current(self) -> None:
        if gone := self.gone():
            raise DatabaseFileGone(path=gone[0], what=gone[1])


def _identity(path: Path) -> Identity:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise DatabaseUnavailable(reason=f"{path}: {error.strerror or error}") from error
    return found.st_dev, found.st_ino
