"""A user's own tables keep what docs/howto/own-tables.md promises."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from batching import Batches, codes
from loading import Tables, counts, employees
from restoring import Restores
from rowferry.bootstrap import Service, check_settings
from rowferry.errors import ModelsUnusable, SchemaDiffers, SettingInvalid, UniqueBroken

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "own-tables.md"

HEAD = """\
from sqlalchemy import REAL, Double, Float, Integer, Numeric
from sqlalchemy import CheckConstraint, Column, Computed, Identity, MetaData, Table

metadata = MetaData()
"""

ServiceOf = Callable[[str], Service]


@pytest.fixture
def service_of(
    new_service: Callable[..., Service], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ServiceOf]:
    """Starts a service on the tables of a module, given by its source."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "own_tables", raising=False)

    def start(source: str) -> Service:
        (tmp_path / "own_tables.py").write_text(source)
        return new_service("own_tables")

    yield start
    sys.modules.pop("own_tables", None)


def test_the_documented_tables_are_judged_row_by_row(service_of: ServiceOf, tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    ships = Tables(service_of(example), tmp_path)
    assert counts(ships.put("ships.csv", "1,Ann,5\n2,Ben,\n3,Cid,-5\n4,Dot,0\n")) == (4, 2, 0, 0, 2)
    assert ships.codes() == [(3, ["value.check"]), (4, ["value.check"])]
    assert "tonnage > 0" in ships.rejects()[0]["errors"][0]["message"]
    rows = [{"id": 5, "name": "Eve", "tonnage": 9}, {"id": 6, "name": "Flo", "tonnage": -1}]
    receipt = Batches(ships).put({"ships": rows, "trips": [{"id": 1, "ship_id": 5}]})
    assert codes(receipt) == [("ships", 1, [(None, "value.check")])]
    assert ships.rows("ships") == [(1, "Ann", 5), (2, "Ben", None), (5, "Eve", 9)]


def test_checks_may_have_names_and_be_expressions(service_of: ServiceOf, tmp_path: Path) -> None:
    source = HEAD + (
        'number = Column("id", Integer, primary_key=True)\n'
        'size = Column("size", Integer, CheckConstraint("size < 9", name="size_is_small"), nullable=False)\n'
        'boxes = Table("boxes", metadata, number, size, CheckConstraint(size % 2 == 0))\n'
    )
    boxes = Tables(service_of(source), tmp_path)
    assert counts(boxes.put("boxes.csv", "1,2\n2,3\n3,10\n4,11\n")) == (4, 1, 0, 0, 3)
    assert boxes.codes() == [(2, ["value.check"]), (3, ["value.check"]), (4, ["value.check"] * 2)]
    assert "size_is_small" in boxes.rejects()[1]["errors"][0]["message"]


@pytest.mark.parametrize(
    ("name", "column", "told"),
    [
        ("boxes", 'Column("size", Integer, Computed("id * 2"))', "boxes.size: the database makes its values"),
        ("boxes", 'Column("size", Integer, Identity(always=True))', "boxes.size: the database makes its values"),
        ("boxes", 'Column("size", Float(24))', "boxes.size: no support for Float"),
        ("boxes", 'Column("size", REAL())', "boxes.size: no support for REAL"),
        ("boxes", 'schema="sea"', "boxes has its schema, sea, in its class; name it in the URL"),
        ("loads", 'Column("size", Integer)', "loads is the name of a table of Rowferry's own"),
        ("Backups", 'Column("size", Integer)', "Backups is the name"),
        ("rowferry_schema", 'Column("size", Integer)', "rowferry_schema is the name"),
    ],
)
def test_what_is_not_supported_is_said_at_the_start(
    service_of: ServiceOf, monkeypatch: pytest.MonkeyPatch, name: str, column: str, told: str
) -> None:
    source = HEAD + f'boxes = Table("{name}", metadata, Column("id", Integer, primary_key=True), {column})\n'
    with pytest.raises(ModelsUnusable, match=re.escape(told)):
        service_of(source)
    monkeypatch.setenv("ROWFERRY_MODELS", "own_tables")
    with pytest.raises(SettingInvalid, match=re.escape(told)):
        check_settings()


def test_decimals_that_the_database_does_not_keep_are_said_at_the_start(
    service_of: ServiceOf, database_url: str, tmp_path: Path
) -> None:
    source = HEAD + (
        'prices = Table("prices", metadata, Column("id", Integer, primary_key=True), Column("price", Numeric(20, 2)))\n'
    )
    if database_url.startswith("sqlite"):
        with pytest.raises(ModelsUnusable, match=r"SQLite keeps 15 digits of a decimal, prices\.price has 20"):
            service_of(source)
    else:
        prices = Tables(service_of(source), tmp_path)
        assert counts(prices.put("prices.csv", "1,123456789012345678.90\n")) == (1, 1, 0, 0, 0)


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_keys_that_the_database_does_not_keep_apart_are_said_at_the_start(
    service_of: ServiceOf, new_service: Callable[..., Service], new_database: Callable[[], str], tmp_path: Path
) -> None:
    source = HEAD + (
        'from sqlalchemy import String\nkey = Column("code", String(9, collation="NOCASE"), primary_key=True)\n'
        'codes = Table("codes", metadata, key, Column("note", String(9, collation="NOCASE")))\n'
    )
    with pytest.raises(ModelsUnusable, match=r"by the collation NOCASE of codes\.code, SQLite takes different texts"):
        service_of(source)
    sys.modules.pop("own_tables", None)
    kept = source.replace('String(9, collation="NOCASE"), primary', "String(9), primary")
    codes = Tables(service_of(kept), tmp_path)
    assert counts(codes.put("codes.csv", "abc,Bob\nABC,Rob\n")) == (2, 2, 0, 0, 0)
    changes = [{"code": "abc", "note": "bob"}, {"code": "ABC", "note": "Rob"}]
    receipt = Batches(codes).put({"codes": changes}, on_conflict="update")
    assert (receipt.updated, receipt.unchanged) == ({"codes": 1}, {"codes": 1})
    assert counts(codes.put("codes.csv", "abc,BOB\nABC,Rob\n", on_conflict="update")) == (2, 0, 1, 1, 0)
    assert codes.rows("codes") == [("ABC", "Rob"), ("abc", "BOB")]
    codes.execute("DROP TABLE codes")
    codes.execute("CREATE TABLE codes (code VARCHAR(9) COLLATE NoCase PRIMARY KEY, note VARCHAR(9))")
    with pytest.raises(SchemaDiffers, match="it also has code COLLATE NoCase"):
        new_service("own_tables", url=codes.service.settings.url.render_as_string())


def test_numbers_of_64_bits_are_supported_by_whatever_name(service_of: ServiceOf, tmp_path: Path) -> None:
    columns = 'Column("a", Float(53)), Column("b", Double()), Column("c", Float())'
    source = HEAD + f'sizes = Table("sizes", metadata, Column("id", Integer, primary_key=True), {columns})\n'
    sizes = Tables(service_of(source), tmp_path)
    assert counts(sizes.put("sizes.csv", "1,0.1,0.1,0.1\n")) == (1, 1, 0, 0, 0)
    assert sizes.rows("sizes") == [(1, 0.1, 0.1, 0.1)]


def test_a_value_that_is_not_unique_is_told_with_its_column(service_of: ServiceOf, tmp_path: Path) -> None:
    source = HEAD + (
        'number = Column("id", Integer, primary_key=True)\n'
        'boxes = Table("boxes", metadata, number, Column("label_no", Integer, unique=True))\n'
    )
    boxes = Tables(service_of(source), tmp_path)
    error = boxes.fail(UniqueBroken, boxes.write("boxes.csv", "1,7\n2,8\n3,7\n"))
    assert "label_no" in error.message
    assert len(boxes.loads()) == 1
    with pytest.raises(UniqueBroken, match="label_no"):
        Batches(boxes).put({"boxes": [{"id": 1, "label_no": 7}, {"id": 2, "label_no": 7}]})
    assert boxes.rows("boxes") == []


@pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)
def test_tables_of_another_schema_are_served_by_the_url(
    new_database: Callable[[], str], new_service: Callable[..., Service], tmp_path: Path
) -> None:
    url = new_database()
    public = Tables(new_service(url=url), tmp_path).with_parents()
    public.execute("CREATE SCHEMA sea")
    told = {"options": "-csearch_path=sea", "application_name": "sailor"}
    sea = sa.make_url(url).update_query_dict(told).render_as_string(hide_password=False)
    tables = Tables(new_service(url=sea), tmp_path).with_parents()
    with tables.service.backend.engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW application_name").scalar_one() == "sailor"
    assert counts(tables.put("hired_employees.csv", employees(20_000))) == (20_000, 20_000, 0, 0, 0)
    restores = Restores(tables)
    source = restores.back_up("hired_employees")
    tables.execute("DELETE FROM hired_employees WHERE id > 100")
    assert restores.restore(source).tables[0].added == 19_900
    assert len(tables.rows("hired_employees")) == 20_000
    assert public.rows("hired_employees") == []
    assert public.loads() != tables.loads()
