"""Tables without a primary key: duplicates are data, all rows are new, and a restore counts rows that are alike."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from batching import Batches
from loading import Tables, counts
from owning import HEAD, ServiceOf
from restoring import Restores, counts as changes
from rowferry.errors import KeyUnfit, ValueUnstorable, ViewWithoutKey
from rowferry.operations.read_rows import position_behind, read_rows
from speaking import only_postgresql, sql_of

EVENTS = HEAD + (
    'places = Table("places", metadata, Column("id", Integer, primary_key=True, autoincrement=False))\n'
    'events = Table("events", metadata, Column("name", String(20), nullable=False), Column("size", Integer),\n'
    '               Column("place_id", ForeignKey("places.id")), Column("code", String(9), unique=True))\n'
)

ROWS = "a,1,1,\na,1,1,\nb,,,x\nb,,,y\n"


@pytest.fixture
def events(service_of: ServiceOf, tmp_path: Path) -> Tables:
    tables = Tables(service_of(EVENTS), tmp_path)
    tables.put("places.csv", "1\n2\n")
    return tables


def found(events: Tables) -> Counter[tuple[Any, ...]]:
    with events.service.backend.engine.connect() as connection:
        return Counter(map(tuple, connection.execute(sa.select(events.service.catalog.table("events").table))))


def test_each_row_is_another_one(events: Tables) -> None:
    loaded = events.put("events.csv", ROWS)
    assert counts(loaded) == (4, 4, 0, 0, 0)
    again = "the table has no primary key: if the file is loaded again, its rows are inserted again"
    assert loaded.tables[0].notes == [f"{again}, unless their unique values prevent it"]
    assert counts(events.put("events.csv", ROWS, on_conflict="update")) == (4, 2, 0, 0, 2)
    assert events.codes() == [(3, ["key.conflict"]), (4, ["key.conflict"])]
    assert counts(events.put("events.csv", "name,code\nc,z\nc,z\n,\n")) == (3, 1, 0, 0, 2)
    assert events.codes() == [(3, ["key.duplicate"]), (4, ["value.required"])]
    assert counts(events.put("events.csv", ",1,1,\n")) == (1, 0, 0, 0, 1), "none of the rows is looked up"
    receipt = Batches(events).put(
        {"events": [{"name": "a", "size": 1, "place_id": 1}] * 2 + [{"name": "d", "place_id": 9}]}
    )
    assert (receipt.inserted, [row.index for row in receipt.rejected]) == ({"events": 2}, [2])
    assert found(events) == {
        ("a", 1, 1, None): 6,
        ("b", None, None, "x"): 1,
        ("b", None, None, "y"): 1,
        ("c", None, None, "z"): 1,
    }


def pages(events: Tables, limit: int) -> Iterator[dict[str, Any]]:
    rules, after = events.service.catalog.table("events"), None
    while rows := read_rows(events.service.backend, rules, after, limit):
        yield from rows
        after = position_behind(rules, rows[-1], after, limit)


def test_pages_pass_over_a_number_of_rows(events: Tables) -> None:
    events.put("events.csv", ROWS)
    assert [row["name"] for row in pages(events, 3)] == ["a", "a", "b", "b"]
    for after in (["x"], ["1", "2"], ["-1"]):
        with pytest.raises(KeyUnfit):
            read_rows(events.service.backend, events.service.catalog.table("events"), after, 1)


def test_a_restore_changes_what_differs(events: Tables) -> None:
    events.put("events.csv", ROWS)
    restores, before = Restores(events), found(events)
    backup = restores.back_up("events")
    events.execute("DELETE FROM events WHERE code = 'x'")
    events.execute("INSERT INTO events (name) VALUES ('surplus')")
    rehearsed = restores.rehearse(backup)
    receipt = restores.restore(backup)
    assert changes(rehearsed) == changes(receipt) == (1, 0, 1, 3, 0)
    assert receipt.tables[0].examples["added"] == [{"name": "b", "size": None, "place_id": None, "code": "x"}]
    assert found(events) == before
    assert changes(restores.restore(backup)) == (0, 0, 0, 4, 0)
    events.execute("INSERT INTO events (name, size, place_id) VALUES ('a', 1, 1)")
    assert changes(restores.restore(backup)) == (0, 0, 1, 4, 0), "one of three that are alike"
    events.execute("UPDATE events SET size = 7 WHERE code = 'y'")
    receipt = restores.restore(backup)
    assert changes(receipt) == (0, 1, 0, 3, 0), "by its code it is the same row"
    assert receipt.tables[0].examples["changed"][0]["columns"] == ["size"]
    assert found(events) == before
    events.execute("DELETE FROM events")
    assert changes(restores.restore(backup)) == (4, 0, 0, 0, 0)
    assert found(events) == before


def test_many_rows(events: Tables) -> None:
    """By the ways that are for many rows, into a table that is empty and into one that is not."""
    many = "".join(f"{'n' * 20},{number % 7},1,\n" for number in range(24_000))
    for _ in range(2):
        assert counts(events.put("events.csv", many)) == (24_000, 24_000, 0, 0, 0)
    restores, before = Restores(events), found(events)
    backup = restores.back_up("events")
    events.execute("UPDATE events SET size = 9 WHERE size = 1")
    assert changes(restores.restore(backup)) == (6_858, 0, 6_858, 41_142, 0)
    events.execute("DELETE FROM events")
    assert changes(restores.restore(backup)) == (48_000, 0, 0, 0, 0)
    assert found(events) == before


CODES = HEAD + (
    'codes = Table("codes", metadata, Column("code", String(9), unique=True), Column("note", String(9)))\n'
    'uses = Table("uses", metadata, Column("id", Integer, primary_key=True, autoincrement=False),\n'
    '    Column("code", String(9), ForeignKey("codes.code", ondelete="ACTION")))\n'
)


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL", "NO ACTION"])
def test_rows_that_others_refer_to_are_not_lost(service_of: ServiceOf, tmp_path: Path, action: str) -> None:
    tables = Tables(service_of(CODES.replace("ACTION", action)), tmp_path)
    tables.put("codes.csv", "a,x\nb,x\n,x\n")
    tables.put("uses.csv", "1,a\n2,b\n")
    restores, uses = Restores(tables), tables.rows("uses")
    codes = restores.back_up("codes")
    assert changes(restores.restore(codes)) == (0, 0, 0, 3, 0)
    tables.execute("UPDATE codes SET note = 'y'", "INSERT INTO codes VALUES ('c', 'x'), (NULL, 'z')")
    assert changes(restores.restore(codes)) == (1, 2, 3, 0, 0)
    assert tables.rows("uses") == uses
    tables.execute("INSERT INTO codes VALUES ('c', 'x')", "INSERT INTO uses VALUES (3, 'c')")
    before = tables.everything()
    (obstacle,) = restores.restore(codes).obstacles
    assert (obstacle.kind, obstacle.rows, obstacle.examples) == ("referred_to", 1, [{"code": "c"}])
    assert "(by code) to rows of codes that the backup lacks: code c" in obstacle.message
    assert tables.everything() == before


def test_a_table_is_restored_with_what_refers_to_it(service_of: ServiceOf, tmp_path: Path) -> None:
    tables = Tables(service_of(CODES.replace("ACTION", "CASCADE")), tmp_path)
    tables.put("codes.csv", "a,x\nb,x\n,x\n,x\n")
    tables.put("uses.csv", "1,a\n2,b\n")
    restores = Restores(tables)
    kept = restores.keep("codes"), restores.keep("uses")
    before = tables.everything()
    tables.execute("DELETE FROM uses WHERE id = 2", "DELETE FROM codes WHERE code = 'b' OR code IS NULL")
    tables.execute("INSERT INTO codes VALUES ('c', 'x')", "UPDATE codes SET note = 'y'")
    tables.execute("INSERT INTO uses VALUES (3, 'c'), (4, 'a')")
    assert changes(restores.restore(*kept)) == (4, 1, 3, 1, 0)
    assert {name: sorted(rows, key=repr) for name, rows in tables.everything().items()} == {
        name: sorted(rows, key=repr) for name, rows in before.items()
    }


def test_a_view_is_not_restored(service_of: ServiceOf, tmp_path: Path) -> None:
    tables = Tables(service_of(CODES.replace("ACTION", "CASCADE")), tmp_path)
    kept = Restores(tables).keep("codes", [("a", "x")])
    tables.execute("DROP TABLE uses", "ALTER TABLE codes RENAME TO all_codes")
    tables.execute("CREATE VIEW codes AS SELECT * FROM all_codes")
    with pytest.raises(ViewWithoutKey, match="codes is a view without a key"):
        Restores(tables).restore(kept)


@only_postgresql
def test_many_columns(service_of: ServiceOf, tmp_path: Path) -> None:
    columns = '*[Column(f"c{at}", Integer, unique=at == 0) for at in range(900)]'
    tables = Tables(service_of(HEAD + f'wide = Table("wide", metadata, {columns})\n'), tmp_path)
    tables.execute("INSERT INTO wide (c0, c1) VALUES (1, 1), (NULL, NULL), (NULL, NULL)")
    backup = Restores(tables).back_up("wide")
    tables.execute("UPDATE wide SET c1 = 2 WHERE c0 = 1")
    receipt = Restores(tables).restore(backup)
    assert changes(receipt) == (0, 1, 0, 2, 0)
    assert receipt.tables[0].examples["changed"] == [{"key": {"c0": 1}, "columns": ["c1"]}]


def test_a_null_where_the_model_has_none_is_no_empty_text(service_of: ServiceOf, tmp_path: Path) -> None:
    tables = Tables(
        service_of(HEAD + 'words = Table("words", metadata, Column("word", String(9), nullable=False))'), tmp_path
    )
    tables.execute(*sql_of(tables.service.backend.engine).allow_null("words", "word", "word VARCHAR(9)"))
    tables.execute("INSERT INTO words VALUES (NULL)")
    with pytest.raises(ValueUnstorable):
        Restores(tables).back_up("words")


def test_values_that_a_database_holds_to_be_equal_to_none_come_back(service_of: ServiceOf, tmp_path: Path) -> None:
    notes = 'notes = Table("notes", metadata, Column("note", JSON), Column("name", String(9)))\n'
    tables = Tables(service_of(HEAD + "from sqlalchemy import JSON\n" + notes), tmp_path)
    assert counts(tables.put("notes.csv", '"{""a"": 1.0}",x\n"{""a"": 1.0}",x\n[],\n')) == (3, 3, 0, 0, 0)
    backup = Restores(tables).back_up("notes")
    tables.execute("DELETE FROM notes")
    assert changes(Restores(tables).restore(backup))[0] == 3
    assert tables.count("notes") == 3
