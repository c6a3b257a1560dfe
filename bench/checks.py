"""What must hold after a load, or it has no result: the row counts, and that each rejected row is kept."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress

from bench.processes import NoResultError, Run

Count = Callable[[], object]
"""Asks a database for a number of rows."""

COUNT_ROWS = "SELECT count(*) FROM hired_employees"
COUNT_REJECTS = "SELECT count(*) FROM {} WHERE source = 'hired_employees.csv'"
"""From the table of the ledger, which has another name in each database."""


def must_hold(rows: int, count: Count, exit_codes: Sequence[int], run: Run) -> None:
    """Raise NoResultError unless the command ended well and the table holds exactly these rows."""
    if run.exit_code not in exit_codes:
        raise NoResultError(f"exit code {run.exit_code}: {_told(run)}")
    if (found := count()) != rows:
        raise NoResultError(f"the table holds {found} rows instead of {rows}; exit code {run.exit_code}")


def must_account(rows: int, rejected: int, count: Count, kept: Count, run: Run) -> None:
    """The same for Rowferry, which also has to keep every rejected row."""
    must_hold(rows, count, (1 if rejected else 0,), run)
    reported = json.loads(run.output)["rejected"]
    if reported != rejected or kept() != rejected:
        raise NoResultError(f"{reported} rows rejected and {kept()} kept instead of {rejected}")


def _told(run: Run) -> str:
    """What a command said last, on one line."""
    lines = (run.errors.strip() or run.output.strip() or "nothing said").splitlines()
    with suppress(ValueError, KeyError, TypeError):
        return str(json.loads(lines[-1])["error"]["message"])
    return lines[-1][:200]
