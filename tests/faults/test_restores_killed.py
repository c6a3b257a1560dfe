"""A process that is killed at any moment of a restore leaves the old table or the new, and the next start clears up."""

import os
import random
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from test_killed import leftovers

from databases import NewDatabase
from loading import Tables, employees
from restoring import Restores, people
from rowferry.bootstrap import Service
from waiting import wait_until

PROGRAM = Path(__file__).with_name("restoring_process.py")
ROWS = 20_000
KILLS = int(os.environ.get("ROWFERRY_TORTURE_KILLS", "3"))
"""How often; spread over reading, publishing and what comes after."""

LONGEST = 0.6
"""Seconds between the first rows read and the latest kill."""


def kill_while_restoring(url: str, delay: float, *files: str) -> None:
    with subprocess.Popen([sys.executable, str(PROGRAM), url, *files], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"rows are read\n"
        with suppress(subprocess.TimeoutExpired):
            process.wait(delay)
        process.kill()


def newest_once_over(restores: Restores) -> dict[str, Any]:
    """The newest restore, as soon as the server has seen that its client is gone."""

    def is_over() -> bool:
        restores.service.start()
        return bool(restores.history()[0]["status"] != "running")

    wait_until(is_over)
    return restores.history()[0]


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("empty", [True, False])
def test_the_old_table_or_the_new_is_left(
    new_database: NewDatabase, new_service: Callable[..., Service], tmp_path: Path, *, empty: bool
) -> None:
    url = new_database()
    service = new_service(url=url)
    tables = Tables(service, tmp_path).with_parents()
    restores = Restores(tables)
    old = "" if empty else employees(ROWS, first=ROWS // 2, departments=2)
    expected_old = 0 if empty else ROWS
    kept = restores.keep("hired_employees", people(1, ROWS), sealed=False)
    tables.put("hired_employees.csv", old)
    before = tables.rows("hired_employees")
    assert len(before) == expected_old
    chance, outcomes = random.Random(11), set[str]()
    for at in range(KILLS):
        delay = LONGEST * (at + chance.random()) / KILLS
        kill_while_restoring(url, delay, f"hired_employees={kept.path}")
        newest = newest_once_over(restores)
        outcomes.add(newest["status"])
        after = tables.rows("hired_employees")
        assert after == (people(1, ROWS) if newest["status"] == "done" else before)
        assert (newest["error"] is None) == (newest["status"] == "done")
        assert leftovers(service, tmp_path) == []
        if newest["status"] == "done":
            tables.execute("DELETE FROM hired_employees")
            tables.put("hired_employees.csv", old)
    assert len(restores.history()) == KILLS
    assert "interrupted" in outcomes
