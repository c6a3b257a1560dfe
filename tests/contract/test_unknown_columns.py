"""Tables that have more columns than their classes: the database fills them, or says at the start that it cannot."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from batching import Batches
from databases import NewDatabase
from loading import Tables, counts, lines
from owning import HEAD
from restoring import Restores, counts as restored
from rowferry.bootstrap import Service
from rowferry.errors import SchemaDiffers, UniqueBroken
from rowferry.events import BackupWritten, Event
from speaking import only_postgresql

MODELS = (
    HEAD
    + """
Table(
    "people", metadata,
    Column("id", Integer, primary_key=True, autoincrement=False), Column("name", String(40), nullable=False),
    Column("code", String(10), unique=True),
)
"""
)

KNOWN = "id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL, code VARCHAR(10) UNIQUE"
UNKNOWN = "note VARCHAR(20), seen INTEGER NOT NULL DEFAULT 7, twice INTEGER GENERATED ALWAYS AS (id * 2) STORED"

Serve = Callable[..., Tables]


@pytest.fixture
def serve(
    new_database: NewDatabase, new_service: Callable[..., Service], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Serve:
    """Serves `people` from a database where statements were executed first."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "people_table.py").write_text(MODELS)

    def start(*statements: str) -> Tables:
        url = new_database("kind_tables")
        engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        engine.dispose()
        return Tables(new_service("people_table", url), tmp_path)

    return start


@pytest.fixture
def tables(serve: Serve) -> Tables:
    """Two rows that have notes."""
    insert = "INSERT INTO people (id, name, code, note) VALUES (1, 'Ann', 'a', 'tall'), (2, 'Bo', 'b', 'small')"
    return serve(f"CREATE TABLE people ({KNOWN}, {UNKNOWN})", insert)


def unknown(tables: Tables) -> list[tuple[object, ...]]:
    """What the class does not know of each row."""
    with tables.service.backend.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql("SELECT id, note, seen, twice FROM people ORDER BY 1")]


def test_loads_and_batches_leave_unknown_columns_to_the_database(tables: Tables) -> None:
    content = "1,Ann,a\n2,Bob,b\n3,Cy,c\n"
    assert counts(tables.put("people.csv", content, on_conflict="update")) == (3, 1, 1, 1, 0)
    assert counts(tables.put("people.csv", content)) == (3, 0, 0, 3, 0)
    rows = [{"id": 4, "name": "Di", "code": "d"}, {"id": 1, "name": "Anna", "code": "a"}]
    Batches(tables).put({"people": rows}, on_conflict="update")
    assert unknown(tables) == [(1, "tall", 7, 2), (2, "small", 7, 4), (3, None, 7, 6), (4, None, 7, 8)]


def test_rows_that_would_lose_unknown_columns_are_not_made_anew(tables: Tables) -> None:
    """That is how values that are unique swap rows otherwise."""
    tables.fail(UniqueBroken, tables.write("people.csv", "1,Ann,b\n2,Bo,a\n"), on_conflict="update")
    with pytest.raises(UniqueBroken):
        rows = [{"id": 1, "name": "Ann", "code": "b"}, {"id": 2, "name": "Bo", "code": "a"}]
        Batches(tables).put({"people": rows}, on_conflict="update")
    assert unknown(tables) == [(1, "tall", 7, 2), (2, "small", 7, 4)]


@pytest.mark.parametrize("before", ["DELETE FROM people", "UPDATE people SET seen = 8"])
def test_many_rows_leave_unknown_columns_to_the_database(tables: Tables, before: str) -> None:
    """Also where they take the fastest ways, into an empty table and behind its rows."""
    tables.execute(before)
    kept = unknown(tables)
    for first in (10, 10_010):
        rows = range(first, first + 10_000)
        receipt = tables.put("people.csv", lines((number, f"Name {number}", number) for number in rows))
        assert counts(receipt) == (10_000, 10_000, 0, 0, 0)
    assert unknown(tables) == [*kept, *((number, None, 7, 2 * number) for number in range(10, 20_010))]


def test_backups_and_restores_tell_of_unknown_columns(tables: Tables) -> None:
    """Rows that are in the table keep their values; of those that are not, nobody has them."""
    restores, told = Restores(tables), list[Event]()
    kept = restores.back_up("people", told.append)
    (written,) = (event for event in told if isinstance(event, BackupWritten))
    assert written.notes == (
        "the backup does not contain note, seen, which the class of the table lacks; rows that a restore adds have "
        "what the database puts there",
    )
    tables.execute("UPDATE people SET name = 'Ada' WHERE id = 1")
    assert restores.restore(kept).tables[0].notes == []
    tables.execute("UPDATE people SET name = 'Ada' WHERE id = 1", "DELETE FROM people WHERE id = 2")
    notes = [
        "backups do not contain note, seen, which the class of the table lacks; rows that are added have what the "
        "database puts there"
    ]
    assert restores.rehearse(kept).tables[0].notes == notes
    receipt = restores.restore(kept)
    assert (restored(receipt), receipt.tables[0].notes) == ((1, 1, 0, 0, 0), notes)
    assert unknown(tables) == [(1, "tall", 7, 2), (2, None, 7, 4)]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (f"{KNOWN}, tenant INTEGER NOT NULL", r"it also has tenant \(required, but without a default\)"),
        (f"{KNOWN}, tenant INTEGER NOT NULL DEFAULT NULL", r"it also has tenant \(required, but without a default\)"),
        (
            "id INTEGER, name VARCHAR(40), code VARCHAR(10), tenant INTEGER DEFAULT 1, PRIMARY KEY (id, tenant)",
            r"it also has tenant \(part of the primary key\)",
        ),
    ],
)
def test_columns_that_nobody_fills_are_named_at_the_start(serve: Serve, columns: str, reason: str) -> None:
    with pytest.raises(SchemaDiffers, match=reason) as caught:
        serve(f"CREATE TABLE people ({columns})")
    assert "let it be nullable, or give it a default" in caught.value.advice


@only_postgresql
@pytest.mark.parametrize(
    ("columns", "more"),
    [
        ("tenant INTEGER NOT NULL GENERATED ALWAYS AS IDENTITY", ()),
        ("tenant serial", ()),
        ("tenant tenants", ("CREATE DOMAIN tenants AS integer DEFAULT 1 NOT NULL",)),
    ],
)
def test_columns_that_the_database_fills_otherwise(serve: Serve, columns: str, more: tuple[str, ...]) -> None:
    tables = serve(*more, f"CREATE TABLE people ({KNOWN}, {columns})")
    assert counts(tables.put("people.csv", "1,Ann,a\n")) == (1, 1, 0, 0, 0)
    assert tables.count("people WHERE tenant = 1") == 1


@only_postgresql
@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (KNOWN.replace("id INTEGER", "id INTEGER GENERATED ALWAYS AS IDENTITY"), "id .*declare it with Identity"),
        ("id INTEGER, name VARCHAR(40), code INTEGER GENERATED ALWAYS AS IDENTITY", "code .*leave it out of the class"),
    ],
)
def test_columns_that_take_no_values_are_named_at_the_start(serve: Serve, columns: str, reason: str) -> None:
    with pytest.raises(SchemaDiffers, match=f"it also has {reason}"):
        serve(f"CREATE TABLE people ({columns})")


@only_postgresql
def test_a_column_that_a_trigger_fills(serve: Serve) -> None:
    function = "CREATE FUNCTION fills() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {}; RETURN new; END $$"
    tables = serve(
        f"CREATE TABLE people ({KNOWN}, tenant INTEGER NOT NULL)",
        function.format("IF new.id < 3 THEN new.tenant := 1; END IF"),
        "CREATE TRIGGER fills BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION fills()",
    )
    assert counts(tables.put("people.csv", "1,Ann,a\n2,Bo,b\n3,Cy,c\n")) == (3, 2, 0, 0, 1)
    assert tables.codes() == [(3, ["database.not_null"])]
