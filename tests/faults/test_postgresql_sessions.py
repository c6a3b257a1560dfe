"""What a server of PostgreSQL makes of our connections: how they are isolated, and when it ends them."""

import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from others import once, somebody

from batching import Batches, company, department, employee
from kept_values import values_are_kept
from loading import DEPARTMENTS, JOBS, Tables, counts, employees
from restoring import NOON, Restores, counts as changes
from rowferry.backends.postgresql.database import open_backend
from rowferry.backends.postgresql.ways import LoadingTransaction
from rowferry.bootstrap import Service
from rowferry.errors import DatabaseBusy, DatabaseReadOnly, DatabaseUnavailable, LoadInterrupted, WorkCancelled
from rowferry.events import PublishStarted, RowsJudged

pytestmark = pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)

ROWFERRY = str(Path(sys.executable).with_name("rowferry"))

LARGE = 15_000

END_WHO_HOLDS = """
SELECT pg_terminate_backend(l.pid, 10000) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
WHERE l.locktype = 'advisory' AND d.datname = current_database()
"""


@pytest.fixture
def by_default(tables: Tables) -> Callable[[str], None]:
    """Sets what holds for all new connections to the database."""
    engine = tables.service.backend.engine

    def set_up(setting: str) -> None:
        tables.execute(f"ALTER DATABASE {engine.url.database} SET {setting}")
        engine.dispose()

    return set_up


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
@pytest.mark.parametrize("rows", [40, LARGE])
def test_rows_that_somebody_deletes_meanwhile_are_put_in_again(
    tables: Tables, by_default: Callable[[str], None], isolation: str, rows: int
) -> None:
    by_default(f"default_transaction_isolation = '{isolation}'")
    path = tables.with_parents().write("hired_employees.csv", employees(rows))
    tables.load(path)
    with somebody(tables) as execute:
        deleted = once(RowsJudged, lambda: execute("DELETE FROM hired_employees WHERE id <= 10"))
        assert counts(tables.load(path, observe=deleted)) == (rows, 10, 0, rows - 10, 0)
    assert tables.count("hired_employees") == rows


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_a_restore_puts_in_again_what_somebody_deletes_meanwhile(
    tables: Tables, by_default: Callable[[str], None], isolation: str
) -> None:
    by_default(f"default_transaction_isolation = '{isolation}'")
    restores = Restores(tables.with_parents())
    tables.put("hired_employees.csv", employees(40))
    kept = restores.back_up("hired_employees")
    with somebody(tables) as execute:
        deleted = once(RowsJudged, lambda: execute("DELETE FROM hired_employees WHERE id <= 10"))
        assert changes(restores.restore(kept, observe=deleted)) == (10, 0, 0, 30, 0)
    assert tables.count("hired_employees") == 40


def test_a_connection_may_wait_for_longer_than_the_server_allows_others(
    tables: Tables, by_default: Callable[[str], None]
) -> None:
    by_default("idle_session_timeout = '100ms'")
    by_default("idle_in_transaction_session_timeout = '100ms'")
    slowly = once(RowsJudged, lambda: time.sleep(0.5), "jobs")
    assert counts(tables.load(tables.write("jobs.csv", JOBS), observe=slowly)) == (3, 3, 0, 0, 0)


def test_a_load_whose_lock_is_lost_is_done(tables: Tables) -> None:
    told: list[str] = []

    def lose_the_lock() -> None:
        with somebody(tables) as execute:
            execute(END_WHO_HOLDS)
        tables.service.clear_interrupted()
        told.append(tables.loads()[0]["status"])

    path = tables.write("departments.csv", DEPARTMENTS)
    receipt = tables.load(path, observe=once(PublishStarted, lose_the_lock, "departments"))
    assert told == ["interrupted"]
    assert counts(receipt) == (3, 3, 0, 0, 0)
    load = tables.loads()[0]
    assert (load["status"], load["inserted"], load["error"]) == ("done", 3, None)
    with tables.service.backend.engine.connect() as connection:
        assert connection.execute(sa.text(f"SELECT error IS NULL FROM {tables.of_ledger('loads')}")).scalar_one()


def test_a_load_that_is_interrupted_when_its_lock_is_lost_says_so(tables: Tables) -> None:
    def lose_the_lock() -> None:
        with somebody(tables) as execute:
            execute(END_WHO_HOLDS)
        raise KeyboardInterrupt

    path = tables.write("departments.csv", DEPARTMENTS)
    with pytest.raises(LoadInterrupted):
        tables.load(path, observe=once(PublishStarted, lose_the_lock, "departments"))
    assert tables.rows("departments") == []
    assert tables.loads()[0]["status"] == "interrupted"


def test_a_lock_that_is_waited_for_in_vain_is_not_kept(tables: Tables) -> None:
    backend = tables.service.backend
    with somebody(tables) as execute, backend.hold("one"):
        tables.execute(f"ALTER DATABASE {backend.engine.url.database} SET lock_timeout = '100ms'")
        impatient = open_backend(backend.engine.url)
        with pytest.raises(DatabaseBusy), impatient.hold("one"):
            pytest.fail("it is held")
        assert execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted") == 1
        impatient.engine.dispose()


def test_a_restore_whose_lock_is_lost_is_done(tables: Tables) -> None:
    restores = Restores(tables.with_parents())
    kept = restores.keep("departments")
    tables.execute("DELETE FROM departments WHERE id = 1")

    def lose_the_lock() -> None:
        with somebody(tables) as execute:
            execute(END_WHO_HOLDS)
        tables.service.clear_interrupted()

    receipt = restores.restore(kept, observe=once(PublishStarted, lose_the_lock, "departments"))
    assert changes(receipt) == (1, 0, 0, 2, 0)
    (restore,) = restores.history()
    assert (restore["status"], restore["error"]) == ("done", None)


def test_a_table_that_becomes_empty_while_a_load_begins(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    tables.with_parents().put("hired_employees.csv", "1,Gone,2021-01-01 00:00,1,1\n")
    takes_over = LoadingTransaction.takes_over

    def emptied_then(*args: Any, **options: Any) -> object:
        taken = takes_over(*args, **options)
        with somebody(tables) as execute:
            execute("DELETE FROM hired_employees")
        return taken

    monkeypatch.setattr(LoadingTransaction, "takes_over", emptied_then)
    assert counts(tables.put("hired_employees.csv", employees(LARGE))) == (LARGE, LARGE, 0, 0, 0)


@pytest.fixture
def cut_commit(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Cuts the connection within the first commit of departments, which takes the server a second."""
    dialect = tables.service.backend.engine.dialect
    do_commit = dialect.do_commit
    cut: list[object] = []

    def set_up(*, sent: bool) -> None:
        tables.execute(
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql "
            "AS $$ BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$"
        )
        tables.execute(
            "CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON departments DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION wait()"
        )

        def commit(connection: Any) -> None:
            if cut or not connection.execute("SELECT count(*) FROM departments").fetchone()[0]:
                return do_commit(connection)
            driver = connection.driver_connection
            cut.append(driver)
            if sent:
                driver.pgconn.send_query(b"COMMIT")
                driver.pgconn.flush()
            driver.close()
            raise psycopg.OperationalError("the connection was cut")

        monkeypatch.setattr(dialect, "do_commit", commit)

    return set_up


def test_a_batch_whose_commit_is_under_way_is_done(tables: Tables, cut_commit: Callable[..., None]) -> None:
    cut_commit(sent=True)
    receipt = Batches(tables).put({"departments": [department(1)]})
    assert (receipt.status, receipt.inserted) == ("done", {"departments": 1})
    assert tables.count("departments") == tables.count(tables.of_ledger("batches")) == 1


def test_a_batch_whose_commit_never_came_is_not(tables: Tables, cut_commit: Callable[..., None]) -> None:
    cut_commit(sent=False)
    with pytest.raises(DatabaseUnavailable):
        Batches(tables).put({"departments": [department(1)]})
    assert tables.count("departments") == tables.count(tables.of_ledger("batches")) == 0


@pytest.mark.parametrize("sent", [True, False])
def test_a_load_whose_commit_is_cut_is_done_if_it_reached_the_server(
    tables: Tables, cut_commit: Callable[..., None], *, sent: bool
) -> None:
    cut_commit(sent=sent)
    path = tables.write("departments.csv", "1,Sales\n")
    if sent:
        assert counts(tables.load(path)) == (1, 1, 0, 0, 0)
    else:
        tables.fail(DatabaseUnavailable, path)
    assert tables.loads()[0]["status"] == ("done" if sent else "failed")
    assert tables.count("departments") == sent


def test_a_command_whose_connection_is_cut_says_one_thing(tables: Tables, tmp_path: Path) -> None:
    path = tables.with_parents().write("hired_employees.csv", employees(300_000))
    url = tables.service.settings.url.render_as_string(hide_password=False)
    environment = os.environ | {"SQLALCHEMY_DATABASE_URL": url, "LOG_DIR": str(tmp_path / "logs")}
    command = [ROWFERRY, "load", str(path), "--json"]
    copying = "datname = current_database() AND query LIKE 'COPY %%' AND state = 'active'"
    with (
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process,
        tables.service.backend.engine.connect() as connection,
    ):
        cut = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {copying}"
        while not connection.exec_driver_sql(cut).scalar_one():
            assert process.poll() is None
            connection.rollback()
        told, noise = process.communicate(timeout=60)
    assert (process.returncode, json.loads(told)["error"]["code"]) == (3, "database.unavailable")
    assert noise == b""
    assert tables.count("hired_employees") == 0


AS_NOBODY_EXPECTS = (
    "datestyle = 'SQL, DMY'",
    "intervalstyle = 'sql_standard'",
    "timezone = 'America/New_York'",
    "bytea_output = 'escape'",
    "extra_float_digits = -15",
    "array_nulls = off",
    "standard_conforming_strings = off",
    "quote_all_identifiers = on",
    "statement_timeout = '400ms'",
)


def test_what_a_database_has_by_default_changes_no_value(
    new_service: Callable[..., Service], tmp_path: Path, by_default: Callable[[str], None], tables: Tables
) -> None:
    for setting in AS_NOBODY_EXPECTS:
        by_default(setting)
    url = tables.service.backend.engine.url.render_as_string(hide_password=False)
    values_are_kept(Tables(new_service("kind_tables", url), tmp_path))


@pytest.mark.parametrize("style", ["SQL, MDY", "Postgres, DMY", "German"])
def test_instants_are_read_whatever_the_style_of_dates(
    tables: Tables, by_default: Callable[[str], None], style: str
) -> None:
    tables.with_parents()
    by_default(f"datestyle = '{style}'")
    tables.put("hired_employees.csv", employees(3))
    assert Batches(tables).put(company([{**employee(4), "datetime": "2021-02-03T04:05:06Z"}])).inserted
    instants = [row[2] for row in tables.rows("hired_employees")]
    assert instants == [NOON.replace(hour=10)] * 3 + [dt.datetime(2021, 2, 3, 4, 5, 6, tzinfo=dt.UTC)]
    assert tables.loads()[0]["status"] == "done"


def test_a_statement_takes_as_long_as_it_takes_unless_the_url_says_otherwise(
    tables: Tables, by_default: Callable[[str], None]
) -> None:
    by_default("statement_timeout = '100ms'")
    with tables.service.backend.engine.connect() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(0.3)")
    backend = open_backend(tables.service.backend.engine.url.update_query_dict({"options": "-cstatement_timeout=100"}))
    with pytest.raises(WorkCancelled), backend.transaction() as transaction:
        transaction.connection.exec_driver_sql("SELECT pg_sleep(0.3)")
    backend.engine.dispose()


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_database_that_takes_no_changes_says_so(
    tables: Tables, by_default: Callable[[str], None], *, dry_run: bool
) -> None:
    """As a standby does, and a server that is about to be moved: clients may try again."""
    path = tables.with_parents().write("hired_employees.csv", employees(40))
    by_default("default_transaction_read_only = on")
    error = tables.fail(DatabaseReadOnly, path, dry_run=dry_run)
    assert "SQLALCHEMY_DATABASE_URL" in error.advice
    with pytest.raises(DatabaseReadOnly):
        Batches(tables).put({"departments": [department(9)]})
