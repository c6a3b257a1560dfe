"""What it costs that rows come in many files, or are all faulty, beside as many good rows in one file."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.contests import Contest, Findings, Target, Way, hold
from bench.installed import ROWFERRY
from bench.lab import Lab
from bench.templates import postgresql_filled, postgresql_with_parents, sqlite_filled, sqlite_with_parents
from bench.ways_postgresql import IntoPostgresql
from bench.ways_sqlite import IntoSqlite

_EMPLOYEES = "hired_employees"
_PARTS, _MOST_TIMES = 20, 1.3
_MANY, _ROWS_OF_EACH, _MOST_SECONDS, _MOST_MB = 2_000, 10, 10, 200
_MOST_TIMES_FAULTY = 4
_ONE, _SHUFFLED = "Rowferry, one file", "Rowferry, one file in no order"
_IN_PARTS, _SHUFFLED_IN_PARTS = f"Rowferry, {_PARTS} files", f"Rowferry, {_PARTS} files in no order"
_IN_MANY, _FAULTY = f"Rowferry, {_MANY:,} files of {_ROWS_OF_EACH} rows", "Rowferry, all rows faulty"

_WayOf = Callable[[str, Path, int, int], Way]
"""Makes the way that loads a file of so many rows, so many of them faulty."""


def run(lab: Lab) -> Findings:
    """Measure part files, keys in order and in none, many small files, and files in which every row is faulty."""
    findings, before = Findings([], []), lab.rows // 2
    empty, filled = (
        IntoPostgresql(lab, postgresql_with_parents(lab)),
        IntoPostgresql(lab, postgresql_filled(lab, before), before),
    )
    sqlite, sqlite_with_rows = IntoSqlite(lab, sqlite_with_parents(lab)), IntoSqlite(lab, sqlite_filled(lab, before))
    _measure(lab, "PostgreSQL, empty table", 1, lambda n, p, r, f: empty.rowferry(n, p, r, faulty=f), findings)
    _measure(lab, "SQLite, empty table", 1, lambda n, p, r, f: sqlite.rowferry(n, p, r, faulty=f), findings)
    first = before + 1
    _measure(lab, "PostgreSQL, filled table", first, lambda n, p, r, f: filled.rowferry(n, p, r, faulty=f), findings)

    def into_sqlite(name: str, path: Path, rows: int, faulty: int) -> Way:
        return sqlite_with_rows.rowferry(name, path, before + rows, faulty=faulty)

    _measure(lab, "SQLite, filled table", first, into_sqlite, findings)
    return findings


def _measure(lab: Lab, title: str, first_id: int, way_of: _WayOf, findings: Findings) -> None:
    rows = lab.rows
    file = lab.samples(rows, first_id=first_id) / f"{_EMPLOYEES}.csv"
    shuffled, few = _shuffled(file), lab.samples(_MANY * _ROWS_OF_EACH, first_id=first_id) / file.name
    faulty = lab.samples(rows, faulty=rows, first_id=first_id) / file.name
    ways = [
        way_of(_ONE, file, rows, 0),
        _of_files(way_of(_IN_PARTS, file, rows, 0), _cut(file, _PARTS)),
        _of_files(way_of(_SHUFFLED, shuffled, rows, 0), [shuffled]),
        _of_files(way_of(_SHUFFLED_IN_PARTS, shuffled, rows, 0), _cut(shuffled, _PARTS)),
        _of_files(way_of(_IN_MANY, few, _MANY * _ROWS_OF_EACH, 0), _cut(few, _MANY)),
        way_of(_FAULTY, faulty, rows, rows),
    ]
    contest = hold(lab, f"Part files: {title}, {rows:,} rows", ways)
    findings.contests.append(contest)
    findings.targets += _targets(title, contest)


def _targets(title: str, contest: Contest) -> list[Target]:
    many = contest.find(_IN_MANY)
    return [
        Target.at_most(f"Time of {_PARTS} files to that of one, {title}", _MOST_TIMES, contest.ratio(_IN_PARTS, _ONE)),
        Target.at_most(
            f"The same with keys in no order, {title}", _MOST_TIMES, contest.ratio(_SHUFFLED_IN_PARTS, _SHUFFLED)
        ),
        Target.at_most(f"Seconds of {_MANY:,} files, {title}", _MOST_SECONDS, many.median_seconds if many else None),
        Target.at_most(f"Peak MB of {_MANY:,} files, {title}", _MOST_MB, contest.peak(_IN_MANY)),
        Target.at_most(
            f"Time with all rows faulty to time without, {title}", _MOST_TIMES_FAULTY, contest.ratio(_FAULTY, _ONE)
        ),
    ]


def _of_files(way: Way, files: list[Path]) -> Way:
    """The same way with these files."""
    return replace(way, command=[ROWFERRY, "load", *map(str, files), "--table", _EMPLOYEES, "--json"])


def _shuffled(file: Path) -> Path:
    """A file of the same rows in no order, the same each time."""
    path = file.with_name(f"{_EMPLOYEES}-shuffled.csv")
    if not path.exists():
        lines = file.read_bytes().splitlines(keepends=True)
        random.Random(1).shuffle(lines)  # nothing secret
        path.write_bytes(b"".join(lines))
    return path


def _cut(file: Path, count: int) -> list[Path]:
    """So many files with the rows of one."""
    folder = file.with_name(f"{file.stem}-in-{count}")
    if not folder.exists():
        folder.mkdir()
        lines = file.read_bytes().splitlines(keepends=True)
        each = -(-len(lines) // count)
        for at in range(count):
            (folder / f"part-{at:04}.csv").write_bytes(b"".join(lines[at * each : (at + 1) * each]))
    return sorted(folder.iterdir())
