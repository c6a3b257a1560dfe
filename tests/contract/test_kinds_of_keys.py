"""References to keys of every kind, checked as a set: by leaving out triggers, or by making the foreign keys anew."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from batching import Batches
from conftest import owning_as_plain
from loading import Tables, counts, lines
from owning import ServiceOf
from restoring import Restores, counts as changes
from rowferry.backends import referred_keys
from rowferry.backends.postgresql import writer as postgresql_writer
from rowferry.backends.referred_keys import _MOST
from rowferry.backends.sqlite import writer as sqlite_writer
from rowferry.judging import references
from rowferry.operations import full_bulk_insert, restore_table

KEYS = {
    "String(20)": ["a b", '"é""%s"', "{x}", "NULL", "1"],
    "SmallInteger": ["-32768", "0", "7", "8", "32767"],
    "Integer": ["-2147483648", "0", "7", "8", "2147483647"],
    "BigInteger": ["-9223372036854775808", "0", "7", "8", "9223372036854775807"],
    "Date": ["0001-01-01", "2021-02-28", "2024-02-29", "2024-03-01", "9999-12-31"],
    "Numeric(12, 2)": ["-1.50", "0.00", "0.01", "7", "9999999999.99"],
    "CHAR(4)": ["ab", "abcd", " a", "x", "1"],
    "Enum('a b', 'c', 'd', 'e', '1', name='letter')": ["a b", "c", "d", "e", "1"],
    "Uuid": [f"0190a5e8-3c4d-7b2a-9f61-{number:012x}" for number in (0, 1, 10, 255, 2**48 - 1)],
    "DateTime(timezone=True)": [f"2021-05-30T05:43:46.00000{digit}Z" for digit in range(5)],
}

SOURCE = """\
from sqlalchemy import *
metadata = MetaData()
parents = Table("parents", metadata, Column("key", {kind}, primary_key=True, autoincrement=False))
children = Table(
    "children", metadata, Column("parent", {kind}, ForeignKey("parents.key"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False), Column("other", {kind}, ForeignKey("parents.key"))
)
"""


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows take the ways of many."""
    monkeypatch.setattr(full_bulk_insert, "_BULK_BYTES", 0)
    monkeypatch.setattr(restore_table, "_BULK_ROWS", 0)
    monkeypatch.setattr(postgresql_writer, "BULK_ROWS", 0)
    monkeypatch.setattr(sqlite_writer, "_BULK_ROWS", 0)
    monkeypatch.setattr(references, "_PAGE", 2)


@pytest.fixture
def family(request: pytest.FixtureRequest, service_of: ServiceOf, tmp_path: Path, kind: str) -> Iterator[Tables]:
    """Parents of a kind, and tables for their children, which may be those of an owner without other rights."""
    tables = Tables(service_of(SOURCE.format(kind=kind)), tmp_path)
    tables.put("parents.csv", "key\n" + lines([_cell(key)] for key in KEYS[kind]))
    with owning_as_plain(tables) if request.param == "owner" else nullcontext():
        yield tables


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize(
    ("new_database", "family", "held"),
    [
        ("sqlite", "any", _MOST),
        ("sqlite", "any", 0),
        ("postgresql", "any", _MOST),
        ("postgresql", "any", 0),
        ("postgresql", "owner", _MOST),
    ],
    indirect=["new_database", "family"],
)
def test_children_are_loaded_and_restored(
    family: Tables, kind: str, held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(referred_keys, "_MOST", held)
    keys = [_cell(key) for key in KEYS[kind]]
    rows = [(key, number, keys[number % 5]) for number in range(6) for key in keys]
    first, changed = rows[:20], [(key, number, keys[0]) for key, number, _ in rows[:10]]
    assert counts(family.put("children.csv", lines(first))) == (20, 20, 0, 0, 0)
    kept, restores = family.rows("children"), Restores(family)
    source = restores.keep("children")
    updated = family.put("children.csv", lines(changed + rows[20:]), on_conflict="update")
    assert (updated.total("inserted"), updated.total("rejected")) == (10, 0)
    family.execute("DELETE FROM children WHERE number = 2")
    receipt = restores.restore(source)
    assert changes(receipt)[0] == 5
    assert family.rows("children") == kept
    family.execute("DELETE FROM children")
    assert changes(restores.restore(source)) == (20, 0, 0, 0, 0)
    assert family.rows("children") == kept
    with pytest.raises(IntegrityError), family.service.backend.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM parents"))


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize(("new_database", "family"), [("sqlite", "any"), ("postgresql", "any")], indirect=True)
def test_children_come_in_batches_and_are_restored_with_their_parents(family: Tables, kind: str) -> None:
    rows = [{"parent": key, "number": number, "other": KEYS[kind][number]} for number in range(5) for key in KEYS[kind]]
    assert Batches(family).put({"children": rows}).inserted == {"children": 25}
    restores = Restores(family)
    kept = [restores.keep(table) for table in ("parents", "children")]
    before = family.everything()
    family.execute("DELETE FROM children")
    assert restores.restore(*kept).total("added") == 25
    assert family.everything() == before
