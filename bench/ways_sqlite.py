"""The ways of loading hired_employees into SQLite: Rowferry's and that of the sqlite3 program."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from bench.checks import COUNT_REJECTS, COUNT_ROWS, must_account, must_hold
from bench.contests import Way
from bench.installed import ROWFERRY
from bench.lab import Lab
from bench.processes import Run
from bench.served import Service
from bench.templates import copy_sqlite
from bench.tools import SQLITE3


class IntoSqlite:
    """Ways into hired_employees of an SQLite file, each run in a fresh copy of a template, or in a new file."""

    def __init__(self, lab: Lab, template: Path | None) -> None:
        self._template = template
        self._database = lab.folder / "run.sqlite"
        self._url = f"sqlite:///{self._database}"

    def rowferry(self, name: str, path: Path, rows: int, *, faulty: int = 0) -> Way:
        """Load a file, or a folder of all three."""
        command = [ROWFERRY, "load", str(path), "--json"]
        check = self._account(rows - faulty, faulty)
        return Way(name, rows, command, self._prepare, check, {"SQLALCHEMY_DATABASE_URL": self._url})

    def posted(self, name: str, file: Path, rows: int, service: Service) -> Way:
        """Post a file to a service that is running."""
        prepare = partial(service.restart, self._prepare, self._url)
        return Way(name, rows, service.post(f"full-bulk-insert/{file.stem}", file), prepare, self._account(rows))

    def shell(self, name: str, file: Path, rows: int, *, enforced: bool = False) -> Way:
        """The sqlite3 program; it enforces references only when told to."""
        pragmas = ["PRAGMA foreign_keys = ON"] if enforced else []
        commands = [*pragmas, ".mode csv", f".import '{file}' hired_employees"]
        check = partial(must_hold, rows, partial(self._value, COUNT_ROWS), (0,))
        return Way(name, rows, [str(SQLITE3), "-bail", str(self._database), *commands], self._prepare_for_shell, check)

    def _account(self, rows: int, faulty: int = 0) -> Callable[[Run], None]:
        return partial(
            must_account,
            rows,
            faulty,
            partial(self._value, COUNT_ROWS),
            partial(self._value, COUNT_REJECTS.format("rowferry_rejected_rows")),
        )

    def _prepare(self) -> None:
        copy_sqlite(self._template, self._database)

    def _prepare_for_shell(self) -> None:
        """Rowferry's files keep a write-ahead log; the program's own default is a little faster for it."""
        self._prepare()
        self._value("PRAGMA journal_mode = DELETE")

    def _value(self, query: str) -> object:
        with closing(sqlite3.connect(self._database)) as connection:
            return connection.execute(query).fetchone()[0]
