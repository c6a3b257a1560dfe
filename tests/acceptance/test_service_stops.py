"""SIGTERM during loads and batches: exit code 0, nothing lost, nothing half-done."""

import os
import random
import signal
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from serving import Served, served

from loading import employees, of_ledger
from rowferry.bootstrap import Service
from rowferry.settings import read_settings
from waiting import wait_until

STOPS = int(os.environ.get("ROWFERRY_TORTURE_STOPS", "2"))
"""How often each is done; `make torture-shutdown` does more."""

SECONDS = 30
ROWS = 300_000

PARENTS = {
    "departments": [{"id": number, "department": f"Department {number}"} for number in (1, 2, 3)],
    "jobs": [{"id": number, "job": f"Job {number}"} for number in (1, 2, 3)],
}


def look(url: str, statement: str) -> list[Any]:
    engine = Service(read_settings(url)).backend.engine
    named = statement.format(loads=of_ledger(engine, "loads"))
    with engine.connect() as connection:
        found = list(connection.execute(sa.text(named)).scalars())
    engine.dispose()
    return found


def stop_timely(running: Served) -> None:
    started = time.monotonic()
    assert running.stop() == 0, running.log
    assert time.monotonic() - started < SECONDS, running.log
    assert "Traceback" not in running.log, running.log


@pytest.mark.timeout(60 + 60 * STOPS)
@pytest.mark.parametrize("seconds", ["25", "1"])
def test_during_a_load(empty_url: str, tmp_path: Path, seconds: str) -> None:
    """With much time, the load finishes and is answered; with little, it may roll back, and be answered or cut off."""
    chance, outcomes = random.Random(seconds), Counter[str]()
    body = employees(ROWS).encode()
    for stop in range(STOPS):
        first = stop * ROWS
        with (
            served(empty_url, tmp_path / str(stop), ROWFERRY_SHUTDOWN_SECONDS=seconds) as running,
            ThreadPoolExecutor(1) as pool,
        ):
            running.client.post("/batch-transactions", json=PARENTS, params={"on_conflict": "skip"})
            content = body if not first else employees(ROWS, first=first + 1).encode()
            loading = pool.submit(running.client.post, "/full-bulk-insert/hired_employees", content=content)
            wait_until(lambda: len(running.client.get("/loads").json()["items"]) > stop or loading.done())  # noqa: B023
            time.sleep(chance.random() / 4)
            stop_timely(running)
            answer = status_of(loading)
        (count,) = look(empty_url, f"SELECT count(*) FROM hired_employees WHERE id > {first}")
        (newest,) = look(empty_url, "SELECT status FROM {loads} ORDER BY load_id DESC LIMIT 1")
        outcomes[newest] += 1
        assert (answer, count, newest) in {
            (200, ROWS, "done"),
            (503, 0, "interrupted"),
            (503, 0, "failed"),
            (None, 0, "running"),
        }, running.log
        assert answer is None or list((tmp_path / str(stop) / "tmp").glob("rowferry-upload*")) == []
    assert seconds == "1" or outcomes == {"done": STOPS}


def status_of(loading: "Future[httpx.Response]") -> int | None:
    """The status of the answer; None if it was cut off."""
    try:
        return loading.result().status_code
    except httpx.TransportError:
        return None


@pytest.mark.timeout(60 + 60 * STOPS)
def test_during_batches(empty_url: str, tmp_path: Path) -> None:
    """What was answered is in; what was not is in or not, but whole."""
    answered: set[int] = set()
    for stop in range(STOPS):
        with served(empty_url, tmp_path / str(stop)) as running, ThreadPoolExecutor(4) as pool:
            done: list[int] = []
            firsts = [1_000_000 * stop + 100_000 * who for who in range(4)]
            posting = [pool.submit(post_until_cut, running, first, done) for first in firsts]
            wait_until(lambda: len(done) > 4 or any(future.done() for future in posting))  # noqa: B023
            stop_timely(running)
            for client in posting:
                client.result()
            answered.update(done)
    assert len(answered) > STOPS
    departments, jobs = look(empty_url, "SELECT id FROM departments"), look(empty_url, "SELECT id FROM jobs")
    assert answered <= set(departments)
    assert sorted(departments) == sorted(jobs)


def post_until_cut(running: Served, first: int, done: list[int]) -> None:
    """Post batches of a department and a job until the service has gone; `done` gets the numbers of those answered."""
    with httpx.Client(base_url=running.client.base_url, timeout=60) as client:
        for number in range(first, first + 100_000):
            batch = {"departments": [{"id": number, "department": "D"}], "jobs": [{"id": number, "job": "J"}]}
            try:
                answer = client.post("/batch-transactions", json=batch)
            except httpx.TransportError:
                return
            assert answer.status_code == 201, answer.text
            done.append(number)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_idle_service_ends_at_once(tmp_path: Path, sent: signal.Signals, workers: str) -> None:
    with served(f"sqlite:///{tmp_path}/a.db", tmp_path, "--workers", workers) as running:
        assert running.stop(sent) == 0, running.log
        assert "Traceback" not in running.log, running.log


def test_while_it_waits_for_a_database_that_is_away(tmp_path: Path) -> None:
    with served(f"sqlite:///{tmp_path}/nowhere/a.db", tmp_path, ready=False) as running:
        running.wait_until_ready(503)
        running.wait_until_told("Trying again until it can be used")
        assert running.client.get("/readyz").json()["code"] == "database.unavailable"
        (tmp_path / "nowhere").mkdir()
        running.wait_until_ready()
        assert running.stop() == 0, running.log
