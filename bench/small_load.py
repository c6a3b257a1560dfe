"""How long the load of a small folder takes, start of the program and making of the tables included."""

from bench.contests import Findings, Target, hold
from bench.lab import Lab
from bench.ways_postgresql import IntoPostgresql
from bench.ways_sqlite import IntoSqlite
from rowferry.samples import FAULTS, SAMPLE_ROWS

_REPETITIONS = 7
_MOST_SECONDS = 2
_SQLITE = "Rowferry, SQLite"
_POSTGRESQL = "Rowferry, PostgreSQL"


def run(lab: Lab) -> Findings:
    """Measure loads of the sample files into new databases."""
    folder = lab.samples(SAMPLE_ROWS, faulty=FAULTS)
    ways = [
        IntoSqlite(lab, None).rowferry(_SQLITE, folder, SAMPLE_ROWS, faulty=FAULTS),
        IntoPostgresql(lab, "template1").rowferry(_POSTGRESQL, folder, SAMPLE_ROWS, faulty=FAULTS),
    ]
    contest = hold(lab, f"The sample files, {SAMPLE_ROWS:,} employees, into a new database", ways, _REPETITIONS)
    found = [(name, contest.find(name)) for name in (_SQLITE, _POSTGRESQL)]
    return Findings(
        [contest],
        [
            Target.at_most(
                f"Seconds of a small load, {name}", _MOST_SECONDS, outcome.median_seconds if outcome else None
            )
            for name, outcome in found
        ],
    )
