"""The schema of a database: made by migrations, brought up to date, and held against the tables of the program."""

import datetime as dt
import itertools
import json
import subprocess
import sys
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from new_migration import missing

from databases import NewDatabase
from loading import Tables
from rowferry import ledger
from rowferry.bootstrap import Service
from rowferry.errors import SchemaNewer, SchemaOlder
from rowferry.migrations.schema import VERSIONS, History, revisions
from rowferry.migrations.upgrade import _apply, migration_scripts
from rowferry.settings import read_settings

PROGRAM = Path(__file__).with_name("migrating_process.py")
ROWFERRY = str(Path(sys.executable).with_name("rowferry"))
HISTORIES: tuple[History, ...] = ("ledger", "models")

NewService = Callable[..., Service]


def unstarted(url: str) -> Service:
    return Service(read_settings(url))


def described(engine: sa.Engine) -> dict[str, Any]:
    """Everything that the database says about its tables, but the one of versions."""
    found = sa.inspect(engine)
    return {
        table: {
            # Columns that were added stand behind those there were.
            "columns": sorted(
                ({**column, "type": str(column["type"])} for column in found.get_columns(table)), key=itemgetter("name")
            ),
            "key": found.get_pk_constraint(table),
            "foreign keys": found.get_foreign_keys(table),
            "indexes": sorted(found.get_indexes(table), key=lambda index: str(index["name"])),
            "checks": found.get_check_constraints(table),
            "unique": found.get_unique_constraints(table),
        }
        for table in found.get_table_names()
        if table != VERSIONS.name
    }


LATER = {"backups", "verifications", "restores"}
"""Tables of the ledger that migrations brought."""


def make_unversioned(service: Service, *left_out: str) -> None:
    """Make the tables as the programs without migrations did, of which some did not have all."""
    with service.backend.engine.begin() as connection:
        _apply(connection, [revisions(history)[0] for history in HISTORIES])
        for table in (*left_out, VERSIONS.name):
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}")


def set_versions(service: Service, *versions: str) -> None:
    with service.backend.engine.begin() as connection:
        connection.execute(sa.delete(VERSIONS))
        connection.execute(sa.insert(VERSIONS), [{"version_num": version} for version in versions])


@pytest.mark.parametrize("history", HISTORIES)
def test_migrations_make_what_the_program_declares(history: History, tmp_path: Path) -> None:
    """If this fails, run `make migration history=… name=…`, which writes the migration that is missing."""
    assert missing(history, tmp_path) == ""


@pytest.mark.parametrize("history", HISTORIES)
def test_each_history_is_one_chain_in_the_order_of_its_files(history: History) -> None:
    scripts = migration_scripts()
    before = None
    for name in revisions(history):
        script = scripts.get_revision(name)
        assert script is not None
        assert script.down_revision == before, f"{name} follows {script.down_revision}: give it the next free number"
        before = name
    assert sorted(scripts.get_heads()) == sorted(revisions(history)[-1] for history in HISTORIES)


def test_migrated_and_made_from_the_models_are_the_same(new_service: NewService, new_database: NewDatabase) -> None:
    migrated, declared = new_service(), unstarted(new_database())
    for metadata in (ledger.metadata, declared.catalog.metadata):
        metadata.create_all(declared.backend.engine)
    assert described(migrated.backend.engine) == described(declared.backend.engine)
    declared.backend.engine.dispose()


@pytest.mark.parametrize("left_out", [(), ("batches", "idempotency_keys"), ("hired_employees", "loads")])
def test_a_database_from_before_the_migrations_is_taken_on(
    new_service: NewService, new_database: NewDatabase, tmp_path: Path, left_out: tuple[str, ...]
) -> None:
    url = new_database()
    before = unstarted(url)
    make_unversioned(before, *left_out, *LATER)
    Tables(before, tmp_path).execute("INSERT INTO departments VALUES (1, 'Sales')")
    before.backend.engine.dispose()
    service = new_service(url=url)
    assert Tables(service, tmp_path).rows("departments") == [(1, "Sales")]
    assert service.schema().is_current
    assert described(service.backend.engine) == described(new_service().backend.engine)


def test_replies_to_callers_become_those_of_the_service(new_service: NewService, new_database: NewDatabase) -> None:
    """Of one key: the first of the replies to the same request, and each reply to another one."""
    url = new_database()
    before = unstarted(url)
    kept = sa.table(
        "idempotency_keys",
        *map(sa.column, ("key", "route", "caller", "request_sha256", "status", "media_type", "answer")),
        sa.column("expires_at", sa.DateTime(timezone=True)),
    )
    answered = [("a", "x", "first", 1), ("b", "x", "second", 2), ("c", "y", "other", 3), ("d", "x", "later", 2)]
    rows = [
        ("key", "route", caller, request, 201, "text/plain", answer, ledger.now() + dt.timedelta(hours=hours))
        for caller, request, answer, hours in answered
    ]
    with before.backend.engine.begin() as connection:
        _apply(connection, [*revisions("ledger")[:4], *revisions("models")])
        connection.execute(sa.insert(kept), [dict(zip(kept.c.keys(), row, strict=True)) for row in rows])
    assert "ledger_0006" in before.upgrade()
    before.backend.engine.dispose()
    service = new_service(url=url)
    with service.backend.engine.connect() as connection:
        found = ledger.find_replies(connection, "key", "route")
    assert sorted((reply["request_sha256"], reply["answer"]) for reply in found) == [("x", "first"), ("y", "other")]
    assert "idempotency_keys" not in described(service.backend.engine)


def test_what_is_up_to_date_costs_a_few_queries(new_service: NewService) -> None:
    service = new_service()
    statements: list[str] = []
    sa.event.listen(service.backend.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    service.start()
    assert len([statement for statement in statements if not statement.startswith("BEGIN")]) <= 3


def test_what_is_up_to_date_needs_no_alembic(empty_url: str) -> None:
    told = [
        subprocess.run(
            [sys.executable, PROGRAM, empty_url, "start"], capture_output=True, text=True, check=True, timeout=60
        ).stdout
        for _ in range(2)
    ]
    assert told == ["started, with alembic\n", "started, without alembic\n"]


def test_an_older_schema_is_brought_up_to_date_where_nobody_else_is(
    new_service: NewService, new_database: NewDatabase
) -> None:
    url = new_database()
    service = new_service(url=url)
    set_versions(service, revisions("ledger")[-1])
    if service.backend.capabilities.embedded:
        service.start()
    else:
        with pytest.raises(SchemaOlder, match="models_0001") as caught:
            service.start()
        assert "rowferry db upgrade" in caught.value.advice
        assert service.upgrade() == tuple(revisions("models"))
    assert service.schema().is_current
    assert service.upgrade() == ()


def test_a_newer_schema_is_left_alone(new_service: NewService) -> None:
    service = new_service()
    set_versions(service, "ledger_9999", "models_0001")
    for attempt in (service.start, service.upgrade):
        with pytest.raises(SchemaNewer, match="ledger_9999"):
            attempt()


def test_several_processes_start_at_once_on_an_empty_database(empty_url: str) -> None:
    command = [ROWFERRY, "loads", "--json", "--database-url", empty_url]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    for process in started:
        assert process.communicate(timeout=60) == ('{"loads": []}\n', "")
        assert process.returncode == 0
    service = unstarted(empty_url)
    assert service.schema().is_current
    service.backend.engine.dispose()


@pytest.mark.parametrize("stop_at", ["CREATE TABLE rowferry_schema", "CREATE TABLE IF NOT EXISTS batches", "UPDATE"])
def test_killed_in_the_middle_the_next_run_finishes(empty_url: str, new_service: NewService, stop_at: str) -> None:
    if stop_at == "UPDATE":
        stop_at = "CREATE TABLE IF NOT EXISTS hired_employees"  # the last one of the other history
    with subprocess.Popen([sys.executable, PROGRAM, empty_url, stop_at], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"stopped\n"
        process.kill()
    left = unstarted(empty_url)
    assert sa.inspect(left.backend.engine).get_table_names() == []
    left.backend.engine.dispose()
    service = new_service(url=empty_url)
    assert described(service.backend.engine) == described(new_service().backend.engine)


def test_tables_of_own_models_are_made_if_missing_and_never_changed(
    new_service: NewService, new_database: NewDatabase
) -> None:
    url = new_database()
    service = new_service("fourth_table", url)
    assert service.schema().applied == (revisions("ledger")[-1],)
    with service.backend.engine.begin() as connection:
        connection.exec_driver_sql("CREATE INDEX of_my_own ON projects (name)")
        connection.exec_driver_sql("DROP TABLE assignments")
    before = described(service.backend.engine)
    after = described(new_service("fourth_table", url).backend.engine)
    assert after.pop("assignments")
    assert after == before
    assert "hired_employees" not in after


def run(url: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [ROWFERRY, "db", *words, "--database-url", url]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def told(url: str, *words: str, code: int = 0) -> Any:
    ran = run(url, *words, "--json")
    assert (ran.returncode, ran.stderr) == (code, "")
    return json.loads(ran.stdout)


def test_the_commands(empty_url: str) -> None:
    newest = [revisions(history)[-1] for history in HISTORIES]
    every = list(itertools.chain.from_iterable(revisions(history) for history in HISTORIES))
    assert told(empty_url, "current") == {"applied": [], "pending": every, "unknown": []}
    assert told(empty_url, "check", code=3)["error"]["code"] == "schema.older"
    assert run(empty_url, "upgrade").stdout == f"Applied: {', '.join(every)}\n"
    assert told(empty_url, "upgrade") == {"applied": []}
    assert told(empty_url, "current") == {"applied": newest, "pending": [], "unknown": []}
    assert run(empty_url, "check").stdout == "The database has the schema of this program.\n"


def test_check_names_each_difference(new_service: NewService, database_url: str) -> None:
    service = new_service(url=database_url)
    with service.backend.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE of_somebody_else (id INTEGER)")
        connection.exec_driver_sql("ALTER TABLE jobs ADD COLUMN surplus INTEGER")
        connection.exec_driver_sql("ALTER TABLE batches DROP COLUMN caller")
        connection.exec_driver_sql("DROP INDEX ix_loads_status")
        connection.exec_driver_sql("DROP TABLE hired_employees")
    error = told(database_url, "check", code=3)["error"]
    assert error["code"] == "schema.differs"
    for difference in (
        "jobs also has the column surplus",
        "batches lacks the column caller",
        "loads lacks the index on status",
        "there is no table hired_employees",
    ):
        assert difference in error["message"]
    assert "somebody" not in error["message"]
