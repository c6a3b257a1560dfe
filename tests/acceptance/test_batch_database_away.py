"""PostgreSQL goes away under clients at work and comes back: they are told to wait, and nothing happens twice."""

import os
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest
import sqlalchemy as sa
from api_server import DEADLINE, serve

from batching import job
from databases import administer
from loading import Tables
from postgresql_versions import start_postgresql
from rowferry.bootstrap import Service
from rowferry.settings import read_settings
from waiting import wait_until

ROUTE = "/batch-transactions"
CLIENTS = 4
BATCHES = 30
ROWS = 20
BEFORE = 15
"""So many batches are answered before the database goes away."""


class Database(Protocol):
    """A database that can be away for a while."""

    url: str

    def away(self) -> AbstractContextManager[None]: ...


class CrashingServer:
    """A server of our own, all of whose processes die at once, without goodbye."""

    def __init__(self, folder: Path) -> None:
        self.server = start_postgresql(folder / "data")
        administer(sa.make_url(self.server.get_uri()).set(drivername="postgresql+psycopg"), "CREATE DATABASE away")
        self.url = str(self.server.get_uri(database="away"))

    @contextmanager
    def away(self) -> Iterator[None]:
        process = self.server.get_postmaster_info().process
        os.kill(process.pid, signal.SIGQUIT)
        process.wait(DEADLINE)
        yield
        self.server.ensure_postgres_running()


class RefusingServer:
    """A server that goes on, but ends all our connections and takes no new ones."""

    def __init__(self, url: str) -> None:
        self.url = url

    @contextmanager
    def away(self) -> Iterator[None]:
        url = sa.make_url(self.url)
        server = url.set(database="postgres", drivername="postgresql+psycopg")
        administer(server, f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS false")
        administer(server, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{url.database}'")
        yield
        administer(server, f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS true")


@pytest.fixture(params=[CrashingServer, RefusingServer])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    if request.param is RefusingServer:
        server: sa.URL = request.getfixturevalue("postgresql_server")
        administer(server, "CREATE DATABASE away")
        yield RefusingServer(server.set(database="away", drivername="postgresql").render_as_string())
        administer(server, "DROP DATABASE away WITH (FORCE)")
        return
    with tempfile.TemporaryDirectory(prefix="rowferry-pg-", ignore_cleanup_errors=True) as folder:
        own = CrashingServer(Path(folder))
        yield own
        own.server.cleanup()


class Insisting:
    """Clients that send batches, and repeat each with its key until the service has done it."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.statuses: Counter[int] = Counter()
        self._lock = threading.Lock()

    def insist(self, number: int) -> dict[str, Any]:
        rows = [job(number * ROWS + at, f"Job {number} {at}") for at in range(ROWS)]
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            answer = self.client.post(ROUTE, json={"jobs": rows}, headers={"Idempotency-Key": f"key-{number}"})
            with self._lock:
                self.statuses[answer.status_code] += 1
            if answer.status_code == 201:
                return dict(answer.json()["inserted"])
            assert answer.status_code in (409, 503), answer.text
            if answer.status_code == 503:
                assert int(answer.headers["Retry-After"]) > 0
                assert answer.json()["code"] == "database.unavailable"
                assert answer.json()["hint"]
            time.sleep(0.02)
        raise AssertionError("it never got in")


def test_clients_get_every_row_in_exactly_once(database: Database, tmp_path: Path) -> None:
    with serve(database.url, tmp_path, tmp_path / "logs") as client, ThreadPoolExecutor(CLIENTS) as pool:
        clients = Insisting(client)
        work = [pool.submit(clients.insist, number) for number in range(BATCHES * CLIENTS)]
        wait_until(lambda: clients.statuses[201] >= BEFORE)
        with database.away():
            wait_until(lambda: clients.statuses[503] >= 2 * CLIENTS)
            assert client.get("/readyz").status_code == 503
            assert client.get("/livez").status_code == 200
        assert [future.result() for future in work] == BATCHES * CLIENTS * [{"jobs": ROWS}]
        assert client.get("/readyz").status_code == 200
    service = Service(read_settings(database.url))
    tables = Tables(service, tmp_path)
    assert [row[0] for row in tables.rows("jobs")] == list(range(BATCHES * CLIENTS * ROWS))
    assert tables.count(tables.of_ledger("batches")) == BATCHES * CLIENTS
    service.backend.engine.dispose()
