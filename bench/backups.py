"""How long a backup takes, how large its file is, and how much memory it takes, beside the databases' own programs."""

import json
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from bench.contests import Contest, Findings, Target, Way, hold
from bench.installed import ROWFERRY
from bench.lab import Lab
from bench.processes import NoResultError, Run
from bench.served import Service, service
from bench.templates import postgresql_filled, sqlite_filled
from bench.tools import CURL, SQLITE3

TABLE = "hired_employees"
TIMES = 5
"""A backup is of so many times the usual rows."""

_ROWFERRY, _PG_DUMP, _DUMP = "Rowferry", "pg_dump -Fc", "sqlite3 .dump"
_ASKED = "Rowferry, asked of a running service"
_CODECS = ("snappy", "zstandard", "null")
_MOST_MB = 400
_MOST_GROWTH = 1.1


class Backups:
    """Ways of backing one table up into a folder, which is empty before each run; `bytes` says what each wrote."""

    def __init__(self, lab: Lab) -> None:
        self._folder = lab.folder / "backups"
        self.environment = {"BACKUP_DIR": str(self._folder)}
        self.bytes: dict[str, int] = {}

    def rowferry(self, name: str, url: str, rows: int, codec: str = "deflate") -> Way:
        command = [ROWFERRY, "backup", TABLE, "--codec", codec, "--json"]
        return self._way(name, rows, command, {"SQLALCHEMY_DATABASE_URL": url, **self.environment})

    def asked(self, name: str, url: str, rows: int, service: Service) -> Way:
        """Ask a service that is running."""
        start = partial(service.restart, self._empty, url)
        check = partial(self._check, name, rows)
        return Way(name, rows, service.post(f"backup-table/{TABLE}"), start, check)

    def pg_dump(self, lab: Lab, database: str, rows: int) -> Way:
        file = str(self._folder / "dump")
        return self._way(
            _PG_DUMP, rows, [lab.server.pg_dump, "-Fc", "-t", TABLE, "-f", file, lab.server.url(database)], {}
        )

    def sqlite_dump(self, database: Path, rows: int) -> Way:
        commands = [f".output '{self._folder / 'dump.sql'}'", f".dump {TABLE}"]
        return self._way(_DUMP, rows, [str(SQLITE3), "-bail", str(database), *commands], {})

    def _way(self, name: str, rows: int, command: list[str], environment: Mapping[str, str]) -> Way:
        return Way(name, rows, command, self._empty, partial(self._check, name, rows), environment)

    def _empty(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        (self._folder / TABLE).mkdir(parents=True)  # says that the folder is meant to be new

    def _check(self, name: str, rows: int, run: Run) -> None:
        if run.exit_code:
            raise NoResultError(f"exit code {run.exit_code}: {run.errors.strip()[-200:]}")
        if name.startswith(_ROWFERRY):
            answer = json.loads(run.output)
            found = answer.get("backups", [answer])[0]["rows"]  # the service tells of the one that it was asked for
            if found != rows:
                raise NoResultError(f"the backup has {found} rows instead of {rows}")
        self.bytes[name] = sum(path.stat().st_size for path in self._folder.rglob("*") if path.is_file())


def run(lab: Lab) -> Findings:
    """Measure backups in each codec on PostgreSQL and SQLite, and the peak memory of small and large tables."""
    backups = Backups(lab)
    postgresql, sqlite = _of_postgresql(lab, backups), _of_sqlite(lab, backups)
    memory = _memory(lab, backups)
    size, of_pg_dump = (backups.bytes.get(name) for name in (_ROWFERRY, _PG_DUMP))
    targets = [
        Target.at_least("Times as fast as pg_dump -Fc, default codec", 2.5, postgresql.ratio(_PG_DUMP, _ROWFERRY)),
        Target.at_least("The same, asked of a running service", 2.5, postgresql.ratio(_PG_DUMP, _ASKED)),
        Target.at_most("Size to that of pg_dump's file", 1.15, size / of_pg_dump if size and of_pg_dump else None),
        Target.at_most("Peak MB", _MOST_MB, postgresql.peak(_ROWFERRY)),
    ]
    names = [outcome.name for outcome in memory.outcomes]
    few, many = memory.peak(names[0]), memory.peak(names[1])
    growth = many / few if few and many else None
    targets.append(Target.at_most(f"Peak memory of {TIMES} times the rows", _MOST_GROWTH, growth))
    return Findings([postgresql, sqlite, memory], targets)


def _of_postgresql(lab: Lab, backups: Backups) -> Contest:
    rows = TIMES * lab.rows
    database = postgresql_filled(lab, rows)
    url = lab.server.url(database)
    ways = [
        backups.rowferry(_ROWFERRY, url, rows),
        backups.pg_dump(lab, database, rows),
        *(backups.rowferry(f"{_ROWFERRY}, {codec}", url, rows, codec) for codec in _CODECS),
    ]
    if not CURL:
        return hold(lab, f"Backup from PostgreSQL, {rows:,} rows", ways)
    with service(lab, backups.environment) as running:
        ways.append(backups.asked(_ASKED, url, rows, running))
        return hold(lab, f"Backup from PostgreSQL, {rows:,} rows", ways)


def _of_sqlite(lab: Lab, backups: Backups) -> Contest:
    rows = TIMES * lab.rows
    database = sqlite_filled(lab, rows)
    sizes = dict(backups.bytes)
    ways = [backups.rowferry(_ROWFERRY, f"sqlite:///{database}", rows)]
    ways += [backups.sqlite_dump(database, rows)] if SQLITE3 else []
    contest = hold(lab, f"Backup from SQLite, {rows:,} rows", ways)
    backups.bytes |= sizes
    return contest


def _memory(lab: Lab, backups: Backups) -> Contest:
    sizes = dict(backups.bytes)
    ways = [
        backups.rowferry(f"{_ROWFERRY}, {rows:,} rows", lab.server.url(postgresql_filled(lab, rows)), rows)
        for rows in (lab.rows, TIMES * lab.rows)
    ]
    contest = hold(lab, "Memory of a backup", ways, repetitions=1)
    backups.bytes |= sizes
    return contest
