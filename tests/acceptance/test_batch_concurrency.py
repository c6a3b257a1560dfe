"""Many clients at once, with overlapping keys, while a load runs: sums and references are right, and nothing fails."""

import itertools
import os
import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_server import serve

from batching import department, employee, job
from loading import Tables, employees

ROUTE = "/batch-transactions"
CLIENTS = 16
SECONDS = float(os.environ.get("ROWFERRY_TORTURE_SECONDS", "2"))
"""`make torture-batches` takes a minute."""


@pytest.fixture
def client(tables: Tables, tmp_path: Path) -> Iterator[httpx.Client]:
    url = tables.service.backend.engine.url.render_as_string(hide_password=False)
    with serve(url, tmp_path, tmp_path / "logs") as client:
        yield client


def overlapping_batch(chance: random.Random) -> dict[str, list[dict[str, Any]]]:
    """Rows out of few keys, in any order; the same key always has the same values."""
    parents = [chance.randrange(1, 30) for _ in range(3)]
    keys = [chance.randrange(1, 400) for _ in range(chance.choice([1, 20, 150]))]
    return {
        "hired_employees": [employee(key, department_id=key % 29 + 1, job_id=key % 7 + 1) for key in keys],
        "departments": [department(key, f"Department {key}") for key in {*parents, *(key % 29 + 1 for key in keys)}],
        "jobs": [job(key, f"Job {key}") for key in range(7, 0, -1)],
    }


def test_clients_that_get_in_each_others_way(tables: Tables, client: httpx.Client) -> None:
    inserted: Counter[str] = Counter()
    statuses: Counter[int] = Counter()
    lock, end = threading.Lock(), time.monotonic() + SECONDS

    def send(seed: int) -> None:
        chance = random.Random(seed)
        for number in itertools.count():
            if number > 1 and time.monotonic() > end:
                return
            batch = overlapping_batch(chance)
            answer = client.post(ROUTE, json=batch, params={"on_conflict": chance.choice(["reject", "skip", "update"])})
            with lock:
                statuses[answer.status_code] += 1
                assert answer.status_code in (201, 207), answer.text
                receipt = answer.json()
                inserted.update(receipt["inserted"])
                assert {e["code"] for row in receipt["rejected"] for e in row["errors"]} <= {"key.duplicate"}
                counted = sum(sum(receipt[name].values()) for name in ("inserted", "updated", "unchanged"))
                assert receipt["received"] == counted + len(receipt["rejected"])

    def load() -> int:
        rows = 0
        while time.monotonic() < end:
            text = employees(300, first=1_000 + rows, departments=1)
            answer = client.post("/full-bulk-insert/hired_employees", content=text)
            assert answer.status_code == 200, answer.text
            rows += answer.json()["inserted"]
            assert answer.json()["inserted"] == 300, answer.text
        return rows

    client.post(
        ROUTE, json={"departments": [department(1, "Department 1")], "jobs": [job(n, f"Job {n}") for n in (1, 2, 3)]}
    )
    with ThreadPoolExecutor(CLIENTS + 1) as pool:
        loaded = pool.submit(load)
        for work in [pool.submit(send, seed) for seed in range(CLIENTS)]:
            work.result()
    assert len(tables.rows("hired_employees")) == inserted["hired_employees"] + loaded.result()
    assert len(tables.rows("departments")) == inserted["departments"] + 1
    assert len(tables.rows("jobs")) == inserted["jobs"] + 3
    departments, jobs = ({row[0] for row in tables.rows(name)} for name in ("departments", "jobs"))
    assert all(row[3] in departments and row[4] in jobs for row in tables.rows("hired_employees"))
    assert statuses.total() > CLIENTS


def test_parents_that_vanish_all_the_time(tables: Tables, client: httpx.Client) -> None:
    end = time.monotonic() + SECONDS / 2

    def vanish() -> None:
        while time.monotonic() < end:
            tables.execute("DELETE FROM hired_employees")
            tables.execute("DELETE FROM departments WHERE id NOT IN (SELECT department_id FROM hired_employees)")
            time.sleep(0.005)

    def send(first: int) -> set[int]:
        statuses = set()
        while time.monotonic() < end:
            rows = [employee(first + number) for number in range(150)]
            batch = {"hired_employees": rows, "departments": [department(1)], "jobs": [job(1)]}
            statuses.add(client.post(ROUTE, json=batch).status_code)
        return statuses

    with ThreadPoolExecutor(5) as pool:
        vanishing = pool.submit(_retrying, vanish)
        seen = [work.result() for work in [pool.submit(send, first) for first in (1, 1, 1_000)]]
        vanishing.result()
    assert set().union(*seen) == {201}
    departments = {row[0] for row in tables.rows("departments")}
    assert all(row[3] in departments for row in tables.rows("hired_employees"))


MOST_CONNECTIONS = 25
"""What docs/howto/batches.md tells operators."""


@pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)
def test_more_clients_take_no_more_connections(tables: Tables, client: httpx.Client) -> None:
    count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    end = time.monotonic() + SECONDS

    def send(number: int) -> set[int]:
        statuses = set()
        while time.monotonic() < end:
            batch = {"jobs": [job(number, f"Job {number}")]}
            statuses.add(client.post(ROUTE, json=batch, headers={"Idempotency-Key": secrets.token_hex()}).status_code)
            statuses.add(client.get("/batches?limit=1").status_code)
        return statuses

    with ThreadPoolExecutor(48) as pool, tables.service.backend.engine.connect() as connection:
        working = [pool.submit(send, number) for number in range(48)]
        seen = 0
        while not all(work.done() for work in working):  # on a busy machine most of the work is done after its time
            seen = max(seen, connection.exec_driver_sql(count).scalar_one())
            connection.rollback()  # what a transaction has seen of others does not change until its end
            time.sleep(0.02)
        assert set().union(*(work.result() for work in working)) == {201, 200}
    assert 2 < seen <= MOST_CONNECTIONS + 2  # two at most are those of this test


def _retrying(work: Any) -> None:
    """Whoever deletes parents while children come may be refused: he tries again."""
    for _ in range(1_000):
        try:
            work()
        except Exception:  # whatever the driver says
            continue
        return
