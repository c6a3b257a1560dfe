"""Debian's PgBouncer in transaction mode before PostgreSQL: values, locks, and what others find in its sessions."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from pooling import pooled

from batching import Batches, department
from databases import NewDatabase, administer
from kept_values import values_are_kept
from loading import Tables, employees
from restoring import Restores, counts as changes
from rowferry.backends.postgresql.database import open_backend
from rowferry.bootstrap import Service
from rowferry.errors import SettingInvalid, WorkCancelled

pytestmark = pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)

ROWFERRY = str(Path(sys.executable).with_name("rowferry"))

REFUSES, PASSES_OVER = "", "ignore_startup_parameters = options"
"""What the pooler does to options of a server."""

AS_NOBODY_EXPECTS = (
    "datestyle = 'SQL, DMY'",
    "timezone = 'America/New_York'",
    "extra_float_digits = -15",
    "array_nulls = off",
    "statement_timeout = '5s'",
)


@pytest.fixture(params=[REFUSES, PASSES_OVER], ids=["refuses", "passes_over"])
def pooler(request: pytest.FixtureRequest, postgresql_server: sa.URL, new_database: NewDatabase) -> Iterator[sa.URL]:
    """A database behind a pooler, whose own defaults are odd."""
    name = sa.make_url(new_database()).database
    for setting in AS_NOBODY_EXPECTS:
        administer(postgresql_server, f"ALTER DATABASE {name} SET {setting}")
    with pooled(postgresql_server, request.param) as url:
        yield url.set(database=name)


def spelled(url: sa.URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def found(url: sa.URL, query: str) -> set[tuple[object, ...]]:
    """What somebody else finds in the sessions that the pooler has, one after the other."""
    with psycopg.connect(spelled(url), autocommit=True, prepare_threshold=None) as connection:
        return {row for _ in range(12) for row in connection.execute(query).fetchall()}


def test_values_are_kept_and_sessions_left_as_they_were(
    pooler: sa.URL, new_service: Callable[..., Service], tmp_path: Path
) -> None:
    settings = "SELECT " + ", ".join(
        f"current_setting('{name}')"
        for name in ("extra_float_digits", "array_nulls", "statement_timeout", "idle_in_transaction_session_timeout")
    )
    before = found(pooler, settings)
    values_are_kept(Tables(new_service("kind_tables", spelled(pooler)), tmp_path))
    assert found(pooler, settings) == before == {("-15", "off", "5s", "0")}
    assert found(pooler, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == {(0,)}
    assert found(pooler, "SELECT count(*) FROM pg_prepared_statements") == {(0,)}


def test_many_rows_go_in_and_out(pooler: sa.URL, new_service: Callable[..., Service], tmp_path: Path) -> None:
    tables = Tables(new_service(url=spelled(pooler)), tmp_path).with_parents()
    assert tables.put("hired_employees.csv", employees(15_000)).total("inserted") == 15_000
    restores = Restores(tables)
    kept = restores.back_up("hired_employees")
    tables.execute("DELETE FROM hired_employees WHERE id BETWEEN 100 AND 199")
    assert changes(restores.restore(kept))[0] == 100
    assert restores.restore(kept).total("unchanged") == 15_000


def test_several_at_once(pooler: sa.URL, new_service: Callable[..., Service], tmp_path: Path) -> None:
    tables = Tables(new_service(url=spelled(pooler)), tmp_path)
    done: list[int] = []

    def send(first: int) -> None:
        for number in range(first, first + 20):
            receipt = Batches(tables, lambda _event: None).put({"departments": [department(number)]})
            done.append(receipt.inserted["departments"])

    threads = [threading.Thread(target=send, args=(first,)) for first in (100, 200, 300)]
    for thread in threads:
        thread.start()
    tables.put("jobs.csv", "".join(f"{number},Clerk\n" for number in range(5_000)))
    for thread in threads:
        thread.join()
    assert sum(done) == tables.count("departments") == 60
    assert tables.count("jobs") == 5_000


def test_a_name_is_held_until_it_is_given_back(pooler: sa.URL) -> None:
    first, other = open_backend(pooler), open_backend(pooler)
    with first.hold("load"):
        for _ in range(8):
            assert other.is_held("load")
            assert not other.is_held("another")
    assert not other.is_held("load")
    for backend in (first, other):
        backend.engine.dispose()


def test_work_under_way_is_cancelled(pooler: sa.URL) -> None:
    backend = open_backend(pooler)
    timer = threading.Timer(0.5, backend.cancel)
    timer.start()
    started = time.monotonic()
    with pytest.raises(WorkCancelled), backend.transaction() as transaction:
        transaction.connection.exec_driver_sql("SELECT pg_sleep(60)")
    assert time.monotonic() - started < 30
    backend.engine.dispose()


def test_the_schema_that_the_url_chose_is_used(pooler: sa.URL, new_service: Callable[..., Service]) -> None:
    open_backend(pooler).engine.dispose()
    with psycopg.connect(spelled(pooler), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA hr")
    service = new_service(url=spelled(pooler.update_query_dict({"options": r"-c search_path=hr,\ public"})))
    with service.backend.engine.connect() as connection:
        tables = connection.exec_driver_sql("SELECT DISTINCT schemaname FROM pg_tables WHERE tablename = 'loads'")
        assert tables.all() == [("rowferry_hr",)]
    strange = open_backend(pooler.update_query_dict({"options": "-B 16"}))
    with pytest.raises(SettingInvalid, match="not -B 16"), strange.snapshot():
        pass


def test_the_command_works(pooler: sa.URL, globant: Path, tmp_path: Path) -> None:
    environment = os.environ | {"SQLALCHEMY_DATABASE_URL": spelled(pooler), "LOG_DIR": str(tmp_path / "logs")}
    command = [ROWFERRY, "load", str(globant), "--json"]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (1, "")
    assert json.loads(told.stdout)["inserted"] == 2_124
