"""A module that was written from a database is served as it stands, and says what it leaves out."""

import csv
import datetime as dt
import re
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from test_migrations import make_older
from test_models_from_csv import assert_clean

from databases import NewDatabase
from known_schemas import CHINOOK, NORTHWIND, fill, schema_of
from loading import Tables
from restoring import Restores
from rowferry.bootstrap import Service, faults_on_database, open_backend, own_names
from rowferry.cli.models import models
from rowferry.drafts.draft import Draft
from rowferry.drafts.from_database import draft_of_database
from rowferry.drafts.module import module_text
from rowferry.errors import FileMissing, TableUnknown
from rowferry.settings import read_settings
from speaking import only_postgresql, only_sqlite

Drafted = Callable[..., tuple[Draft, Path]]

NOT_YET: dict[str, list[str]] = {
    "chinook": [],
    "northwind": [],
}
"""The tables, and parts of others, that cannot be served; nothing may be added."""


@pytest.fixture
def drafted(tmp_path: Path) -> Iterator[Drafted]:
    """Drafts the tables of a database, and writes them into a module of its own."""
    before, path = set(sys.modules), list(sys.path)
    opened: list[sa.Engine] = []

    def draft(url: str, *only: str, schemas: Sequence[str] = ()) -> tuple[Draft, Path]:
        settings = read_settings(url)
        backend = open_backend(settings)
        opened.append(backend.engine)
        with backend.engine.connect() as connection:
            faults = partial(faults_on_database, backend=backend, connection=connection)
            found = draft_of_database(connection, faults, own_names(backend, connection), schemas, only)
        module = tmp_path / "drafted_tables.py"
        module.write_text(module_text(found, "Tables."))
        assert_clean(module)
        return found, module

    yield draft
    for engine in opened:
        engine.dispose()
    sys.path[:] = path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def as_text(value: Any) -> str:
    """A value as a CSV file has it."""
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    return "" if value is None else value.isoformat() if isinstance(value, dt.date) else str(value)


def export(url: str, names: list[str], folder: Path) -> int:
    """Write a CSV file for each table; how many rows there are."""
    folder.mkdir()
    engine, rows = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:")), 0
    with engine.connect() as connection:
        for name in names:
            table = sa.Table(name, sa.MetaData(), autoload_with=connection, resolve_fks=False)
            found = connection.execute(table.select()).all()
            with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([table.columns.keys(), *(map(as_text, row) for row in found)])
            rows += len(found)
    engine.dispose()
    return rows


@pytest.mark.parametrize(("name", "described"), [("chinook", CHINOOK), ("northwind", NORTHWIND)])
def test_a_well_known_database_is_served_unedited(
    new_service: Callable[..., Service],
    new_database: NewDatabase,
    drafted: Drafted,
    tmp_path: Path,
    name: str,
    described: str,
) -> None:
    url, metadata = new_database("kind_tables"), schema_of(described)
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        metadata.create_all(connection)
        fill(connection, metadata)
    engine.dispose()
    draft, module = drafted(url)
    left = sorted({re.split(r" is (?:not served|left)", note)[0] for note in draft.notes})
    assert left == NOT_YET[name], "whoever serves more of them takes it off the list NOT_YET"
    names = [table.name for table in draft.tables]
    assert len(names) == len(metadata.tables) - sum(":" not in head for head in left)
    rows = export(url, names, tmp_path / "export")
    again = Tables(new_service(str(module), url), tmp_path).load(tmp_path / "export")
    assert (again.total("unchanged"), again.total("rejected")) == (rows, 0)
    elsewhere = Tables(new_service(str(module), new_database("kind_tables")), tmp_path)
    assert elsewhere.load(tmp_path / "export").total("inserted") == rows
    restores = Restores(elsewhere)
    for table in names:
        restored = restores.restore(restores.back_up(table)).tables[0]
        assert (restored.added, restored.changed, restored.removed) == (0, 0, 0)


KEPT = [
    *("bigint", "boolean", "bytea", "character(3)", "cidr", "date", "double precision", "integer[]", "interval"),
    *("interval(6)", "json", "jsonb", "mood", "numeric", "numeric(9,2)", "positive", "real", "text", "time(6)"),
    *("time(6)[]", "timestamp", "timestamp(6)", "timestamptz(6)", "timestamptz[]", "uuid", 'varchar(9) COLLATE "C"'),
]

CHANGED = ["name", "interval(3)", "interval day to second", "time(3)", "timestamp(3)", "timestamptz(3)[]", "moment"]
"""Types that would change values that the type to which they come in Python allows, or cut them off."""


@only_postgresql
def test_columns_of_all_types_are_drafted_as_they_are(
    new_service: Callable[..., Service], new_database: NewDatabase, drafted: Drafted
) -> None:
    url = new_database("kind_tables")
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TYPE mood AS ENUM ('a', 'it''s')")
        connection.exec_driver_sql("CREATE DOMAIN positive AS integer CHECK (VALUE > 0)")
        connection.exec_driver_sql("CREATE DOMAIN moment AS timestamptz(0)")
        for number, column_type in enumerate(KEPT):
            connection.exec_driver_sql(f"CREATE TABLE kept_{number} (id integer PRIMARY KEY, v {column_type})")
        for number, column_type in enumerate(CHANGED):
            connection.exec_driver_sql(f"CREATE TABLE changed_{number} (id integer PRIMARY KEY, v {column_type})")
    engine.dispose()
    draft, module = drafted(url)
    assert {table.name for table in draft.tables} == {f"kept_{number}" for number in range(len(KEPT))}
    assert len(draft.notes) == len(CHANGED)
    assert new_service(str(module), url).schema().is_current


@only_sqlite
def test_a_key_that_the_database_takes_loosely_is_left_out(new_database: NewDatabase, drafted: Drafted) -> None:
    url = new_database("kind_tables")
    with sa.create_engine(url).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE loose (name VARCHAR(9) PRIMARY KEY COLLATE NOCASE)")
        connection.exec_driver_sql("CREATE TABLE strict (name VARCHAR(9) PRIMARY KEY)")
    draft, _ = drafted(url)
    assert [table.name for table in draft.tables] == ["strict"]
    assert "COLLATE NOCASE" in draft.notes[0]


def test_tables_of_an_older_ledger_are_left_out(new_database: NewDatabase, drafted: Drafted, tmp_path: Path) -> None:
    url = new_database()
    before = Service(read_settings(url))
    make_older(before, 2)
    Tables(before, tmp_path).execute("CREATE TABLE restores (id INTEGER PRIMARY KEY)")
    before.close()
    draft, _ = drafted(url)
    assert [table.name for table in draft.tables] == ["departments", "hired_employees", "jobs", "restores"]
    assert draft.notes == []


ODD = [
    'CREATE TABLE "Order Details" ("class" INTEGER PRIMARY KEY, "a b" VARCHAR(9) DEFAULT \'x:y :z\' NOT NULL, '
    "metadata VARCHAR(20), int INTEGER, _hidden INTEGER UNIQUE, "
    "CONSTRAINT \"it's\" CHECK (metadata <> 'a :b'), CHECK (int > 0))",
    "CREATE TABLE pairs (a INTEGER NOT NULL, b INTEGER NOT NULL, parent INTEGER, PRIMARY KEY (a, b), "
    'FOREIGN KEY (parent) REFERENCES "Order Details" ("class"))',
    "CREATE TABLE children (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, FOREIGN KEY (a, b) REFERENCES pairs (a, b))",
    "CREATE TABLE date (id INTEGER PRIMARY KEY, date DATE)",
    "CREATE TABLE bare (x INTEGER)",
    "CREATE INDEX low ON children (lower(CAST(a AS VARCHAR(9))))",
    "CREATE UNIQUE INDEX two ON children (a, b)",
]


def test_odd_names_and_constraints_come_through(
    new_service: Callable[..., Service], new_database: NewDatabase, drafted: Drafted, tmp_path: Path
) -> None:
    url = new_database("kind_tables")
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        for statement in ODD:
            connection.exec_driver_sql(statement)
    engine.dispose()
    draft, module = drafted(url)
    names = [table.name for table in draft.tables]
    assert {"Order Details", "pairs", "children", "date"} <= set(names)
    text = module.read_text()
    assert 'sa.Index("low"' not in text
    assert 'sa.Index("two", "a", "b", unique=True)' in text
    assert drafted(url)[1].read_text() == text
    odd = Tables(new_service(str(module), url), tmp_path)
    file = "class,a b,metadata,int,_hidden\n1,x,a :b,1,1\n2,x,y,0,2\n3,x,y,1,3\n4,x,y,1,3\n"
    receipt = odd.put("Order Details.csv", file)
    assert (receipt.total("inserted"), receipt.total("rejected")) == (1, 3)
    assert odd.put("pairs.csv", "1,1,3\n2,1,9\n").total("inserted") == 1
    assert [table.name for table in drafted(url, "pairs")[0].tables] == ["pairs"]
    with pytest.raises(TableUnknown):
        drafted(url, "nowhere")


ON_ONE_LINE = (
    "CREATE TABLE sums (id INTEGER PRIMARY KEY, n INTEGER, "
    "twice INTEGER GENERATED ALWAYS AS (n * (1 + 1)) STORED, "
    "label TEXT GENERATED ALWAYS AS (')' || n) VIRTUAL, CHECK (n < 9))"
)


@only_sqlite
def test_what_is_on_one_line_with_a_generated_column_is_no_part_of_it(
    new_service: Callable[..., Service], new_database: NewDatabase, drafted: Drafted, tmp_path: Path
) -> None:
    url = new_database("kind_tables")
    with sa.create_engine(url).begin() as connection:
        connection.exec_driver_sql(ON_ONE_LINE)
    _, module = drafted(url)
    fresh = Tables(new_service(str(module), new_database("kind_tables")), tmp_path)
    assert fresh.put("sums.csv", "1,2\n2,9\n").total("rejected") == 1
    assert fresh.rows("sums") == [(1, 2, 4, ")2")]


def test_views_and_versions_are_named_and_left_out(new_database: NewDatabase, drafted: Drafted) -> None:
    url = new_database("kind_tables")
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        for statement in (
            "CREATE TABLE ships (id INTEGER PRIMARY KEY)",
            "CREATE VIEW fleets AS SELECT id FROM ships",
            "CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)",
        ):
            connection.exec_driver_sql(statement)
    engine.dispose()
    draft, _ = drafted(url)
    assert [table.name for table in draft.tables] == ["ships"]
    assert draft.notes == [
        "fleets is left out: it is a view, whose key no catalog knows",
        "alembic_version is left out: Alembic keeps the version of the schema in it",
    ]
    draft, _ = drafted(url, "alembic_version")
    assert ([table.name for table in draft.tables], draft.notes) == (["alembic_version"], [])


def test_indexes_that_are_left_to_the_database_are_named(new_database: NewDatabase, drafted: Drafted) -> None:
    url = new_database("kind_tables")
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE words (id INTEGER PRIMARY KEY, word VARCHAR(9))")
        connection.exec_driver_sql("CREATE UNIQUE INDEX low ON words (lower(word))")
        connection.exec_driver_sql("CREATE UNIQUE INDEX few ON words (word) WHERE id > 3")
    engine.dispose()
    draft, module = drafted(url)
    notes = " ".join(draft.notes)
    assert "the index low is left to the database: it has an expression" in notes
    assert "the index few is left to the database: it has a condition" in notes
    assert "Index(" not in module.read_text()


def test_no_database_is_made_where_there_is_none(tmp_path: Path) -> None:
    missing = tmp_path / "mistyped.db"
    with pytest.raises(FileMissing, match=r"mistyped\.db"):
        models.main(["from-database", f"sqlite:///{missing}"], standalone_mode=False)
    assert not missing.exists()


def test_a_file_is_only_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE things (id INTEGER PRIMARY KEY)")
    before = path.read_bytes()
    for url in (f"sqlite:///{path}", f"sqlite:///file:{path}?mode=ro&uri=true"):
        models.main(["from-database", url], standalone_mode=False)
        assert "things" in capsys.readouterr().out
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
