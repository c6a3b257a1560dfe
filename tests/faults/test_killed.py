"""A process that is killed at any moment leaves all of its load or nothing, and the next start clears up."""

import itertools
import random
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from databases import NewDatabase
from loading import DEPARTMENTS, JOBS, Tables, employees
from rowferry import ledger
from rowferry.bootstrap import Service
from waiting import wait_until

PROGRAM = Path(__file__).with_name("loading_process.py")
ROWS = 200_000
DELAYS = [0.12 * at for at in range(6)]
"""Seconds between the first rows read and the kill: spread over reading, publishing and what comes after."""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("killed") / "hired_employees.csv"
    path.write_text(employees(ROWS) + "x\n")
    return path


def kill_while_loading(url: str, delay: float, *files: Path, mode: str = "load") -> None:
    """Start a load in another process and kill it some time after it has begun to read."""
    command = [sys.executable, str(PROGRAM), url, mode, *map(str, files)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"rows are read\n"
        with suppress(subprocess.TimeoutExpired):
            process.wait(delay)
        process.kill()


def start_again(tables: Tables) -> None:
    """Start, as soon as the server has seen that its client is gone; until then the load is not known to be over."""

    def is_over() -> bool:
        tables.service.start()
        return bool(tables.loads()[0]["status"] != "running")

    wait_until(is_over)


def leftovers(service: Service, folder: Path) -> list[str]:
    """Tables that are neither served nor the ledger's, and files beside the database."""
    found = sa.inspect(service.backend.engine)
    schemas = [name for name in found.get_schema_names() if name != "information_schema"]
    names = set(itertools.chain.from_iterable(found.get_table_names(schema=name) for name in schemas))
    with service.backend.engine.connect() as connection:
        ours = [ledger.here(connection, table).name for table in (*ledger.metadata.tables.values(), ledger.versions)]
    known = {*service.catalog.names, *ours}
    return sorted(names - known) + [
        path.name for path in folder.glob("database*.db-*") if path.suffix not in {".db-wal", ".db-shm"}
    ]


@pytest.mark.timeout(200)
@pytest.mark.parametrize("filled", [False, True])
def test_all_or_nothing_is_left(
    new_database: NewDatabase, new_service: Callable[..., Service], tmp_path: Path, file: Path, *, filled: bool
) -> None:
    url = new_database()
    service = new_service(url=url)
    tables = Tables(service, tmp_path).with_parents()
    before = 0
    if filled:
        tables.put("hired_employees.csv", employees(5, first=ROWS + 1))
        before = 5
    outcomes = set()
    chance = random.Random(7)
    for delay in DELAYS[:: 2 if filled else 1]:
        loads = len(tables.loads())
        kill_while_loading(url, delay + chance.random() / 8, file)
        start_again(tables)
        newest = tables.loads()[0]
        assert len(tables.loads()) == loads + 1
        count = tables.count("hired_employees") - before
        outcomes.add(newest["status"])
        assert (newest["status"], count, len(tables.rejects())) in {("interrupted", 0, 0), ("done", ROWS, 1)}
        assert (newest["error"] is None) == (newest["status"] == "done")
        assert leftovers(service, tmp_path) == []
        tables.execute(f"DELETE FROM hired_employees WHERE id <= {ROWS}")
    assert "interrupted" in outcomes


def test_a_load_that_still_runs_is_not_taken_for_killed(tables: Tables) -> None:
    path = tables.write("jobs.csv", JOBS)
    seen: list[str] = []

    def start_another(_event: object) -> None:
        tables.service.clear_interrupted()
        seen.extend(load["status"] for load in tables.loads())

    tables.load(path, observe=start_another)
    assert set(seen[:-1]) == {"running"}
    assert tables.loads()[0]["status"] == "done"


def test_after_a_kill_the_same_load_can_be_done(
    new_database: NewDatabase, new_service: Callable[..., Service], tmp_path: Path, file: Path
) -> None:
    url = new_database()
    service = new_service(url=url)
    tables = Tables(service, tmp_path)
    parents = [tables.write("departments.csv", DEPARTMENTS), tables.write("jobs.csv", JOBS)]
    kill_while_loading(url, 0.05, *parents, file)
    start_again(tables)
    tables.load(*parents, file)
    assert tables.count("hired_employees") == ROWS
    assert leftovers(service, tmp_path) == []


def test_a_dry_run_that_is_killed_leaves_nothing(
    new_database: NewDatabase, new_service: Callable[..., Service], tmp_path: Path, file: Path
) -> None:
    url = new_database()
    service = new_service(url=url)
    tables = Tables(service, tmp_path).with_parents()
    loads = tables.loads()
    kill_while_loading(url, 0.05, file, mode="dry-run")
    service.start()
    assert tables.rows("hired_employees") == []
    assert tables.loads() == loads
    assert leftovers(service, tmp_path) == []
