"""The works that the speed of Rowferry is made for: each makes the way of Rowferry through it."""

import csv
from functools import partial
from pathlib import Path

from bench import other_tables
from bench.backups import TIMES, Backups
from bench.checks import COUNT_ROWS, must_hold
from bench.contests import Way
from bench.installed import ROWFERRY
from bench.lab import Lab
from bench.postgresql import OWNER
from bench.templates import postgresql_filled, postgresql_with_parents, sqlite_filled, sqlite_with_parents
from bench.ways_postgresql import RUN, IntoPostgresql
from bench.ways_sqlite import IntoSqlite
from rowferry.samples import FAULTS, SAMPLE_ROWS

_NAME = "Rowferry"
_TABLE = "hired_employees"
_FILE = f"{_TABLE}.csv"


def into_empty(lab: Lab) -> Way:
    """Rows into an empty table of PostgreSQL."""
    return IntoPostgresql(lab, postgresql_with_parents(lab)).rowferry(_NAME, lab.samples(lab.rows) / _FILE, lab.rows)


def many_into_empty(lab: Lab) -> Way:
    """Five times as many rows into an empty table of PostgreSQL."""
    rows = TIMES * lab.rows
    return IntoPostgresql(lab, postgresql_with_parents(lab)).rowferry(_NAME, lab.samples(rows) / _FILE, rows)


def into_filled(lab: Lab) -> Way:
    """Rows into a table of PostgreSQL that has five times as many."""
    return _into_filled(lab, "postgres")


def by_owner_into_filled(lab: Lab) -> Way:
    """The same by an owner without superuser rights."""
    return _into_filled(lab, OWNER)


def by_owner_into_empty(lab: Lab) -> Way:
    """Rows into an empty table of PostgreSQL, by an owner without superuser rights."""
    into = IntoPostgresql(lab, postgresql_with_parents(lab), user=OWNER)
    return into.rowferry(_NAME, lab.samples(lab.rows) / _FILE, lab.rows)


def line_items(lab: Lab) -> Way:
    """Rows of sixteen columns, which refer to many parents, into PostgreSQL."""
    return other_tables.into_postgresql(lab, "lineitem")[0]


def readings(lab: Lab) -> Way:
    """Rows of eight columns, without references, into PostgreSQL."""
    return other_tables.into_postgresql(lab, "readings")[0]


def readings_into_sqlite(lab: Lab) -> Way:
    """Rows of eight columns, without references, into SQLite."""
    return other_tables.into_sqlite(lab, "readings")[0]


def into_sqlite(lab: Lab) -> Way:
    """Rows into an empty table of SQLite."""
    return _into_sqlite(lab, lab.samples(lab.rows) / _FILE, lab.rows)


def many_into_sqlite(lab: Lab) -> Way:
    """Five times as many rows into an empty table of SQLite."""
    return _into_sqlite(lab, lab.samples(TIMES * lab.rows) / _FILE, TIMES * lab.rows)


def faulty(lab: Lab) -> Way:
    """Rows that are all rejected, into SQLite."""
    return _into_sqlite(lab, lab.samples(lab.rows, faulty=lab.rows) / _FILE, lab.rows, faulty=lab.rows)


def stray_quotes(lab: Lab) -> Way:
    """Rows of which every other one has a stray quote, into SQLite."""
    source, folder = lab.samples(lab.rows) / _FILE, lab.folder / "stray-quotes"
    if not folder.exists():
        folder.mkdir()
        lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
        lines[1::2] = (line.replace(" ", ' "', 1) for line in lines[1::2])
        (folder / _FILE).write_text("".join(lines), encoding="utf-8")
    return _into_sqlite(lab, folder / _FILE, lab.rows, faulty=lab.rows // 2)


def all_quoted(lab: Lab) -> Way:
    """Rows whose cells are all in quotes, into SQLite."""
    source, folder = lab.samples(lab.rows) / _FILE, lab.folder / "all-quoted"
    if not folder.exists():
        folder.mkdir()
        with source.open(encoding="utf-8", newline="") as plain, (folder / _FILE).open("w", encoding="utf-8") as file:
            csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(csv.reader(plain))
    return _into_sqlite(lab, folder / _FILE, lab.rows)


def small(lab: Lab) -> Way:
    """The sample files into a new SQLite database."""
    folder = lab.samples(SAMPLE_ROWS, faulty=FAULTS)
    return IntoSqlite(lab, None).rowferry(_NAME, folder, SAMPLE_ROWS, faulty=FAULTS)


def backup(lab: Lab) -> Way:
    """A backup of a table of PostgreSQL of five times as many rows."""
    rows = TIMES * lab.rows
    return Backups(lab).rowferry(_NAME, lab.server.url(postgresql_filled(lab, rows)), rows)


def backup_of_sqlite(lab: Lab) -> Way:
    """A backup of a table of SQLite of five times as many rows."""
    rows = TIMES * lab.rows
    return Backups(lab).rowferry(_NAME, f"sqlite:///{sqlite_filled(lab, rows)}", rows)


def restore(lab: Lab) -> Way:
    """A restore of a table of PostgreSQL of five times as many rows, none of which differs."""
    rows = TIMES * lab.rows
    filled, folder = postgresql_filled(lab, rows), lab.folder / "restored"
    kept = {"BACKUP_DIR": str(folder)}
    if not folder.exists():
        (folder / _TABLE).mkdir(parents=True)  # says that the folder is meant to be new
        lab.aside([ROWFERRY, "backup", _TABLE], {"SQLALCHEMY_DATABASE_URL": lab.server.url(filled), **kept})

    def prepare() -> None:
        lab.server.create(RUN, filled)
        lab.server.settle(RUN)

    check = partial(must_hold, rows, partial(lab.server.value, RUN, COUNT_ROWS), (0,))
    environment = {"SQLALCHEMY_DATABASE_URL": lab.server.url(RUN), **kept}
    return Way(_NAME, rows, [ROWFERRY, "restore", _TABLE, "--json"], prepare, check, environment)


def _into_filled(lab: Lab, user: str) -> Way:
    rows, before = lab.rows, TIMES * lab.rows
    into = IntoPostgresql(lab, postgresql_filled(lab, before), before, user)
    return into.rowferry(_NAME, lab.samples(rows, first_id=before + 1) / _FILE, rows)


def _into_sqlite(lab: Lab, file: Path, rows: int, *, faulty: int = 0) -> Way:
    return IntoSqlite(lab, sqlite_with_parents(lab)).rowferry(_NAME, file, rows, faulty=faulty)
