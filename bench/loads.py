"""How long a load takes, and how long its peers take for the same file."""

from pathlib import Path

from bench.contests import Contest, Findings, Target, Way, hold
from bench.lab import Lab
from bench.served import service
from bench.templates import postgresql_filled, postgresql_with_parents, sqlite_with_parents
from bench.tools import CURL, PGLOADER, SQLITE3
from bench.ways_postgresql import IntoPostgresql
from bench.ways_sqlite import IntoSqlite

EMPLOYEES = "hired_employees.csv"

_ROWFERRY = "Rowferry"
_ONE_PERCENT = "Rowferry, 1 % faulty rows"
_ALL_FAULTY = "Rowferry, all rows faulty"
_COPY = "psql \\copy into the finished table"
_RECIPE = "bare table, psql \\copy, then the constraints"
_FOLDER = "Rowferry, whole folder into a new database"
_FOLDER_ONE_PERCENT = "Rowferry, whole folder into a new database, 1 % faulty rows"
_POSTED = "Rowferry, posted to a running service"
_IMPORT = "sqlite3 .import"
_IMPORT_ENFORCED = "sqlite3 .import, references enforced"


def run(lab: Lab) -> Findings:
    """Measure loads of clean and faulty files into empty and filled tables."""
    empty, filled, sqlite = _into_empty(lab), _into_filled(lab), _into_sqlite(lab)
    long, long_sqlite = _five_times_as_many(lab), _five_times_as_many_into_sqlite(lab)
    posted = _posted(lab) if CURL else []
    targets = [*_postgresql_targets(empty, filled), *_sqlite_targets(sqlite), *_targets_of_many(long, long_sqlite)]
    return Findings([empty, filled, sqlite, long, long_sqlite, *posted], targets + _posted_targets(*posted))


def _into_empty(lab: Lab) -> Contest:
    into = IntoPostgresql(lab, postgresql_with_parents(lab))
    rows, few = lab.rows, lab.rows // 100
    clean, dirty, hopeless = _file(lab), _file(lab, faulty=few), _file(lab, faulty=rows)
    ways = [
        into.rowferry(_ROWFERRY, clean, rows),
        into.copy(_COPY, clean, rows),
        into.recipe(_RECIPE, clean, rows),
        into.rowferry(_ONE_PERCENT, dirty, rows, faulty=few),
        into.rowferry(_ALL_FAULTY, hopeless, rows, faulty=rows),
    ]
    if PGLOADER:
        ways += [
            into.pgloader("pgloader", clean, rows),
            into.pgloader("pgloader, 1 % faulty rows", dirty, rows, faulty=few),
        ]
    return hold(lab, f"PostgreSQL, {rows:,} rows into an empty table", ways)


def _into_filled(lab: Lab) -> Contest:
    rows, before = lab.rows, 5 * lab.rows
    into = IntoPostgresql(lab, postgresql_filled(lab, before), before)
    few = rows // 100
    clean = _file(lab, first_id=before + 1)
    dirty = _file(lab, faulty=few, first_id=before + 1)
    ways = [
        into.rowferry(_ROWFERRY, clean, rows),
        into.copy(_COPY, clean, rows),
        into.rowferry(_ONE_PERCENT, dirty, rows, faulty=few),
    ]
    return hold(lab, f"PostgreSQL, {rows:,} rows into a table of {before:,}", ways)


def _into_sqlite(lab: Lab) -> Contest:
    into, anew = IntoSqlite(lab, sqlite_with_parents(lab)), IntoSqlite(lab, None)
    rows, few = lab.rows, lab.rows // 100
    clean, dirty = _file(lab), _file(lab, faulty=few)
    ways = [
        into.rowferry(_ROWFERRY, clean, rows),
        anew.rowferry(_FOLDER, clean.parent, rows),
        into.rowferry(_ONE_PERCENT, dirty, rows, faulty=few),
        anew.rowferry(_FOLDER_ONE_PERCENT, dirty.parent, rows, faulty=few),
    ]
    ways += _imports(into, clean, rows) if SQLITE3 else []
    return hold(lab, f"SQLite, {rows:,} rows", ways)


def _five_times_as_many(lab: Lab) -> Contest:
    """Where the start of a process counts for less."""
    into, rows = IntoPostgresql(lab, postgresql_with_parents(lab)), 5 * lab.rows
    file = lab.samples(rows) / EMPLOYEES
    ways = [into.rowferry(_ROWFERRY, file, rows), into.recipe(_RECIPE, file, rows)]
    return hold(lab, f"PostgreSQL, {rows:,} rows into an empty table", ways)


def _five_times_as_many_into_sqlite(lab: Lab) -> Contest:
    into, rows = IntoSqlite(lab, sqlite_with_parents(lab)), 5 * lab.rows
    file = lab.samples(rows) / EMPLOYEES
    ways = [into.rowferry(_ROWFERRY, file, rows), *(_imports(into, file, rows) if SQLITE3 else [])]
    return hold(lab, f"SQLite, {rows:,} rows", ways)


def _posted(lab: Lab) -> list[Contest]:
    """Where the process is there before the file."""
    rows, file = lab.rows, _file(lab)
    postgresql = IntoPostgresql(lab, postgresql_with_parents(lab))
    sqlite = IntoSqlite(lab, sqlite_with_parents(lab))
    with service(lab) as running:
        ways = [postgresql.posted(_POSTED, file, rows, running), postgresql.recipe(_RECIPE, file, rows)]
        into_postgresql = hold(lab, f"PostgreSQL, {rows:,} rows posted to a service that is running", ways)
        running.stop()
        ways = [sqlite.posted(_POSTED, file, rows, running), *(_imports(sqlite, file, rows) if SQLITE3 else [])]
        return [into_postgresql, hold(lab, f"SQLite, {rows:,} rows posted to a service that is running", ways)]


def _imports(into: IntoSqlite, file: Path, rows: int) -> list[Way]:
    return [into.shell(_IMPORT, file, rows), into.shell(_IMPORT_ENFORCED, file, rows, enforced=True)]


def _file(lab: Lab, *, faulty: int = 0, first_id: int = 1) -> Path:
    return lab.samples(lab.rows, faulty=faulty, first_id=first_id) / EMPLOYEES


def _postgresql_targets(empty: Contest, filled: Contest) -> list[Target]:
    return [
        Target.at_least("Times as fast as \\copy, empty table", 6, empty.ratio(_COPY, _ROWFERRY)),
        Target.at_least("Times as fast as \\copy, filled table", 4, filled.ratio(_COPY, _ROWFERRY)),
        Target.at_least("Times as fast as the expert's recipe", 1, empty.ratio(_RECIPE, _ROWFERRY)),
        Target.at_most(
            "Time with 1 % faulty rows to time without, empty table", 1.25, empty.ratio(_ONE_PERCENT, _ROWFERRY)
        ),
        Target.at_most(
            "Time with 1 % faulty rows to time without, filled table", 1.25, filled.ratio(_ONE_PERCENT, _ROWFERRY)
        ),
    ]


def _sqlite_targets(sqlite: Contest) -> list[Target]:
    return [
        Target.at_least("Times as fast as .import, SQLite", 1.2, sqlite.ratio(_IMPORT, _ROWFERRY)),
        Target.at_least("Times as fast as .import, new SQLite database", 1.2, sqlite.ratio(_IMPORT, _FOLDER)),
        Target.at_least(
            "Times as fast as .import with references enforced", 1.2, sqlite.ratio(_IMPORT_ENFORCED, _ROWFERRY)
        ),
        Target.at_most(
            "Time with 1 % faulty rows to time without, SQLite", 1.25, sqlite.ratio(_ONE_PERCENT, _ROWFERRY)
        ),
        Target.at_most("The same into a new SQLite database", 1.25, sqlite.ratio(_FOLDER_ONE_PERCENT, _FOLDER)),
    ]


def _posted_targets(*posted: Contest) -> list[Target]:
    wanted = ((_RECIPE, 1, "the recipe"), (_IMPORT, 1.2, ".import"), (_IMPORT_ENFORCED, 1.2, ".import, enforced"))
    return [
        Target.at_least(f"Times as fast as {peer}, posted to a running service", least, contest.ratio(way, _POSTED))
        for contest in posted
        for way, least, peer in wanted
        if contest.find(way)
    ]


def _targets_of_many(long: Contest, sqlite: Contest) -> list[Target]:
    return [
        Target.at_least("Times as fast as the recipe, five times as many rows", 1, long.ratio(_RECIPE, _ROWFERRY)),
        Target.at_least("Times as fast as .import, five times as many rows", 1.2, sqlite.ratio(_IMPORT, _ROWFERRY)),
        Target.at_least("The same with references enforced by both", 1.2, sqlite.ratio(_IMPORT_ENFORCED, _ROWFERRY)),
    ]
