"""Tables whose keys only the class knows: nothing in the database keeps two rows from having the same one."""

from pathlib import Path

import pytest

from batching import Batches
from loading import Tables, lines
from owning import HEAD, ServiceOf
from restoring import Restores
from rowferry.errors import KeyNotUnique
from speaking import only_postgresql

MODELS = (
    HEAD
    + """
Table("pay", metadata, Column("id", Integer, primary_key=True, autoincrement=False), Column("amount", Integer))
"""
)


@pytest.fixture
def tables(service_of: ServiceOf, tmp_path: Path) -> Tables:
    """The table `pay` with two rows, and nothing that is unique."""
    found = Tables(service_of(MODELS), tmp_path)
    found.execute("DROP TABLE pay", "CREATE TABLE pay (id INTEGER NOT NULL, amount INTEGER)")
    found.put("pay.csv", "1,10\n2,20\n")
    return found


@pytest.mark.parametrize("amount", [20, 21])
def test_nothing_is_done_with_rows_of_the_same_key(tables: Tables, amount: int) -> None:
    restores = Restores(tables)
    kept = restores.back_up("pay")
    tables.execute(f"INSERT INTO pay VALUES (2, {amount})")
    before = tables.everything()
    with pytest.raises(KeyNotUnique, match="pay has several rows with the key id 2") as caught:
        restores.back_up("pay")
    assert "make the columns of the key unique" in caught.value.advice
    with pytest.raises(KeyNotUnique):
        restores.restore(kept)
    for content in ("2,20\n", "2,22\n"):
        tables.fail(KeyNotUnique, tables.write("pay.csv", content), on_conflict="update")
    with pytest.raises(KeyNotUnique):
        Batches(tables).put({"pay": [{"id": 2, "amount": 22}]}, on_conflict="update")
    assert tables.everything() == before


def test_a_backup_loses_no_row_between_two_pages(tables: Tables) -> None:
    """The next page begins behind the last key of the one before."""
    tables.put("pay.csv", lines((number, number) for number in range(3, 16_385)))
    tables.execute("INSERT INTO pay VALUES (16384, 1)")
    with pytest.raises(KeyNotUnique, match="id 16384"):
        Restores(tables).back_up("pay")


@pytest.mark.parametrize(
    ("index", "is_enough"),
    [
        ("CREATE UNIQUE INDEX one ON pay (id)", True),
        ("CREATE UNIQUE INDEX one ON pay (id, amount)", False),
        ("CREATE UNIQUE INDEX one ON pay (id) WHERE id > 0", False),
        ("CREATE UNIQUE INDEX one ON pay (abs(id))", False),
        ("CREATE INDEX one ON pay (id)", False),
    ],
)
def test_what_keeps_keys_distinct(tables: Tables, index: str, is_enough: bool) -> None:
    tables.execute(index)
    backend = tables.service.backend
    with backend.engine.connect() as connection:
        assert backend.keeps_keys_distinct(connection, tables.service.catalog.table("pay")) == is_enough


@only_postgresql
def test_rows_of_heirs_have_keys_of_their_own(tables: Tables) -> None:
    tables.execute(
        "ALTER TABLE pay ADD PRIMARY KEY (id)",
        "CREATE TABLE heir () INHERITS (pay)",
        "INSERT INTO heir VALUES (2, 20)",
    )
    with pytest.raises(KeyNotUnique, match="several rows with the key id 2"):
        Restores(tables).back_up("pay")
