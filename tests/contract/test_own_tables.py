"""A user's own tables keep what docs/howto/own-tables.md promises."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from batching import Batches, codes
from databases import NewDatabase
from loading import Tables, counts, employees
from owning import HEAD, ServiceOf
from restoring import Restores
from rowferry.backends.capabilities import Capabilities
from rowferry.bootstrap import Service, check_settings
from rowferry.errors import ModelsUnusable, SchemaDiffers, SchemaMissing, SettingInvalid, UniqueBroken
from speaking import only_postgresql, only_sqlite, sql_of

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "own-tables.md"


def test_the_documented_tables_are_judged_row_by_row(service_of: ServiceOf, tmp_path: Path) -> None:
    example = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[0]
    ships = Tables(service_of(example), tmp_path)
    assert counts(ships.put("ships.csv", "1,Ann,5\n2,Ben,\n3,Cid,-5\n4,Dot,0\n")) == (4, 2, 0, 0, 2)
    assert ships.codes() == [(3, ["value.check"]), (4, ["value.check"])]
    assert "tonnage > 0" in ships.rejects()[0]["errors"][0]["message"]
    rows = [{"id": 5, "name": "Eve", "tonnage": 9}, {"id": 6, "name": "Flo", "tonnage": -1}]
    receipt = Batches(ships).put({"ships": rows, "trips": [{"id": 1, "ship_id": 5}]})
    assert codes(receipt) == [("ships", 1, [(None, "value.check")])]
    assert ships.rows("ships") == [(1, "Ann", 5), (2, "Ben", None), (5, "Eve", 9)]


def test_checks_on_good_values_are_told_beside_other_faults(service_of: ServiceOf, tmp_path: Path) -> None:
    source = HEAD + (
        'sizes = [Column(name, Integer) for name in ("least", "most")]\n'
        'name = Column("name", String(3), nullable=False)\n'
        'both = CheckConstraint("least IS NOT NULL AND most IS NOT NULL AND least <= most", name="in_order")\n'
        'boxes = Table("boxes", metadata, Column("id", Integer, primary_key=True), *sizes, name, both,\n'
        '              CheckConstraint("least > 0", name="positive"),\n'
        '              Column("paid", Integer), CheckConstraint("paid > 0"))\n'
    )
    boxes = Tables(service_of(source), tmp_path)
    rows = "1,1,2,ok,\n2,0,2,long,\n3,x,1,,\n4,3,2,,\n5,-1,y,,\n6,1,2,,\nx,1,2,ok,-1\n"
    assert counts(boxes.put("boxes.csv", rows)) == (7, 1, 0, 0, 6)
    assert boxes.codes() == [
        (2, ["value.check", "value.length"]),
        (3, ["value.type", "value.required"]),
        (4, ["value.check", "value.required"]),
        (5, ["value.check", "value.type", "value.required"]),
        (6, ["value.required"]),
        (7, ["value.check", "value.type"]),
    ]
    receipt = Batches(boxes).put({"boxes": [{"id": 7, "least": -1, "most": 2, "name": "ok", "colour": "red"}]})
    assert codes(receipt) == [("boxes", 0, [(None, "value.check"), ("colour", "value.unknown_column")])]


def test_a_check_beyond_computing_stops_nothing_in_a_row_that_is_rejected(
    service_of: ServiceOf, tmp_path: Path
) -> None:
    source = HEAD + (
        'sizes = [Column(name, Integer) for name in ("a", "b")]\n'
        'name = Column("name", String(3), nullable=False)\n'
        'key = Column("id", Integer, primary_key=True)\n'
        'boxes = Table("boxes", metadata, key, *sizes, name, CheckConstraint("a / b < 10"))\n'
    )
    boxes = Tables(service_of(source), tmp_path)
    assert counts(boxes.put("boxes.csv", "1,5,1,ok\n2,100,0,\n3,5,1,ok\n")) == (3, 2, 0, 0, 1)
    assert boxes.codes() == [(2, ["value.required"])]


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
        ("boxes", 'Column("size", Integer, Identity(always=True))', "boxes.size: the database generates its values"),
        ("boxes", 'Column("size", Numeric(77))', "boxes.size: unsupported type Numeric"),
        ("boxes", 'Column("at", Time(timezone=True))', "boxes.at: unsupported type Time"),
        (
            "boxes",
            'Column("hash", LargeBinary, unique=True)',
            "boxes.hash: type LargeBinary() cannot tell rows apart",
        ),
        ("boxes", 'Column("color", Enum())', "boxes.color: unsupported type Enum"),
        ("boxes", 'Column("ID", Integer)', "boxes: the columns id and ID differ only in case"),
        ("boxes", 'Column("size", Integer, key="volume")', "boxes.size: remove key='volume'"),
        ("boxes", 'Column("rowferry_at", Integer)', "boxes.rowferry_at: names that begin with rowferry_ are"),
        ("boxes", 'Column("a b", Integer), Column("a_x20_b", Integer)', "a b and a_x20_b would have the same name in"),
        ("rowferry_schema", 'Column("size", Integer)', "rowferry_schema: names that begin with rowferry_ are reserved"),
        ("Rowferry_loads", 'Column("size", Integer)', "Rowferry_loads: names that begin with rowferry_ are reserved"),
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


def test_a_schema_is_refused_where_the_database_has_none(service_of: ServiceOf, capabilities: Capabilities) -> None:
    source = HEAD + 'boxes = Table("boxes", metadata, Column("id", Integer, primary_key=True), schema="sea")\n'
    name = capabilities.name
    refused = f"sea.boxes has a class that names its schema, sea; {name} has no schemas, so leave it out"
    missing = "The database has no schema sea, which tables of the models are in"
    with pytest.raises((ModelsUnusable, SchemaMissing), match=missing if capabilities.schemas else refused):
        service_of(source)


@only_sqlite
def test_names_that_differ_in_case_are_the_same_table(service_of: ServiceOf) -> None:
    source = HEAD + 'for name in ("boxes", "Boxes"): Table(name, metadata, Column("id", Integer, primary_key=True))\n'
    with pytest.raises(ModelsUnusable, match="boxes and Boxes are the same table of the database; leave one out"):
        service_of(source)


def test_tables_that_refer_to_each_other_in_a_circle(service_of: ServiceOf, tmp_path: Path) -> None:
    table = (
        '{0} = Table("{0}", metadata, Column("id", Integer, primary_key=True), Column("to", ForeignKey("{1}.id")))\n'
    )
    source = HEAD + table.format("ships", "masters") + table.format("masters", "ships")
    both = Tables(service_of(source), tmp_path)
    receipt = both.load(both.write("ships.csv", "1,1\n2,2\n3,3\n"), both.write("masters.csv", "1,2\n2,1\n3,9\n"))
    assert counts(receipt) == (6, 4, 0, 0, 2)


@pytest.mark.parametrize("name", ["n" * 64, "é" * 32])
def test_names_that_the_database_would_cut_off_are_said_at_the_start(
    service_of: ServiceOf, capabilities: Capabilities, tmp_path: Path, name: str
) -> None:
    source = (
        HEAD + f'boxes = Table("boxes", metadata, Column("id", Integer, primary_key=True), Column("{name}", Integer))\n'
    )
    if capabilities.name_bytes is None:
        assert counts(Tables(service_of(source), tmp_path).put("boxes.csv", "1,2\n")) == (1, 1, 0, 0, 0)
    else:
        kept = f"{capabilities.name} keeps {capabilities.name_bytes} bytes of a name, but {name} has 64"
        with pytest.raises(ModelsUnusable, match=kept):
            service_of(source)


def test_checks_of_columns_with_odd_names(service_of: ServiceOf, tmp_path: Path) -> None:
    columns = """Column("it's", Integer), Column('100%', Integer), Column('a"b', Integer), Column("at", Integer)"""
    check = """CheckConstraint('"100%" > 0'), CheckConstraint("at > 5")"""
    source = HEAD + f'boxes = Table("boxes", metadata, Column("id", Integer, primary_key=True), {columns}, {check})\n'
    boxes = Tables(service_of(source), tmp_path)
    assert counts(boxes.put("boxes.csv", "1,2,3,4,6\n2,2,0,4,6\n")) == (2, 1, 0, 0, 1)
    assert boxes.codes() == [(2, ["value.check"])]
    receipt = Batches(boxes).put({"boxes": [{"id": 3, "it's": 1, "100%": 5, 'a"b': 6}, {"id": 4, "100%": -5}]})
    assert codes(receipt) == [("boxes", 1, [(None, "value.check")])]
    assert boxes.rows("boxes") == [(1, 2, 3, 4, 6), (3, 1, 5, 6, None)]


@only_sqlite
def test_a_check_compares_as_its_column_does(service_of: ServiceOf, tmp_path: Path) -> None:
    state = """Column("state", String(9, collation="NOCASE"), CheckConstraint("state in ('new', 'done')"))"""
    source = HEAD + f'boxes = Table("boxes", metadata, Column("id", Integer, primary_key=True), {state})\n'
    boxes = Tables(service_of(source), tmp_path)
    assert counts(boxes.put("boxes.csv", "1,NEW\n2,old\n")) == (2, 1, 0, 0, 1)


def test_what_refers_to_a_decimal_key(service_of: ServiceOf, tmp_path: Path) -> None:
    source = HEAD + (
        'prices = Table("prices", metadata, Column("id", Numeric(10, 2), primary_key=True))\n'
        'key = Column("id", Integer, primary_key=True)\n'
        'sales = Table("sales", metadata, key, Column("price", ForeignKey("prices.id"), type_=Numeric(10, 2)))\n'
    ).replace(", type_=Numeric(10, 2)", "").replace(
        'ForeignKey("prices.id")', 'Numeric(10, 2), ForeignKey("prices.id")'
    )
    sales = Tables(service_of(source), tmp_path)
    assert counts(sales.put("prices.csv", "1.50\n2\n")) == (2, 2, 0, 0, 0)
    assert counts(sales.put("sales.csv", "1,1.5\n2,2.00\n3,1.51\n")) == (3, 2, 0, 0, 1)
    receipt = Batches(sales).put({"sales": [{"id": 4, "price": "1.500"}, {"id": 5, "price": 3}]})
    assert codes(receipt) == [("sales", 1, [("price", "reference.missing")])]


def test_zero_is_one_key_whatever_its_sign(service_of: ServiceOf, tmp_path: Path) -> None:
    source = HEAD + 'sizes = Table("sizes", metadata, Column("size", Float(), primary_key=True))\n'
    sizes = Tables(service_of(source), tmp_path)
    assert counts(sizes.put("sizes.csv", "0\n-0\n0e-400\n")) == (3, 1, 0, 0, 2)
    assert sizes.codes() == [(2, ["key.duplicate"]), (3, ["key.duplicate"])]


def test_the_way_out_where_several_tables_refer_to_rows_that_a_backup_lacks(
    service_of: ServiceOf, tmp_path: Path
) -> None:
    child = (
        '{0} = Table("{0}", metadata, Column("id", Integer, primary_key=True), Column("tag", ForeignKey("tags.id")))\n'
    )
    source = HEAD + 'tags = Table("tags", metadata, Column("id", Integer, primary_key=True))\n'
    source += "".join(
        child.replace('Column("tag", ', 'Column("tag", Integer, ').format(name) for name in ("orders", "prices")
    )
    restores = Restores(Tables(service_of(source), tmp_path))
    for name in ("tags", "orders", "prices"):
        restores.tables.put(f"{name}.csv", "1\n" if name == "tags" else "1,1\n")
    tags, orders, prices = (restores.back_up(name) for name in ("tags", "orders", "prices"))
    restores.tables.put("tags.csv", "2\n")
    for name in ("orders", "prices"):
        restores.tables.put(f"{name}.csv", "2,2\n")
    obstacles = restores.rehearse(tags).obstacles
    assert [obstacle.kind for obstacle in obstacles] == ["referred_to", "referred_to"]
    assert all("Restore each of orders, prices by itself first" in obstacle.hint for obstacle in obstacles)
    assert [receipt.failure() for receipt in map(restores.restore, (orders, prices, tags))] == [None] * 3
    assert restores.tables.rows("tags") == [(1,)]


def test_values_that_are_unique_may_pass_from_row_to_row(service_of: ServiceOf, tmp_path: Path) -> None:
    columns = 'Column("code", String(9), nullable=False, unique=True), Column("seat", Integer, unique=True)'
    source = HEAD + f'ships = Table("ships", metadata, Column("id", Integer, primary_key=True), {columns})\n'
    restores = Restores(Tables(service_of(source), tmp_path))
    ships = restores.tables
    ships.put("ships.csv", "1,a,1\n2,b,2\n3,c,\n4,d,4\n")
    kept = restores.back_up("ships")
    moved = "1,b,2\n2,c,1\n3,a,3\n4,d,4\n"
    assert counts(ships.put("ships.csv", moved, on_conflict="update")) == (4, 0, 3, 1, 0)
    assert ships.rows("ships") == [(1, "b", 2), (2, "c", 1), (3, "a", 3), (4, "d", 4)]
    (changes,) = restores.restore(kept).tables
    assert (changes.changed, changes.unchanged) == (3, 1)
    assert ships.rows("ships") == [(1, "a", 1), (2, "b", 2), (3, "c", None), (4, "d", 4)]


def test_rows_are_changed_in_place_where_something_acts_upon_them(service_of: ServiceOf, tmp_path: Path) -> None:
    source = HEAD + (
        'ships = Table("ships", metadata, Column("id", Integer, primary_key=True), '
        'Column("code", String(9), unique=True))\n'
        'logs = Table("logs", metadata, Column("id", Integer, primary_key=True))\n'
    )
    ships = Tables(service_of(source), tmp_path)
    ships.put("logs.csv", "1\n2\n")
    ships.put("ships.csv", "1,a\n2,b\n")
    clear = "DELETE FROM logs WHERE id = old.id"
    ships.execute(*sql_of(ships.service.backend.engine).trigger("clear", "AFTER DELETE", "ships", clear, "old"))
    assert counts(ships.put("ships.csv", "1,c\n2,d\n", on_conflict="update")) == (2, 0, 2, 0, 0)
    ships.fail(UniqueBroken, ships.write("ships.csv", "1,d\n2,c\n"), on_conflict="update")
    assert (ships.count("logs"), ships.rows("ships")) == (2, [(1, "c"), (2, "d")])


def test_unique_values_may_pass_between_many_rows(service_of: ServiceOf, tmp_path: Path) -> None:
    source = HEAD + (
        'ships = Table("ships", metadata, Column("id", Integer, primary_key=True), '
        'Column("code", String(9), unique=True))\n'
    )
    ships, many = Tables(service_of(source), tmp_path), 120_000
    ships.put("ships.csv", "".join(f"{at},c{at}\n" for at in range(many)))
    moved = "".join(f"{at},c{(at + 1) % many}\n" for at in range(many)) + f"{many},new\n"
    assert counts(ships.put("ships.csv", moved, on_conflict="update")) == (many + 1, 1, many, 0, 0)
    # What is new comes first, and takes a value that a row which comes last gives up.
    late = f"{many + 1},c1\n" + "".join(f"{many + at},d{at}\n" for at in range(2, many)) + "0,z\n"
    assert counts(ships.put("ships.csv", late, on_conflict="update")) == (many, many - 1, 1, 0, 0)


def test_decimals_that_the_database_does_not_keep_are_said_at_the_start(
    service_of: ServiceOf, capabilities: Capabilities, tmp_path: Path
) -> None:
    source = HEAD + (
        'prices = Table("prices", metadata, Column("id", Integer, primary_key=True), Column("price", Numeric(20, 2)))\n'
    )
    if digits := capabilities.decimal_digits:
        kept = rf"{capabilities.name} keeps {digits} digits of a decimal, but prices\.price has 20"
        with pytest.raises(ModelsUnusable, match=kept):
            service_of(source)
    else:
        prices = Tables(service_of(source), tmp_path)
        assert counts(prices.put("prices.csv", "1,123456789012345678.90\n")) == (1, 1, 0, 0, 0)


@only_sqlite
def test_keys_that_the_database_does_not_keep_apart_are_said_at_the_start(
    service_of: ServiceOf, new_service: Callable[..., Service], new_database: NewDatabase, tmp_path: Path
) -> None:
    source = HEAD + (
        'from sqlalchemy import String\nkey = Column("code", String(9, collation="NOCASE"), primary_key=True)\n'
        'codes = Table("codes", metadata, key, Column("note", String(9, collation="NOCASE")))\n'
    )
    with pytest.raises(
        ModelsUnusable, match=r"with the collation NOCASE of codes\.code, SQLite treats different texts"
    ):
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


def test_a_value_that_only_the_database_wants_unique_is_told_by_its_index(
    service_of: ServiceOf, tmp_path: Path
) -> None:
    source = HEAD + (
        'number = Column("id", Integer, primary_key=True)\n'
        'boxes = Table("boxes", metadata, number, Column("label_no", Integer), Column("size", Integer, unique=True))\n'
    )
    boxes = Tables(service_of(source), tmp_path)
    boxes.execute("CREATE UNIQUE INDEX one_label ON boxes (label_no)")
    assert counts(boxes.put("boxes.csv", "1,7,\n2,8,\n3,7,\n")) == (3, 2, 0, 0, 1)
    assert boxes.codes() == [(3, ["database.one_label"])]
    assert len(boxes.loads()) == 1
    receipt = Batches(boxes).put({"boxes": [{"id": 4, "label_no": 9}, {"id": 5, "label_no": 9}]})
    assert [(row.index, row.errors[0]["code"]) for row in receipt.rejected] == [(1, "database.one_label")]


@only_postgresql
def test_tables_of_another_schema_are_served_by_the_url(
    new_database: NewDatabase, new_service: Callable[..., Service], tmp_path: Path
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


@only_postgresql
def test_tables_of_several_schemas_refer_to_each_other(
    new_database: NewDatabase, new_service: Callable[..., Service], tmp_path: Path
) -> None:
    url = sa.make_url(new_database())
    land, both = (url.update_query_dict({"options": f"-csearch_path={path}"}) for path in ("land", "sea,land"))
    engine = sa.create_engine(url.set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA sea")
        connection.exec_driver_sql("CREATE SCHEMA land")
    engine.dispose()
    on_land = Tables(new_service("fourth_table", land.render_as_string(hide_password=False)), tmp_path)
    on_land.execute("DROP TABLE land.projects, land.assignments")
    tables = Tables(new_service("fourth_table", both.render_as_string(hide_password=False)), tmp_path)
    assert counts(tables.put("departments.csv", "1,Ports\n")) == (1, 1, 0, 0, 0)
    assert counts(tables.put("projects.csv", "1,Quay,1,1,,,,,,\n2,Pier,9,1,,,,,,\n")) == (2, 1, 0, 0, 1)
    assert [tables.count(name) for name in ("land.departments", "sea.projects")] == [1, 1]
    restores = Restores(tables)
    source = restores.back_up("projects")
    tables.execute("UPDATE projects SET name = 'Mole'")
    assert restores.restore(source).tables[0].changed == 1


def test_a_name_that_no_file_could_have_is_shortened_in_backups(service_of: ServiceOf, tmp_path: Path) -> None:
    source = HEAD + 'for end in "ab": Table("- " * 31 + end, metadata, Column("id", Integer, primary_key=True))\n'
    tables = Tables(service_of(source), tmp_path)
    for row, name in enumerate(tables.service.catalog.names):
        tables.put("part.csv", f"{row}\n", table=name)
    restores = Restores(tables)
    first, second = (restores.back_up(name) for name in tables.service.catalog.names)
    tables.execute(f'DELETE FROM "{tables.service.catalog.names[0]}"')
    assert restores.restore(first).tables[0].added == 1
    assert restores.restore(second).tables[0].unchanged == 1
