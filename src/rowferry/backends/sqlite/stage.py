"""A file beside a SQLite database in which rows wait until the database takes them from there."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from rowferry.backends.sqlite.image import ImageTable, SqliteImage


class SqliteStage:
    """A file with the rows of some writers, for a database to attach once it was sealed."""

    def __init__(self, path: Path, name: str, encoding: str) -> None:
        self.name = name
        self.sealed = False
        self._attached = False
        self._path = path
        self._file = path.open("wb")
        self._image = SqliteImage(self._file, encoding)
        self._tables = 0

    def table(self, columns: Sequence[str]) -> tuple[str, ImageTable]:
        """A table for the rows of one writer, and its name there."""
        name, self._tables = f"rows_{self._tables}", self._tables + 1
        return name, ImageTable(self._image, name, "rowferry_row_number", columns)

    def seal(self) -> None:
        """All tables were ended; nothing comes into it any more."""
        if not self.sealed:
            self._image.end()
            self._file.close()
            self.sealed = True

    def attach(self, driver: sqlite3.Connection) -> None:
        """Seal it, and show it to the database, unless that was done."""
        self.seal()
        if not self._attached:
            driver.execute(f"ATTACH ? AS {self.name}", (str(self._path),))
            self._path.unlink()
            self._attached = True

    def close(self, driver: sqlite3.Connection | None) -> None:
        """Remove it; without a connection, it is attached to none any more."""
        if self._attached and driver is not None:
            driver.execute(f"DETACH {self.name}")
        self._file.close()
        self._path.unlink(missing_ok=True)
