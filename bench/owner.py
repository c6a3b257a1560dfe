"""What an owner without superuser rights waits for, and how long those wait who read meanwhile."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import psycopg

from bench.contests import Contest, Findings, Listing, Target, Way, hold
from bench.lab import Lab
from bench.postgresql import OWNER
from bench.served import service
from bench.templates import postgresql_filled, postgresql_with_parents
from bench.tools import CURL
from bench.ways_postgresql import RUN, IntoPostgresql

_DEFAULT = "Rowferry"
_EXCLUSIVE = "Rowferry, --exclusive"
_POSTED = "Rowferry, posted to a running service"
_COPY = "psql \\copy into the finished table"
_FEW_ROWS = 12_000
_ASK_SECONDS = 0.01
_MOST_MS = 200.0


def run(lab: Lab) -> Findings:
    """Measure loads of many and few rows into an empty and a filled table, by the owner of all tables."""
    rows, before = lab.rows, 5 * lab.rows
    empty = IntoPostgresql(lab, postgresql_with_parents(lab), user=OWNER)
    filled = IntoPostgresql(lab, postgresql_filled(lab, before), before, user=OWNER)
    new, more, few = _file(lab, rows, 1), _file(lab, rows, before + 1), _file(lab, _FEW_ROWS, before + 1)
    default = filled.rowferry(_DEFAULT, more, rows)
    first = empty.rowferry(_DEFAULT, new, rows)
    contests = [
        hold(lab, f"An owner's {rows:,} rows into a table of {before:,}", [default, filled.copy(_COPY, more, rows)]),
        hold(
            lab,
            f"An owner's {rows:,} rows into a table of {before:,} where readers may wait",
            [filled.rowferry(_EXCLUSIVE, more, rows, exclusive=True), filled.copy(_COPY, more, rows)],
        ),
        hold(lab, f"An owner's {rows:,} rows into an empty table", [first, empty.copy(_COPY, new, rows)]),
        *([_few(lab, filled, few)] if CURL else []),
    ]
    waits = {
        f"{rows:,} rows into a table of {before:,}": _longest_wait(lab, default, "hired_employees", "departments"),
        f"{rows:,} rows into an empty table": _longest_wait(lab, first, "departments", "jobs"),
    }
    return Findings(contests, _targets(contests, waits), [_listing(waits)])


def _few(lab: Lab, filled: IntoPostgresql, few: Path) -> Contest:
    """Where the start of a process would be most of the time."""
    with service(lab) as running:
        posted = filled.posted(_POSTED, few, _FEW_ROWS, running)
        return hold(lab, f"An owner's {_FEW_ROWS:,} rows", [posted, filled.copy(_COPY, few, _FEW_ROWS)])


def _targets(contests: list[Contest], waits: dict[str, float]) -> list[Target]:
    filled, exclusive, empty, *few = contests
    return [
        Target.at_most("An owner's time to that of \\copy, filled table", 1.1, filled.ratio(_DEFAULT, _COPY)),
        *(
            Target.at_most("The same with few rows, to a running service", 1.1, contest.ratio(_POSTED, _COPY))
            for contest in few
        ),
        Target.at_least("Times as fast as \\copy, filled table, exclusive", 3.5, exclusive.ratio(_COPY, _EXCLUSIVE)),
        Target.at_least("Times as fast as \\copy, empty table", 6, empty.ratio(_COPY, _DEFAULT)),
        *(Target.at_most(f"Longest wait of a reader, ms: {what}", _MOST_MS, wait) for what, wait in waits.items()),
    ]


def _listing(waits: dict[str, float]) -> Listing:
    return Listing(
        "Readers who ask every 10 ms",
        ("load", "longest wait, ms"),
        [(what, f"{wait:.0f}") for what, wait in waits.items()],
    )


def _file(lab: Lab, rows: int, first_id: int) -> Path:
    return lab.samples(rows, first_id=first_id) / "hired_employees.csv"


def _longest_wait(lab: Lab, way: Way, *tables: str) -> float:
    """The longest time, in ms, that somebody waits who reads one row of each table while a way is gone."""
    way.prepare()
    with _asking(lab.server.url(RUN), *tables) as waits:
        way.check(lab.measure(way.command, way.rows, way.environment))
    return 1_000 * max(waits)


@contextmanager
def _asking(url: str, *tables: str) -> Iterator[list[float]]:
    waits: list[float] = [0.0]
    ended = Event()

    def ask() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not ended.wait(_ASK_SECONDS):
                for table in tables:
                    started = time.perf_counter()
                    connection.execute(f"SELECT FROM {table} LIMIT 1".encode())
                    waits.append(time.perf_counter() - started)

    reader = Thread(target=ask)
    reader.start()
    try:
        yield waits
    finally:
        ended.set()
        reader.join()
