"""Several processes serve one database: each knows the work of all, and clears up after one that was killed."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from serving import Served, served

from loading import employees
from waiting import SECONDS, wait_until

ROWS, FAULTY = 80_000, 80_000
"""A row of two lines takes as long as many others, so that a load of a small file lasts some seconds."""


@pytest.fixture(scope="module")
def content() -> bytes:
    return (FAULTY * '"x\ny"\n' + employees(ROWS)).encode()


def start_large_load(running: Served, content: bytes) -> str:
    parents = {
        "departments": [{"id": number, "department": "D"} for number in (1, 2, 3)],
        "jobs": [{"id": number, "job": "J"} for number in (1, 2, 3)],
    }
    assert running.client.post("/batch-transactions", json=parents).status_code == 201
    headers = {"Prefer": "respond-async"}
    answer = running.client.post("/full-bulk-insert/hired_employees", content=content, headers=headers)
    assert answer.status_code == 202
    return str(answer.json()["load_id"])


def follow(running: Served, load_id: str, names: list[str]) -> None:
    with running.client.stream("GET", f"/loads/{load_id}/events") as stream:
        names.extend(line.removeprefix("event: ") for line in stream.iter_lines() if line.startswith("event: "))


def test_progress_is_seen_from_another_process_and_so_is_its_end(
    database_url: str, tmp_path: Path, content: bytes
) -> None:
    shared = str(tmp_path)
    names: list[str] = []
    with (
        served(database_url, tmp_path / "a", TMPDIR=shared) as first,
        served(database_url, tmp_path / "b", TMPDIR=shared) as second,
        ThreadPoolExecutor(1) as pool,
    ):
        load_id = start_large_load(first, content)
        following = pool.submit(follow, second, load_id, names)
        wait_until(lambda: bool(names) or following.done(), "it is told of while it runs")
        first.process.kill()
        first.process.wait(SECONDS)

        def status() -> str:
            return str(second.client.get(f"/loads/{load_id}").json()["status"])

        wait_until(lambda: status() != "running", "the load is known to be over")
        following.result(SECONDS)
        ended = status()
        assert (ended, names[-1]) in {("interrupted", "problem"), ("done", "receipt")}
        assert names[0] == "progress", "it was told of while it ran"
        wait_until(lambda: not list(tmp_path.glob("rowferry-upload-*")), "the file of the upload is removed")
        again = second.client.post("/full-bulk-insert/hired_employees", content=content).json()
        assert (again["inserted"], again["unchanged"]) == ((ROWS, 0) if ended == "interrupted" else (0, ROWS))


def test_workers_end_when_the_one_that_started_them_is_killed(tmp_path: Path) -> None:
    with served(f"sqlite:///{tmp_path}/a.db", tmp_path, "--workers", "2") as running:
        running.process.kill()
        running.process.wait(SECONDS)

        def is_gone() -> bool:
            try:
                with httpx.Client(base_url=running.client.base_url) as another:
                    another.get("/livez")
            except httpx.TransportError:
                return True
            return False

        wait_until(is_gone, "nobody listens any more")
