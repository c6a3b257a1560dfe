"""How long it takes to restore one table, beside the databases' own tools and a dump of the same table."""

import shutil
import sqlite3
import subprocess
from contextlib import closing
from functools import partial
from pathlib import Path

from bench.checks import COUNT_ROWS, must_hold
from bench.contests import Contest, Findings, Target, Way, hold
from bench.installed import ROWFERRY
from bench.lab import Lab
from bench.processes import NoResultError, Run
from bench.served import service
from bench.templates import copy_sqlite, postgresql_filled, postgresql_with_parents, sqlite_with_parents
from bench.tools import CURL, SQLITE3

_TABLE = "hired_employees"
_RUN = "run"
_ROWFERRY = "Rowferry, into an empty table"
_DAMAGED = "Rowferry, 1 % of the rows differ"
_EQUAL = "Rowferry, no row differs"
_POSTED = "Rowferry, into an empty table, asked of a running service"
_PG_RESTORE = "pg_restore"
_READ = "sqlite3 .read"
_MOST_MB = 400

_DAMAGE = (
    f"DELETE FROM {_TABLE} WHERE id % 400 = 1",
    f"UPDATE {_TABLE} SET name = 'damaged' WHERE id % 200 = 0",
    f"INSERT INTO {_TABLE} SELECT -id, name, datetime, department_id, job_id FROM {_TABLE} WHERE id % 400 = 2",
)
_COUNT_CONSTRAINTS = (
    f"SELECT count(*) FROM pg_constraint WHERE conrelid = '{_TABLE}'::regclass AND contype IN ('p', 'f')"
)


def run(lab: Lab) -> Findings:
    """Measure restores of five times the usual rows, judged and with all constraints."""
    contests = [_postgresql(lab), *([_sqlite(lab)] if SQLITE3 else [])]
    found = contests[0]
    speed = [
        Target.at_least("Times as fast as pg_restore", 1.3, found.ratio(_PG_RESTORE, _ROWFERRY)),
        Target.at_least("The same, asked of a running service", 1.3, found.ratio(_PG_RESTORE, _POSTED)),
    ]
    memory = [
        Target.at_most(f"Peak MB, {title}", _MOST_MB, contest.peak(_ROWFERRY))
        for title, contest in zip(("PostgreSQL", "SQLite"), contests, strict=False)
    ]
    return Findings(contests, [*speed, *memory])


def _postgresql(lab: Lab) -> Contest:
    rows = 5 * lab.rows
    parents, filled = postgresql_with_parents(lab), postgresql_filled(lab, rows)
    backups, dump = lab.folder / "restores-postgresql", lab.folder / "hired_employees.dump"
    (backups / _TABLE).mkdir(parents=True)  # says that the folder is meant to be new
    lab.aside([ROWFERRY, "backup", _TABLE], {"SQLALCHEMY_DATABASE_URL": lab.server.url(filled), **_kept_in(backups)})
    lab.aside([lab.server.tool("pg_dump"), "-Fc", "-t", _TABLE, "-f", str(dump), "-d", lab.server.url(filled)], {})
    environment = {"SQLALCHEMY_DATABASE_URL": lab.server.url(_RUN), **_kept_in(backups)}
    restore = [ROWFERRY, "restore", _TABLE, "--json"]
    count = partial(lab.server.value, _RUN, COUNT_ROWS)

    def check(run: Run) -> None:
        must_hold(rows, count, (0,), run)
        if lab.server.value(_RUN, _COUNT_CONSTRAINTS) != 3:
            raise NoResultError("the constraints are not there")

    def prepare(template: str, *statements: str) -> None:
        lab.server.create(_RUN, template)
        lab.server.execute(_RUN, *(statement for statement in statements))
        lab.server.settle(_RUN)

    pg_restore = [lab.server.tool("pg_restore"), "--exit-on-error", "-d", lab.server.url(_RUN), str(dump)]
    ways = [
        Way(_ROWFERRY, rows, restore, partial(prepare, parents), check, environment),
        Way(_PG_RESTORE, rows, pg_restore, partial(prepare, parents, f"DROP TABLE {_TABLE}"), check),
        Way(_DAMAGED, rows, restore, partial(prepare, filled, *_DAMAGE), check, environment),
        Way(_EQUAL, rows, restore, partial(prepare, filled), check, environment),
    ]
    if not CURL:
        return hold(lab, f"PostgreSQL, {rows:,} rows", ways)
    with service(lab, _kept_in(backups)) as running:
        start = partial(running.restart, partial(prepare, parents), lab.server.url(_RUN))
        ways.append(Way(_POSTED, rows, running.post(f"restore-table/{_TABLE}"), start, check))
        return hold(lab, f"PostgreSQL, {rows:,} rows", ways)


def _sqlite(lab: Lab) -> Contest:
    rows = 5 * lab.rows
    filled, database = lab.folder / "filled.sqlite", lab.folder / "run.sqlite"
    backups, dump = lab.folder / "restores-sqlite", lab.folder / "hired_employees.sql"
    shutil.copyfile(sqlite_with_parents(lab), filled)
    lab.load_aside(f"sqlite:///{filled}", lab.samples(rows) / f"{_TABLE}.csv")
    lab.aside([ROWFERRY, "backup", _TABLE], {"SQLALCHEMY_DATABASE_URL": f"sqlite:///{filled}", **_kept_in(backups)})
    with dump.open("wb") as file:
        subprocess.run([str(SQLITE3), str(filled), f".dump {_TABLE}"], stdout=file, check=True)

    def prepare(*statements: str, template: Path) -> None:
        copy_sqlite(template, database)
        with closing(sqlite3.connect(database)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def count() -> object:
        with closing(sqlite3.connect(database)) as connection:
            return connection.execute(COUNT_ROWS).fetchone()[0]

    check, parents = partial(must_hold, rows, count, (0,)), sqlite_with_parents(lab)
    environment = {"SQLALCHEMY_DATABASE_URL": f"sqlite:///{database}", **_kept_in(backups)}
    restore = [ROWFERRY, "restore", _TABLE, "--json"]
    read = [str(SQLITE3), "-bail", str(database), f".read '{dump}'"]
    ways = [
        Way(_ROWFERRY, rows, restore, partial(prepare, template=parents), check, environment),
        Way(_READ, rows, read, partial(prepare, f"DROP TABLE {_TABLE}", template=parents), check),
        Way(_DAMAGED, rows, restore, partial(prepare, *_DAMAGE, template=filled), check, environment),
    ]
    return hold(lab, f"SQLite, {rows:,} rows", ways)


def _kept_in(folder: Path) -> dict[str, str]:
    return {"BACKUP_DIR": str(folder)}
