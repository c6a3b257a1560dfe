"""Columns whose type in PostgreSQL is not that of the class, but keeps its values: every way into the table takes them.

What the type refuses is rejected, by every way for the same reason.
"""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest

from batching import Batches, codes as batch_codes
from conftest import owning_as_plain
from loading import Tables, counts, lines
from owning import HEAD, ServiceOf
from restoring import Restores, counts as restored
from rowferry.backends import referred_keys
from rowferry.backends.postgresql import few_rows as postgresql_few_rows, writer as postgresql_writer
from rowferry.operations import full_bulk_insert, restore_table
from speaking import only_postgresql

pytestmark = only_postgresql


@dataclass(frozen=True)
class Type:
    """The types of a column in a class and in the database, and texts of values: two good ones, and one it refuses.

    What the column refers to may be of another type, `parent`.
    """

    model: str
    database: str
    good: tuple[str, str]
    bad: str | None = None
    before: str = "SELECT 1"
    using: str = ""
    parent: str = ""

    @property
    def alter(self) -> str:
        return f"TYPE {self.database}{f' USING {self.using}' if self.using else ''}"


TYPES = {
    "enumeration": Type(
        "String(20)",
        '"Mood %%s"',
        ("Fine", "It's"),
        "Odd",
        "CREATE TYPE \"Mood %%s\" AS ENUM ('It''s', 'Fine')",
        'v::"Mood %%s"',
    ),
    "domain of texts": Type(
        "String(20)", "good", ("Fine", "Sad"), "Odd", "CREATE DOMAIN good AS text CHECK (VALUE <> 'Odd')"
    ),
    "shorter texts": Type("String(20)", "varchar(5)", ("Fine", "Fine "), "Fine  !"),
    "domain of shorter texts": Type(
        "String(90)", "five", ("Fine", "Fine "), "Fine  !", "CREATE DOMAIN five AS varchar(5)"
    ),
    "collation": Type("String(20)", 'text COLLATE "C"', ("Fine", "fine")),
    "two collations": Type("String(20)", 'text COLLATE "C"', ("Fine", "fine"), parent='varchar(20) COLLATE "POSIX"'),
    "domain of integers": Type("Integer", "small", ("7", "8"), "99", "CREATE DOMAIN small AS int CHECK (VALUE < 99)"),
    "smallint": Type("Numeric(6, 0)", "smallint", ("7", "8"), "99999"),
    "bigint": Type("Numeric(6, 0)", "bigint", ("7", "999999")),
    "any numeric": Type("Numeric(6, 2)", "numeric", ("7.25", "7.50")),
    "shorter numeric": Type("Numeric(6, 2)", "numeric(4, 3)", ("7.25", "7.50"), "10.00"),
    "domain of decimals": Type("Numeric(6, 2)", "pay", ("7.25", "7.50"), "10.00", "CREATE DOMAIN pay AS numeric(4, 3)"),
    "local instants": Type(
        "DateTime(timezone=True)", "timestamp", ("2021-05-30T05:43:46Z", "2021-05-30T05:43:46.000001Z")
    ),
    "domain of instants": Type(
        "DateTime(timezone=True)",
        "late",
        ("2021-05-30T05:43:46Z", "2021-05-30T05:43:47Z"),
        "1999-01-01T00:00:00Z",
        "CREATE DOMAIN late AS timestamptz CHECK (VALUE > '2000-01-01Z')",
    ),
    "domain of dates": Type(
        "Date",
        "day",
        ("2021-05-30", "2021-05-31"),
        "1999-01-01",
        "CREATE DOMAIN day AS date CHECK (VALUE > '2000-1-1')",
    ),
}

OF_KEYS = [name for name in TYPES if "instants" not in name]

VALUES = HEAD + (
    'things = Table("things", metadata, Column("id", Integer, primary_key=True, autoincrement=False), '
    'Column("v", {}), Column("rest", String(9)))\n'
)
KEYS = HEAD + (
    'things = Table("things", metadata, Column("v", {}, primary_key=True, autoincrement=False), '
    'Column("id", Integer, primary_key=True, autoincrement=False), Column("rest", String(9)))\n'
)
UNIQUE = HEAD + (
    'things = Table("things", metadata, Column("id", Integer, primary_key=True, autoincrement=False), '
    'Column("v", {}, unique=True), Column("rest", String(9)))\n'
)
FAMILY = HEAD + (
    'parents = Table("parents", metadata, Column("v", {0}, primary_key=True, autoincrement=False))\n'
    'things = Table("things", metadata, Column("id", Integer, primary_key=True, autoincrement=False), '
    'Column("v", {0}, ForeignKey("parents.v")), Column("rest", String(9)))\n'
)


@pytest.fixture
def ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows take the ways of few, or of many, or of so many that what they refer to cannot be held."""
    if request.param == "more":
        monkeypatch.setattr(referred_keys, "_MOST", 0)
    if request.param != "few":
        monkeypatch.setattr(full_bulk_insert, "_BULK_BYTES", 0)
        monkeypatch.setattr(restore_table, "_BULK_ROWS", 0)
        monkeypatch.setattr(postgresql_writer, "BULK_ROWS", 0)
        monkeypatch.setattr(postgresql_few_rows, "_WORTH_IT", 0)


@dataclass
class Things:
    """A table with a column `v` of a type."""

    tables: Tables
    type: Type

    def csv(self, *values: tuple[int, str, str]) -> str:
        return lines([["id", "v", "rest"], *([number, f'"{value}"', rest] for number, value, rest in values)])

    def batch(self, *values: tuple[int, str, str]) -> dict[str, list[dict[str, object]]]:
        as_number = "Integer" in self.type.model
        return {"things": [{"id": n, "v": int(v) if as_number else v, "rest": rest} for n, v, rest in values]}

    def require_rejected(self, bad: int) -> None:
        """Every way rejects the row that the type refuses, and puts in the other."""
        if self.type.bad is None:
            return
        good = self.type.good[0]
        rows = [(bad, good, "x"), (bad + 1, self.type.bad, "x")]
        assert counts(self.tables.put("things.csv", self.csv(*rows))) == (2, 1, 0, 0, 1)
        ((number, (code,)),) = self.tables.codes()
        assert number == 3  # behind the header
        assert code.startswith(("database.", "value."))
        rows = [(bad + 2, good, "x"), (bad + 3, self.type.bad, "x")]
        receipt = Batches(self.tables).put(self.batch(*rows))
        assert receipt.inserted == {"things": 1}
        assert [(at, found) for _, at, [(_, found)] in batch_codes(receipt)] == [(1, code)]


@pytest.fixture
def things(
    request: pytest.FixtureRequest, service_of: ServiceOf, tmp_path: Path, name: str, source: str
) -> Iterator[Things]:
    kind = TYPES[name]
    tables = Tables(service_of(source.format(kind.model)), tmp_path)
    tables.execute(kind.before)
    if source is FAMILY:
        tables.execute("ALTER TABLE things DROP CONSTRAINT things_v_fkey")
        tables.execute(f"ALTER TABLE parents ALTER v {f'TYPE {kind.parent}' if kind.parent else kind.alter}")
    tables.execute(f"ALTER TABLE things ALTER v {kind.alter}")
    if source is FAMILY:
        tables.execute("ALTER TABLE things ADD FOREIGN KEY (v) REFERENCES parents")
    tables.service.start()
    with owning_as_plain(tables) if getattr(request, "param", "") == "owner" else nullcontext():
        yield Things(tables, kind)


@pytest.mark.usefixtures("ways")
@pytest.mark.parametrize("ways", ["few", "many"], indirect=True)
@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("source", [VALUES], ids=["value"])
def test_as_a_value(things: Things) -> None:
    tables, (value, other) = things.tables, things.type.good
    batches, restores = Batches(tables), Restores(tables)
    first = things.csv((1, value, "a"), (2, other, "a"))
    assert counts(tables.put("things.csv", first, dry_run=True)) == (2, 2, 0, 0, 0)
    assert counts(tables.put("things.csv", first)) == (2, 2, 0, 0, 0)
    assert counts(tables.put("things.csv", first)) == (2, 0, 0, 2, 0)
    kept, before = restores.back_up("things"), tables.rows("things")
    changed = things.csv((1, other, "a"), (2, other, "a"), (3, value, "a"))
    for options in ({"dry_run": True}, {}):
        assert counts(tables.put("things.csv", changed, on_conflict="update", **options)) == (3, 1, 1, 1, 0)
    receipt = batches.put(things.batch((1, value, "a"), (2, value, "a"), (4, other, "b")), on_conflict="update")
    assert (receipt.inserted, receipt.updated) == ({"things": 1}, {"things": 2})
    assert restored(restores.rehearse(kept)) == (0, 1, 2, 1, 0)
    assert restored(restores.restore(kept)) == (0, 1, 2, 1, 0)
    assert tables.rows("things") == before
    tables.execute("DELETE FROM things")
    assert restored(restores.restore(kept)) == (2, 0, 0, 0, 0)
    assert tables.rows("things") == before
    things.require_rejected(50)


@pytest.mark.usefixtures("ways")
@pytest.mark.parametrize("ways", ["few", "many"], indirect=True)
@pytest.mark.parametrize("name", OF_KEYS)
@pytest.mark.parametrize("source", [KEYS], ids=["key"])
def test_as_a_key(things: Things) -> None:
    tables, (value, other) = things.tables, things.type.good
    batches, restores = Batches(tables), Restores(tables)
    assert counts(tables.put("things.csv", things.csv((1, value, "a"), (1, other, "a")))) == (2, 2, 0, 0, 0)
    kept, before = restores.back_up("things"), tables.rows("things")
    changed = things.csv((1, value, "b"), (1, other, "a"), (2, value, "a"))
    for options in ({"dry_run": True}, {}):
        assert counts(tables.put("things.csv", changed, on_conflict="update", **options)) == (3, 1, 1, 1, 0)
    receipt = batches.put(things.batch((1, value, "c"), (1, other, "a"), (3, other, "a")), on_conflict="update")
    assert (receipt.inserted, receipt.updated, receipt.unchanged) == ({"things": 1}, {"things": 1}, {"things": 1})
    assert restored(restores.restore(kept)) == (0, 1, 2, 1, 0)
    assert tables.rows("things") == before
    things.require_rejected(50)


@pytest.mark.parametrize("name", OF_KEYS)
@pytest.mark.parametrize("source", [UNIQUE], ids=["unique"])
def test_as_a_unique_value(things: Things) -> None:
    tables, (value, other) = things.tables, things.type.good
    assert counts(tables.put("things.csv", things.csv((1, value, "a")))) == (1, 1, 0, 0, 0)
    assert counts(tables.put("things.csv", things.csv((2, value, "a"), (3, other, "a")))) == (2, 1, 0, 0, 1)
    assert tables.codes() == [(2, ["key.conflict"])]
    receipt = Batches(tables).put(things.batch((4, other, "a")))
    assert batch_codes(receipt) == [("things", 0, [("v", "key.conflict")])]


@pytest.mark.usefixtures("ways")
@pytest.mark.parametrize("name", OF_KEYS)
@pytest.mark.parametrize("source", [FAMILY], ids=["reference"])
@pytest.mark.parametrize(
    ("ways", "things"), [("few", "any"), ("many", "any"), ("many", "owner"), ("more", "any")], indirect=True
)
def test_as_a_reference(things: Things) -> None:
    tables, (value, other) = things.tables, things.type.good
    batches, restores = Batches(tables), Restores(tables)
    tables.put("parents.csv", lines([["v"], [f'"{value}"']]))
    parents = restores.back_up("parents")
    first = things.csv((1, value, "a"), (2, other, "a"))
    assert counts(tables.put("things.csv", first)) == (2, 1, 0, 0, 1)
    assert tables.codes() == [(3, ["reference.missing"])]
    assert batch_codes(batches.put(things.batch((2, other, "a")))) == [("things", 0, [("v", "reference.missing")])]
    tables.put("parents.csv", lines([["v"], [f'"{other}"']]))
    assert counts(tables.put("things.csv", first)) == (2, 1, 0, 1, 0)
    assert batches.put(things.batch((3, other, "a"), (4, value, "a"))).inserted == {"things": 2}
    kept = restores.back_up("things")
    assert restores.restore(parents).obstacles[0].kind == "referred_to"
    tables.execute("DELETE FROM things WHERE id > 1")
    assert restored(restores.restore(kept)) == (3, 0, 0, 1, 0)
    if things.type.bad:
        assert counts(tables.put("things.csv", things.csv((9, things.type.bad, "a")))) == (1, 0, 0, 0, 1)
        batch = batches.put(things.batch((9, things.type.bad, "a")))
        assert [code for *_, ((_, code),) in batch_codes(batch)] == ["reference.missing"]
