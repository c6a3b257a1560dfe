"""A module that was written from a database is served as it stands, and says what it leaves out."""

import csv
import datetime as dt
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from test_models_from_csv import assert_clean

from databases import NewDatabase
from known_schemas import CHINOOK, NORTHWIND, fill, schema_of
from loading import Tables
from restoring import Restores
from rowferry.bootstrap import Service, faults_on_database, open_backend, own_names
from rowferry.drafts.draft import Draft
from rowferry.drafts.from_database import draft_of_database
from rowferry.drafts.module import module_text
from rowferry.errors import TableUnknown
from rowferry.settings import read_settings

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

    def draft(url: str, *only: str, schema: str | None = None) -> tuple[Draft, Path]:
        settings = read_settings(url)
        backend = open_backend(settings)
        opened.append(backend.engine)
        with backend.engine.connect() as connection:
            dialect = settings.url.get_backend_name()
            found = draft_of_database(
                connection, lambda tables: faults_on_database(tables, backend, dialect), own_names(), schema, only
            )
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
