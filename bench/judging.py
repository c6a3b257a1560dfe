"""How many values of each kind are judged in a second, by columns and one by one, without source and database."""

import json
from pathlib import Path

from bench.contests import Findings, Listing
from bench.installed import PYTHON
from bench.lab import Lab
from bench.processes import NoResultError

_SCRIPT = str(Path(__file__).with_name("judged_values.py"))
_HEADINGS = ("kind", "by columns, millions", "one by one, millions", "times as fast")


def run(lab: Lab) -> Findings:
    """Measure the judging of so many values of each kind, in a process of its own."""
    run = lab.measure([PYTHON, "-P", _SCRIPT, str(lab.rows), str(lab.repetitions)], 100 * lab.rows, {})
    if run.exit_code:
        raise NoResultError(run.errors)
    rows = [
        (kind, f"{of['columns'] / 1e6:.1f}", f"{of['singly'] / 1e6:.2f}", f"{of['columns'] / of['singly']:.0f}")
        for kind, of in json.loads(run.output).items()
    ]
    return Findings([], [], [Listing("Values judged in a second of processor time, by kind", _HEADINGS, rows)])
