"""A SQLite file removed or replaced under a service: what is answered with success is in the file of that name."""

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from serving import DEADLINE, Served, served, workers_of

from batching import company, employee

BATCH = "/batch-transactions"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "place" / "data.db"


@pytest.fixture
def running(database: Path, tmp_path: Path) -> Iterator[Served]:
    database.parent.mkdir()
    with served(f"sqlite:///{database}", tmp_path / "served", BACKUP_DIR=str(tmp_path / "backups")) as service:
        assert put(service, 1).status_code == 201
        yield service


def put(service: Served, number: int) -> httpx.Response:
    return service.client.post(BATCH, json=company([employee(number)]), params={"on_conflict": "skip"})


def keys(database: Path) -> list[int]:
    """The keys of the file of that name, as whoever opens it now finds them."""
    connection = sqlite3.connect(f"file:{database}?mode=rw", uri=True)
    found = [key for (key,) in connection.execute("SELECT id FROM hired_employees ORDER BY 1")]
    connection.close()
    return found


def work(service: Served) -> Iterator[httpx.Response]:
    """All that writes, or answers from what it read."""
    yield put(service, 2)
    yield service.client.post("/full-bulk-insert/jobs", content="9,New\n")
    yield service.client.post("/backup-table/jobs")
    yield service.client.get("/tables/jobs/rows")
    yield service.client.get("/readyz")


def require_refused(service: Served, detail: str) -> None:
    """Require that all work is refused for what became of the file."""
    for answer in work(service):
        told = answer.json()
        assert (answer.status_code, told["code"]) == (503, "database.file_gone"), (told["detail"], service.log)
        assert told["detail"] == detail


def put_aside(database: Path) -> Path:
    """Move the file, and those beside it, into another folder."""
    aside = database.with_name("aside")
    aside.mkdir()
    for path in [database, *database.parent.glob("data.db-*")]:
        path.rename(aside / path.name)
    return aside


def put_back(database: Path, aside: Path) -> None:
    for path in database.parent.glob("data.db*"):
        path.unlink()
    for path in list(aside.iterdir()):
        path.rename(database.with_name(path.name))


@pytest.mark.parametrize("made", ["", "PRAGMA user_version = 1"])
def test_an_empty_file_is_not_the_database(running: Served, database: Path, made: str) -> None:
    aside = put_aside(database)
    database.touch()
    with closing(sqlite3.connect(database)) as empty:
        empty.executescript(made)
    require_refused(running, f"{database} was replaced by an empty one while it was in use")
    assert not database.stat().st_size or made
    put_back(database, aside)
    running.wait_until_ready()
    assert put(running, 3).status_code == 201
    assert keys(database) == [1, 3]


@pytest.mark.parametrize("empty", [False, True])
def test_a_worker_that_replaces_another_makes_no_database(database: Path, tmp_path: Path, *, empty: bool) -> None:
    database.parent.mkdir()
    with served(f"sqlite:///{database}", tmp_path / "served", "--workers", "2") as running:
        assert put(running, 1).status_code == 201
        aside = put_aside(database)
        if empty:
            database.touch()
        for worker in (before := workers_of(running.process.pid)):
            os.kill(worker, signal.SIGKILL)
        while len(set(workers_of(running.process.pid)) - set(before)) < 2:
            assert running.process.poll() is None
        running.wait_until_ready(503)
        what = "replaced by an empty one" if empty else "removed"
        require_refused(running, f"{database} was {what} while it was in use")
        assert database.exists() == empty
        put_back(database, aside)
        running.wait_until_ready()
        assert put(running, 3).status_code == 201
        assert keys(database) == [1, 3]


def test_a_file_that_is_removed_is_missed_until_it_is_back(running: Served, database: Path) -> None:
    aside = put_aside(database)
    require_refused(running, f"{database} was removed while it was in use")
    assert not database.exists()
    assert not list(database.parent.glob("*.lock"))
    put_back(database, aside)
    running.wait_until_ready()
    assert put(running, 3).status_code == 201
    assert keys(database) == [1, 3]


def test_a_file_that_is_replaced_is_taken_up(running: Served, database: Path) -> None:
    other = database.with_name("other.db")
    source, copy = sqlite3.connect(database), sqlite3.connect(other)
    source.backup(copy)
    source.close()
    copy.execute("PRAGMA journal_mode = DELETE")
    copy.close()
    assert put(running, 2).status_code == 201
    for path in database.parent.glob("data.db-*"):
        path.unlink()
    other.rename(database)
    answers = [put(running, number) for number in (3, 4, 5)]
    assert {answer.status_code for answer in answers} <= {201, 503}
    running.wait_until_ready()
    assert put(running, 6).status_code == 201
    done = [number for number, answer in zip((3, 4, 5), answers, strict=True) if answer.status_code == 201]
    assert keys(database) == [1, *done, 6]


@pytest.mark.parametrize("names", [("-wal",), ("-shm",), ("-wal", "-shm")])
def test_what_is_removed_beside_the_file_loses_nothing(running: Served, database: Path, names: tuple[str, ...]) -> None:
    for name in names:
        database.with_name(database.name + name).unlink()
    answers = [put(running, number) for number in (2, 3)]
    assert {answer.status_code for answer in answers} <= {201, 503}
    running.wait_until_ready()
    assert put(running, 4).status_code == 201
    done = [number for number, answer in zip((2, 3), answers, strict=True) if answer.status_code == 201]
    running.process.kill()
    running.process.wait(DEADLINE)
    assert keys(database) == [1, *done, 4]
