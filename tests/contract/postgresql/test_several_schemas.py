"""Tables of several schemas of PostgreSQL are served together, each by the name of its schema and its own."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from backing_up import Backups
from batching import Batches, codes
from databases import NewDatabase, administer
from loading import Tables, counts, lines
from restoring import Restores
from rowferry import ledger
from rowferry.bootstrap import Service, faults_on_database, own_names
from rowferry.dictionary.schemas import batch_schemas
from rowferry.drafts.from_database import draft_of_database
from rowferry.drafts.module import module_text
from rowferry.errors import ModelsUnusable, OptionInvalid, RightMissing, SchemaMissing
from rowferry.migrations.differences import differences
from rowferry.operations.read_rows import read_rows
from speaking import only_postgresql

pytestmark = only_postgresql

HEAD = """\
from sqlalchemy import ARRAY, CheckConstraint, Column, Enum, ForeignKey, Identity, Integer, String, Table
from sqlalchemy.orm import DeclarativeBase, mapped_column

class Base(DeclarativeBase): pass
"""

THREE = (
    HEAD
    + """
class Customer(Base):
    __tablename__ = "customers"
    __table_args__ = {"schema": "crm"}
    id = mapped_column(Integer, primary_key=True)
    name = mapped_column(String(40), CheckConstraint("name <> 'nobody'", name="somebody"), nullable=False, unique=True)
    mood = mapped_column(Enum("calm", "cross", name="mood", schema="crm"), nullable=False)
    tags = mapped_column(ARRAY(String))
    brought_by = mapped_column(ForeignKey("crm.customers.id"))
    last_order = mapped_column(ForeignKey("sales.orders.id", use_alter=True, name="last"))

class Sale(Base):
    __tablename__ = "orders"
    __table_args__ = {"schema": "sales"}
    id = mapped_column(Integer, Identity(), primary_key=True)
    customer = mapped_column(ForeignKey("crm.customers.id"), nullable=False)

class Order(Base):
    __tablename__ = "orders"
    __table_args__ = {"schema": "crm"}
    id = mapped_column(Integer, primary_key=True, autoincrement=False)
    sale = mapped_column(ForeignKey("sales.orders.id"))

class Plain(Base):
    __tablename__ = "orders"
    id = mapped_column(Integer, primary_key=True, autoincrement=False)
    of_crm = mapped_column(ForeignKey("crm.orders.id"), nullable=False)

Table("notes", Base.metadata, Column("text", String(40)), Column("sale", ForeignKey("sales.orders.id")), schema="crm")
"""
)

CUSTOMERS = "id,name,mood,tags,brought_by,last_order\n1,Ann,calm,{a},2,1\n2,Bob,cross,,1,\n3,Cy,calm,,9,\n"
SALES = "id,customer\n1,1\n2,2\n3,3\n"
NAMES = ["crm.customers", "crm.notes", "crm.orders", "orders", "sales.orders"]

Serve = Callable[..., Tables]


@pytest.fixture
def serve(
    new_database: NewDatabase, new_service: Callable[..., Service], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Serve:
    """Serves the tables of a module, in a database with some schemas."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def start(source: str = THREE, schemas: tuple[str, ...] = ("crm", "sales"), path: str = "") -> Tables:
        url = new_database("own_tables")
        administer(
            sa.make_url(url).set(drivername="postgresql+psycopg"), *(f'CREATE SCHEMA "{name}"' for name in schemas)
        )
        monkeypatch.delitem(sys.modules, "own_tables", raising=False)
        (tmp_path / "own_tables.py").write_text(source)
        return Tables(new_service("own_tables", f"{url}&options=-csearch_path%3D{path}" if path else url), tmp_path)

    return start


def filled(tables: Tables) -> Tables:
    """Some rows are in all of the tables."""
    receipt = tables.load(
        *(
            tables.write(f"{name}.csv", text)
            for name, text in (
                ("crm.customers", CUSTOMERS),
                ("sales.orders", SALES),
                ("crm.orders", "5,1\n6,2\n7,3\n"),
                ("orders", "1,5\n2,7\n"),
                ("crm.notes", "hello,1\nworld,2\n"),
            )
        )
    )
    assert counts(receipt) == (13, 9, 0, 0, 4)
    return tables


def test_a_load_finds_each_table_by_its_file(serve: Serve) -> None:
    tables = filled(serve())
    assert sorted(tables.service.catalog.names) == NAMES
    rejected = {(row["table"], row["row_number"], row["errors"][0]["code"]) for row in tables.rejects()}
    missing = "reference.missing"
    assert rejected == {
        ("crm.customers", 4, missing),
        ("sales.orders", 4, missing),
        ("crm.orders", 3, missing),
        ("orders", 2, missing),
    }
    assert [tables.count(name) for name in NAMES] == [2, 2, 2, 1, 2]
    again = tables.load(*(tables.folder / f"{name}.csv" for name in NAMES if name != "crm.notes"))
    assert (again.total("inserted"), again.total("unchanged")) == (0, 7)
    moved = tables.put("crm.orders.csv", "5,2\n", on_conflict="update")
    assert counts(moved) == (1, 0, 1, 0, 0)
    assert tables.rows("crm.orders") == [(5, 2), (6, 2)]


def test_many_rows_take_the_ways_of_owners(serve: Serve) -> None:
    tables = filled(serve())
    many = lines((n, n % 2 + 1) for n in range(10, 30_010))
    assert counts(tables.put("sales.orders.csv", many)) == (30_000, 30_000, 0, 0, 0)
    assert tables.put("crm.orders.csv", lines((n, n) for n in range(10, 30_010))).total("inserted") == 30_000
    assert tables.put("orders.csv", lines((n, n) for n in range(10, 30_010))).total("inserted") == 30_000
    with tables.service.backend.engine.begin() as connection:
        made = sa.insert(tables.service.catalog.table("sales.orders").table).values(customer=1)
        assert connection.execute(made).inserted_primary_key == (30_010,)


def test_batches_name_the_schema(serve: Serve) -> None:
    tables = filled(serve())
    batches = Batches(tables)
    rows = {
        "sales.orders": [{"id": 4, "customer": 4}, {"id": 5, "customer": 9}, {"customer": 1}],
        "crm.customers": [{"id": 4, "name": "Di", "mood": "calm", "tags": ["x"], "last_order": 4}],
        "orders": [{"id": 9, "of_crm": 8}],
        "crm.orders": [{"id": 8, "sale": 4}],
    }
    receipt = batches.put(rows)
    assert codes(receipt) == [("sales.orders", 1, [("customer", "reference.missing")])]
    assert receipt.inserted == {"sales.orders": 2, "crm.customers": 1, "crm.orders": 1, "orders": 1}
    update = {"crm.customers": [{"id": 4, "name": "nobody", "mood": "calm"}, {"id": 4, "name": "Dee", "mood": "cross"}]}
    receipt = batches.put(update, on_conflict="update")
    assert [code for _, _, code in codes(receipt)] == [[(None, "value.check")]]
    assert tables.rows("crm.customers")[-1][:3] == (4, "Dee", "cross")


def test_rules_that_only_the_database_knows_reject_rows(serve: Serve) -> None:
    tables = filled(serve())
    tables.execute("ALTER TABLE crm.orders ADD CONSTRAINT small CHECK (orders.id < 100)")
    receipt = tables.put("crm.orders.csv", "8,1\n100,1\n")
    assert counts(receipt) == (2, 1, 0, 0, 1)
    assert tables.codes() == [(2, ["database.small"])]
    answer = Batches(tables).put({"crm.orders": [{"id": 101, "sale": 1}, {"id": 9, "sale": 1}]})
    assert codes(answer) == [("crm.orders", 0, [(None, "database.small")])]


def test_a_restore_brings_back_a_table_in_the_middle(serve: Serve) -> None:
    tables = filled(serve())
    restores = Restores(tables)
    before = tables.everything()
    sources = {name: restores.back_up(name) for name in NAMES}
    assert sources["crm.orders"].name.startswith("crm_x2e_orders-")
    tables.execute("UPDATE crm.orders SET sale = 2", "INSERT INTO crm.orders VALUES (99, 1)", "DELETE FROM crm.notes")
    changes = restores.restore(sources["crm.orders"]).tables[0]
    assert (changes.table, changes.added, changes.changed, changes.removed) == ("crm.orders", 0, 1, 1)
    assert restores.restore(sources["crm.notes"]).tables[0].added == 2
    assert tables.everything() == before
    backups = Backups(tables.service, restores.store.folder)
    verified = [backups.verify(manifest).manifest.table for manifest in restores.store.listing().backups]
    assert sorted(verified) == NAMES


def test_obstacles_are_called_as_the_tables_are(serve: Serve) -> None:
    tables = filled(serve())
    restores = Restores(tables)
    tables.execute("CREATE TABLE sales.shares (sale integer REFERENCES sales.orders)")
    sale = restores.back_up("sales.orders")
    tables.execute("INSERT INTO sales.orders VALUES (7, 1)")
    tables.execute("INSERT INTO crm.orders VALUES (70, 7)", "INSERT INTO sales.shares VALUES (7)")
    receipt = restores.restore(sale)
    message = "1 row of {} refers (by sale) to rows of sales.orders that the backup lacks: id 7"
    assert [each.message for each in receipt.obstacles] == [
        message.format(name) for name in ("crm.orders", "sales.shares")
    ]


def test_pages_and_the_document_of_the_api_name_the_schema(serve: Serve) -> None:
    service = filled(serve()).service
    customers = service.catalog.table("crm.customers")
    (row,) = read_rows(service.backend, customers, ["1"], 5)
    assert (row["name"], row["mood"], row["tags"]) == ("Bob", "cross", None)
    assert [row["id"] for row in read_rows(service.backend, service.catalog.table("crm.orders"), None, 9)] == [5, 6]
    schemas = batch_schemas(service.catalog)
    assert set(schemas) == {"BatchTransaction", "Order", "Customer", "Notes", "Plain", "Sale"}


def test_the_database_is_compared_with_each_schema(serve: Serve) -> None:
    tables = serve()
    with tables.service.backend.engine.connect() as connection:
        metadata = tables.service.catalog.metadata
        assert differences(connection, metadata) == []
        context = MigrationContext.configure(connection, opts={"include_schemas": True})
        assert compare_metadata(context, metadata) == []
    tables.execute("ALTER TABLE crm.orders DROP COLUMN sale")
    with tables.service.backend.engine.connect() as connection:
        assert "crm.orders lacks the column sale" in differences(connection, metadata)


def test_the_schemas_of_the_path_may_be_named_too(serve: Serve) -> None:
    """References among them are found, although the database leaves their schemas out."""
    tables = filled(serve(path="public,sales,crm"))
    metadata = tables.service.catalog.metadata
    with tables.service.backend.engine.connect() as connection:
        assert differences(connection, metadata) == []
    restores = Restores(tables)
    source = restores.back_up("crm.orders")
    tables.execute("DELETE FROM public.orders", "DELETE FROM crm.orders")
    assert restores.restore(source).tables[0].added == 2


def test_the_schema_of_the_connection_may_be_named(serve: Serve) -> None:
    """It is none to the database, nor is that of the ledger, to which nothing is amiss."""
    source = """
for name, parent, schema in (("ships", "crm.trips", "public"), ("trips", "public.ships", "crm")):
    key, to = Column("id", Integer, primary_key=True), Column("to", ForeignKey(f"{parent}.id"), index=True)
    Table(name, Base.metadata, key, to, schema=schema)
"""
    tables = serve(HEAD + source)
    with tables.service.backend.engine.connect() as connection:
        for metadata in (tables.service.catalog.metadata, ledger.all_here(connection)):
            assert differences(connection, metadata) == []
    receipt = tables.load(tables.write("public.ships.csv", "1,2\n"), tables.write("crm.trips.csv", "2,1\n3,9\n"))
    assert counts(receipt) == (3, 2, 0, 0, 1)
    tables.execute("DROP INDEX public.ix_public_ships_to")
    with tables.service.backend.engine.connect() as connection:
        found = differences(connection, tables.service.catalog.metadata)
    assert found == ["ships lacks the index on to"]


def test_a_schema_that_is_missing_is_named_with_the_statement(serve: Serve) -> None:
    with pytest.raises(SchemaMissing) as caught:
        serve(schemas=("crm",))
    assert caught.value.message == "The database has no schema sales, which tables of the models are in"
    assert caught.value.advice.endswith("CREATE SCHEMA sales AUTHORIZATION postgres;")


def test_a_draft_of_several_schemas_is_served(serve: Serve, tmp_path: Path) -> None:
    """Also references to what the path finds, whose schema the database leaves out."""
    tables = filled(serve(path="public,sales"))
    tables.execute(
        "CREATE TABLE crm.rates (id integer PRIMARY KEY, v timestamp(3))",
        "CREATE TABLE crm.marks (id integer PRIMARY KEY, plain integer REFERENCES public.orders)",
    )
    backend = tables.service.backend
    with backend.engine.connect() as connection:
        faults = partial(faults_on_database, backend=backend, connection=connection)
        draft = draft_of_database(connection, faults, own_names(backend, connection), ["crm", "sales", "public"], ())
        one = draft_of_database(connection, faults, (), ["crm", "sales"], ["orders"])
        with pytest.raises(OptionInvalid, match="--schema cannot be 'hr'"):
            draft_of_database(connection, faults, (), ["hr"], ())
    assert [table.key for table in one.tables] == ["crm.orders", "sales.orders"]
    assert draft.notes == [
        "crm.rates is not served: its column v is of type timestamp(3) without time zone, which does not keep all "
        "values that are accepted for it"
    ]
    (tmp_path / "drafted.py").write_text(module_text(draft, "Tables."))
    settings = replace(tables.service.settings, models=str(tmp_path / "drafted.py"))
    drafted = Tables(Service(settings), tmp_path)
    drafted.service.start()
    parents = {rules.name: [each.parent for each in rules.references] for rules in drafted.service.catalog}
    assert parents == {
        "crm.customers": ["crm.customers", "sales.orders"],
        "crm.marks": ["public.orders"],
        "crm.notes": ["sales.orders"],
        "crm.orders": ["sales.orders"],
        "public.orders": ["crm.orders"],
        "sales.orders": ["crm.customers"],
    }
    assert drafted.put("crm.customers.csv", CUSTOMERS).total("unchanged") == 2
    with backend.engine.connect() as connection:
        assert differences(connection, drafted.service.catalog.metadata) == []
    drafted.service.close()


@contextmanager
def as_role(tables: Tables, role: str) -> Iterator[None]:
    """Everything is done by a role."""
    engine = tables.service.backend.engine

    def become(connection: Any, *_: object) -> None:
        connection.execute(f"SET ROLE {role}")
        connection.commit()

    sa.event.listen(engine, "checkout", become)
    try:
        yield
    finally:
        sa.event.remove(engine, "checkout", become)
        engine.dispose()


SHIPS = (
    HEAD + 'for schema in {}: Table("ships", Base.metadata, Column("id", Integer, primary_key=True), schema=schema)\n'
)


@pytest.mark.parametrize("named", ['("crm", None)', '("public", None)', '("Rowferry_x", None)', f'("{"ä" * 32}",)'])
def test_what_cannot_be_told_apart_is_refused(serve: Serve, named: str) -> None:
    reasons = {
        "crm": "crm.ships and ships are the same table of the database; leave one out",
        "pub": "public.ships and ships are the same table of the database; leave one out",
        "Row": "Rowferry_x.ships: the schema Rowferry_x is reserved for Rowferry's tables; use another one",
        "äää": f"PostgreSQL keeps 63 bytes of a name, but {'ä' * 32} has 64; shorten it",
    }
    with pytest.raises(ModelsUnusable) as caught:
        serve(SHIPS.format(named), path="crm,public" if "crm" in named else "")
    assert reasons[named[2:5]] in str(caught.value.details["reason"])


def test_who_may_not_use_a_schema_or_its_table_is_given_the_grant(serve: Serve, postgresql_server: sa.URL) -> None:
    tables = filled(serve())
    administer(postgresql_server, "CREATE ROLE clerk")
    every = "SCHEMA rowferry, sales, public TO clerk"
    tables.execute(f"GRANT ALL ON {every}; GRANT ALL ON ALL TABLES IN {every}")
    try:
        with pytest.raises(RightMissing) as caught, as_role(tables, "clerk"):
            tables.service.start()
        assert "GRANT USAGE, CREATE ON SCHEMA crm TO" in caught.value.advice
        tables.execute("GRANT USAGE ON SCHEMA crm TO clerk")
        with pytest.raises(RightMissing) as caught, as_role(tables, "clerk"):
            tables.put("crm.orders.csv", "9,1\n")
        assert "DELETE, REFERENCES ON crm.orders TO" in caught.value.advice
    finally:
        tables.execute("DROP OWNED BY clerk")
        administer(postgresql_server, "DROP ROLE clerk")
