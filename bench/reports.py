"""How long a report by HTTP takes over many rows, and how long its bare SQL takes."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql, sqlite

from bench.batch_server import serve
from bench.contests import Findings, Target, Way, hold
from bench.lab import Lab
from bench.processes import NoResultError, Run
from bench.templates import postgresql_filled
from rowferry.reports.listed import REPORTS
from rowferry.reports.report import Report
from rowferry.reports.year import Year

_TIMES_ROWS = 5
_YEAR = Year(2021)
_MOST = 1.5
_OURS = "Rowferry, by HTTP"
_BARE = "its bare SQL"
_PYTHON = (sys.executable, "-I", "-S", "-c")
_QUERY = "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute(sys.argv[2]), sep='\\n')"
_ASK = "import http.client as h, sys; c = h.HTTPConnection(sys.argv[1]); c.request('GET', sys.argv[2]); "
_ASK += "print(c.getresponse().read().decode())"


def run(lab: Lab) -> Findings:
    """Measure each report over five times the usual rows, on both databases, asked of a server that runs."""
    rows = _TIMES_ROWS * lab.rows
    server, filled, file = lab.server, postgresql_filled(lab, rows), _sqlite_filled(lab, rows)
    findings = Findings([], [])
    with serve(server.url(filled), lab.folder) as port:
        for report in REPORTS.values():
            psql = [server.psql, server.url(filled), "-qAt", "-c", _bare(report, postgresql.dialect())]
            _compare(lab, f"PostgreSQL, {report.name} over {rows:,} rows", _ask(port, report), psql, findings)
    with serve(f"sqlite:///{file}", lab.folder) as port:
        for report in REPORTS.values():
            python = [*_PYTHON, _QUERY, str(file), _bare(report, sqlite.dialect())]
            _compare(lab, f"SQLite, {report.name} over {rows:,} rows", _ask(port, report), python, findings)
    return findings


def _ask(port: int, report: Report) -> list[str]:
    return [*_PYTHON, _ASK, f"127.0.0.1:{port}", f"/reports/{report.name}?year={_YEAR.number}"]


def _compare(lab: Lab, title: str, ours: Sequence[str], bare: Sequence[str], findings: Findings) -> None:
    ways = [Way(name, lab.rows, command, _nothing, _answered) for name, command in ((_OURS, ours), (_BARE, bare))]
    contest = hold(lab, title, ways)
    findings.contests.append(contest)
    findings.targets.append(
        Target.at_most(f"Time to that of the bare SQL: {title}", _MOST, contest.ratio(_OURS, _BARE))
    )


def _nothing() -> None:
    """A report changes nothing, so there is nothing to prepare."""


def _answered(run: Run) -> None:
    """Raise NoResultError unless there are rows."""
    lines = run.output.splitlines()
    found = json.loads(run.output)["rows"] if run.output.startswith("{") else lines
    if run.exit_code or len(found) < 2:
        raise NoResultError(f"exit code {run.exit_code}: {run.errors or run.output}"[:200])


def _bare(report: Report, dialect: Dialect) -> str:
    return str(
        report.statement(_YEAR, report.counts.__table__).compile(
            dialect=dialect, compile_kwargs={"literal_binds": True}
        )
    )


def _sqlite_filled(lab: Lab, rows: int) -> Path:
    database = lab.folder / "filled.sqlite"
    if not database.exists():
        lab.load_aside(f"sqlite:///{database}", lab.samples(rows))
    return database
