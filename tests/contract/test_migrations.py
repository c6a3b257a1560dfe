"""The schema of a database: made by migrations, brought up to date, and held against the tables of the program."""

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from new_migration import missing

from command_server import run_text
from databases import NewDatabase
from loading import Tables
from rowferry import ledger
from rowferry.bootstrap import Service
from rowferry.errors import SchemaNewer, SchemaOlder
from rowferry.migrations.schema import FIRST_IN_PLACE, History, revisions
from rowferry.migrations.upgrade import migration_scripts, run_scripts
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
    schemas = [name for name in found.get_schema_names() if name != "information_schema"]
    return {
        table if schema == found.default_schema_name else f"{schema}.{table}": {
            # Columns that were added stand behind those there were.
            "columns": sorted(
                ({**column, "type": str(column["type"])} for column in found.get_columns(table, schema)),
                key=itemgetter("name"),
            ),
            "key": found.get_pk_constraint(table, schema),
            "foreign keys": found.get_foreign_keys(table, schema),
            "indexes": sorted(found.get_indexes(table, schema), key=lambda index: str(index["name"])),
            "checks": found.get_check_constraints(table, schema),
            "unique": found.get_unique_constraints(table, schema),
        }
        for schema in schemas
        for table in found.get_table_names(schema)
        if table not in ("schema", "rowferry_schema")
    }


LATER = {"backups", "verifications", "restores"}
"""Tables of the ledger that migrations brought."""

OF_TODAY = revisions("ledger")[revisions("ledger").index(FIRST_IN_PLACE) :]
"""The migrations of a database without a ledger."""


def make_unversioned(service: Service, *left_out: str) -> None:
    """Make the tables as the programs without migrations did, of which some did not have all."""
    with service.backend.engine.begin() as connection:
        run_scripts(connection, [revisions(history)[0] for history in HISTORIES])
        for table in left_out:
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}")


def make_older(service: Service, last: int) -> None:
    """Make the tables as a program did that had so many migrations of the ledger, which is older than its place."""
    with service.backend.engine.begin() as connection:
        run_scripts(connection, [*revisions("ledger")[:last], *revisions("models")])
        connection.exec_driver_sql("CREATE TABLE rowferry_schema (version_num VARCHAR(32) PRIMARY KEY)")
        connection.exec_driver_sql(f"INSERT INTO rowferry_schema VALUES ('ledger_000{last}'), ('models_0001')")


def set_versions(service: Service, *versions: str) -> None:
    with service.backend.engine.begin() as connection:
        table = ledger.here(connection, ledger.versions)
        connection.execute(sa.delete(table))
        connection.execute(sa.insert(table), [{"version_num": version} for version in versions])


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
    with declared.backend.engine.begin() as connection:
        if schema := ledger.place_of(connection).schema:
            connection.execute(sa.schema.CreateSchema(schema))
        for metadata in (ledger.all_here(connection), declared.catalog.metadata):
            metadata.create_all(connection)
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
    make_older(before, 4)
    with before.backend.engine.begin() as connection:
        connection.execute(sa.insert(kept), [dict(zip(kept.c.keys(), row, strict=True)) for row in rows])
    assert "ledger_0006" in before.upgrade()
    before.backend.engine.dispose()
    service = new_service(url=url)
    with service.backend.engine.connect() as connection:
        found = ledger.find_replies(connection, "key", "route")
    assert sorted((reply["request_sha256"], reply["answer"]) for reply in found) == [("x", "first"), ("y", "other")]
    assert "idempotency_keys" not in described(service.backend.engine)


def test_what_an_older_program_kept_is_moved_to_its_place(
    new_service: NewService, new_database: NewDatabase, tmp_path: Path
) -> None:
    """With rows and indexes; to the older program the database then is one of a newer, and it makes no tables."""
    url = new_database()
    before = unstarted(url)
    make_older(before, 7)
    with before.backend.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO witnessed_time VALUES (1, 86400)")
        connection.exec_driver_sql("CREATE VIEW days AS SELECT seconds / 86400 AS days FROM witnessed_time")
    assert before.schema().pending == (FIRST_IN_PLACE,)
    assert before.upgrade() == (FIRST_IN_PLACE,)
    before.backend.engine.dispose()
    tables = Tables(new_service(url=url), tmp_path)
    assert tables.count(f"{tables.of_ledger('witnessed_time')} WHERE seconds = 86400") == 1
    assert tables.count("days WHERE days = 1") == 1
    assert described(tables.service.backend.engine) == described(new_service().backend.engine)
    assert tables.count(f"rowferry_schema WHERE version_num = '{FIRST_IN_PLACE}'") == 1


def test_killed_while_it_is_moved_the_ledger_is_where_it_was(empty_url: str, new_service: NewService) -> None:
    before = unstarted(empty_url)
    make_older(before, 7)
    old = described(before.backend.engine)
    # All is moved, and only the note is missing.
    command = [sys.executable, str(PROGRAM), empty_url, "DELETE", "upgrade"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"stopped\n"
        process.kill()
    assert described(before.backend.engine) == old
    before.backend.engine.dispose()
    before.upgrade()
    before.backend.engine.dispose()
    assert new_service(url=empty_url).schema().is_current


def test_tables_that_only_have_the_names_of_ours_stay(new_service: NewService, new_database: NewDatabase) -> None:
    url = new_database()
    engine = unstarted(url).backend.engine
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE loads (load_id INTEGER, tons INTEGER)")
        connection.exec_driver_sql("CREATE INDEX ix_loads_status ON loads (tons)")
    mine = described(engine)
    engine.dispose()
    assert described(new_service("kind_tables", url).backend.engine)["loads"] == mine["loads"]


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


LAST_MADE = "CREATE TABLE IF NOT EXISTS hired_employees"


@pytest.mark.parametrize("stop_at", ["CREATE TABLE rowferry", LAST_MADE, "INSERT"])
def test_killed_in_the_middle_the_next_run_finishes(empty_url: str, new_service: NewService, stop_at: str) -> None:
    with subprocess.Popen([sys.executable, PROGRAM, empty_url, stop_at], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"stopped\n"
        process.kill()
    left = unstarted(empty_url)
    assert described(left.backend.engine) == {}
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
    return run_text("db", *words, "--database-url", url, env=os.environ)


def told(url: str, *words: str, code: int = 0) -> Any:
    ran = run(url, *words, "--json")
    assert (ran.returncode, ran.stderr) == (code, "")
    return json.loads(ran.stdout)


def test_the_commands(empty_url: str) -> None:
    newest = [revisions(history)[-1] for history in HISTORIES]
    every = [*OF_TODAY, *revisions("models")]
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
        batches, loads = (ledger.here(connection, table) for table in (ledger.batches, ledger.loads))
        connection.exec_driver_sql(f"ALTER TABLE {batches.fullname} DROP COLUMN caller")
        next(index for index in loads.indexes if "status" in index.columns).drop(connection)
        connection.exec_driver_sql("DROP TABLE hired_employees")
    error = told(database_url, "check", code=3)["error"]
    assert error["code"] == "schema.differs"
    for difference in (
        "jobs also has the column surplus",
        f"{batches.fullname} lacks the column caller",
        f"{loads.fullname} lacks the index on status",
        "there is no table hired_employees",
    ):
        assert difference in error["message"]
    assert "somebody" not in error["message"]
