"""Rows into hired_employees by the database drivers alone: what a batch is measured against."""

import sqlite3
import time
from collections.abc import Sequence
from shutil import copyfile
from typing import Protocol

import psycopg

from bench.lab import Lab
from bench.templates import postgresql_with_parents, sqlite_with_parents

Row = tuple[int, str, str, int, int]

_DATABASE = "batches"


class Insert(Protocol):
    """Puts rows in by one transaction; the seconds it took, the commit included."""

    name: str
    code: str

    def __call__(self, rows: Sequence[Row]) -> float: ...

    def close(self) -> None: ...


class CopyRows:
    """psycopg's COPY, as its manual shows it."""

    name = "psycopg COPY"
    code = (
        'with connection.cursor().copy("COPY hired_employees FROM STDIN") as copy:\n'
        "    for row in rows:\n"
        "        copy.write_row(row)\n"
        "connection.commit()"
    )

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url)

    def __call__(self, rows: Sequence[Row]) -> float:
        started = time.perf_counter()
        with self._connection.cursor().copy("COPY hired_employees FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        self._connection.commit()
        return time.perf_counter() - started

    def close(self) -> None:
        self._connection.close()


class ExecuteMany:
    """sqlite3's executemany, in a file of the same journal mode, with references enforced and each commit on disk."""

    name = "sqlite3 executemany"
    code = 'connection.executemany("INSERT INTO hired_employees VALUES (?, ?, ?, ?, ?)", rows)\nconnection.commit()'

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {pragma}")

    def __call__(self, rows: Sequence[Row]) -> float:
        # As the database keeps them.
        spelled = [(key, name, "2021-11-07 02:48:42.000000", *parents) for key, name, _, *parents in rows]
        started = time.perf_counter()
        self._connection.executemany("INSERT INTO hired_employees VALUES (?, ?, ?, ?, ?)", spelled)
        self._connection.commit()
        return time.perf_counter() - started

    def close(self) -> None:
        self._connection.close()


def open_postgresql(lab: Lab) -> tuple[str, Insert]:
    """A new database with parents: its URL, and the driver's way into it."""
    lab.server.create(_DATABASE, postgresql_with_parents(lab))
    lab.server.settle(_DATABASE)
    url = lab.server.url(_DATABASE)
    return url, CopyRows(url)


def open_sqlite(lab: Lab) -> tuple[str, Insert]:
    """A new file with parents: its URL, and the driver's way into it."""
    path = lab.folder / f"{_DATABASE}.sqlite"
    copyfile(sqlite_with_parents(lab), path)
    return f"sqlite:///{path}", ExecuteMany(str(path))
