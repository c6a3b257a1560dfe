"""How much memory a load takes: it must not grow with the file."""

from collections.abc import Callable

from bench.contests import Contest, Findings, Target, Way, hold
from bench.lab import Lab
from bench.templates import postgresql_with_parents, sqlite_with_parents
from bench.ways_postgresql import IntoPostgresql
from bench.ways_sqlite import IntoSqlite

_EMPLOYEES = "hired_employees.csv"
_MOST_MB = 600
_MOST_GROWTH = 1.1

_WayOf = Callable[[str, int], Way]
"""Makes the way that loads so many rows."""


def run(lab: Lab) -> Findings:
    """Measure the peak memory of loads of 5 and 20 times the usual rows, once each."""
    into = IntoPostgresql(lab, postgresql_with_parents(lab))
    into_sqlite, anew = IntoSqlite(lab, sqlite_with_parents(lab)), IntoSqlite(lab, None)

    def all_faulty(name: str, rows: int) -> Way:
        return into.rowferry(name, lab.samples(rows, faulty=rows) / _EMPLOYEES, rows, faulty=rows)

    compared: list[tuple[str, int, int, _WayOf]] = [
        ("PostgreSQL", 5, 20, lambda name, rows: into.rowferry(name, lab.samples(rows) / _EMPLOYEES, rows)),
        ("SQLite", 5, 20, lambda name, rows: into_sqlite.rowferry(name, lab.samples(rows) / _EMPLOYEES, rows)),
        ("SQLite, new database", 5, 20, lambda name, rows: anew.rowferry(name, lab.samples(rows), rows)),
        ("PostgreSQL, all rows faulty", 1, 5, all_faulty),
    ]
    findings = Findings([], [])
    for title, few, many, way_of in compared:
        _compare(lab, title, (few * lab.rows, many * lab.rows), way_of, findings)
    return findings


def _compare(lab: Lab, title: str, sizes: tuple[int, int], way_of: _WayOf, findings: Findings) -> None:
    small, large = (f"Rowferry, {rows:,} rows" for rows in sizes)
    ways = [way_of(name, rows) for name, rows in zip((small, large), sizes, strict=True)]
    contest = hold(lab, f"Memory: {title}", ways, repetitions=1)
    findings.contests.append(contest)
    growth = f"Peak memory of {sizes[1]:,} rows to that of {sizes[0]:,}, {title}"
    findings.targets += [
        Target.at_most(growth, _MOST_GROWTH, _growth(contest, small, large)),
        Target.at_most(f"Peak MB of {sizes[1]:,} rows, {title}", _MOST_MB, contest.peak(large)),
    ]


def _growth(contest: Contest, small: str, large: str) -> float | None:
    before, after = contest.peak(small), contest.peak(large)
    return after / before if before and after else None
