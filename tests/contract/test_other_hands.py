"""Databases that other programs have made or filled: nothing of them is passed over, cut or changed in silence."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from threading import Timer

import fastavro
import pytest
import sqlalchemy as sa

from batching import Batches
from databases import NewDatabase, administer
from loading import Tables, counts
from owning import HEAD, ServiceOf
from restoring import Restores
from rowferry import ledger
from rowferry.bootstrap import Service
from rowferry.dictionary.describe import describe
from rowferry.errors import DatabaseRefused, EncodingUnfit, RightMissing, SchemaDiffers, ValueUnstorable
from rowferry.operations.read_rows import read_rows
from rowferry.operations.restore_sources import RestoreSource
from speaking import only_postgresql, only_sqlite

NewService = Callable[..., Service]

KEY = 'Column("id", Integer, primary_key=True, autoincrement=False)'


def test_a_restore_keeps_empty_texts(service_of: ServiceOf, tmp_path: Path) -> None:
    source = HEAD + f'notes = Table("notes", metadata, {KEY}, Column("note", String(20)))\n'
    restores = Restores(Tables(service_of(source), tmp_path))
    restores.tables.execute("INSERT INTO notes VALUES (1, ''), (2, '  '), (3, NULL), (4, 'x')")
    before = restores.tables.rows("notes")
    kept = restores.back_up("notes")
    (changes,) = restores.rehearse(kept).tables
    assert (changes.unchanged, changes.changed) == (4, 0)
    restores.tables.execute("DELETE FROM notes")
    (changes,) = restores.restore(kept).tables
    assert changes.added == 4
    assert restores.tables.rows("notes") == before


@only_sqlite
@pytest.mark.parametrize("key", ["NULL", "'0 AND 0'", "'abc'", "x'00'"])
def test_a_backup_passes_over_no_key(tables: Tables, key: str) -> None:
    tables.execute("PRAGMA foreign_keys = OFF")
    tables.execute("DROP TABLE departments")
    tables.execute("CREATE TABLE departments (id INT PRIMARY KEY, department VARCHAR(255) NOT NULL)")
    tables.execute(f"INSERT INTO departments VALUES (1, 'A'), ({key}, 'B'), (2, 'C')")
    with pytest.raises(ValueUnstorable, match=r"departments\.id"):
        Restores(tables).back_up("departments")


@only_sqlite
def test_a_page_of_one_row_of_a_database_in_utf_16(
    new_service: NewService, new_database: NewDatabase, tmp_path: Path
) -> None:
    url = new_database()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA encoding = 'UTF-16le'")
        connection.exec_driver_sql("CREATE TABLE other (a)")
    engine.dispose()
    restores = Restores(Tables(new_service(url=url), tmp_path))
    restores.tables.put("departments.csv", "1,中\n")
    (changes,) = restores.rehearse(restores.back_up("departments")).tables
    assert (changes.unchanged, changes.changed) == (1, 0)


@only_sqlite
def test_a_file_that_has_two_names(new_service: NewService, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    service = new_service(url=f"sqlite:///{tmp_path}/one/a.db")
    (tmp_path / "two" / "b.db").symlink_to(tmp_path / "one" / "a.db")
    with service.backend.hold("load-1"):
        assert new_service(url=f"sqlite:///{tmp_path}/two/b.db").backend.is_held("load-1")


SPOILERS = {
    "sqlite": {
        ("String(20), nullable=False", "STRING"),
        ("Integer", "TEXT"),
        ("Integer", "DOUBLE"),
        ("Float()", "VARCHAR(9)"),
        ("Date", "INTEGER"),
        ("Boolean", "TEXT"),
    },
    "postgresql": {
        ("Numeric(10, 2)", "tenths"),
        ("Integer", "bigint"),
        ("Integer", "real"),
        ("String(4)", "integer"),
        ("Boolean", '"char"'),
        ("Numeric(10, 2)", "double precision"),
        ("DateTime(timezone=True)", "timestamp(0) with time zone"),
        ("DateTime(timezone=True)", "date"),
        ("Float()", "real"),
        ("Float()", "numeric"),
        ("String(20)", "character(20)"),
        ("Date", "timestamp without time zone"),
    },
}


@pytest.mark.parametrize("at", range(12))
def test_a_column_that_would_change_values_is_said_at_the_start(
    service_of: ServiceOf, new_service: NewService, database_url: str, tmp_path: Path, at: int
) -> None:
    spoilers = sorted(SPOILERS[database_url.partition(":")[0]])
    model, spoiler = spoilers[at % len(spoilers)]
    service = service_of(HEAD + f'boxes = Table("boxes", metadata, {KEY}, Column("size", {model}))\n')
    boxes = Tables(service, tmp_path)
    boxes.execute("DROP TABLE boxes")
    if spoiler == "tenths":
        boxes.execute("CREATE DOMAIN tenths AS numeric(10,1)")
    boxes.execute(f"CREATE TABLE boxes (id INTEGER PRIMARY KEY, size {spoiler})")
    with pytest.raises(SchemaDiffers, match="it lacks size; it also has size of type"):
        new_service("own_tables", url=service.settings.database_url)


@only_postgresql
@pytest.mark.parametrize(
    ("model", "wider"),
    [
        ("String(20)", "text"),
        ("String(20)", "character varying(400)"),
        ("String(20)", "character varying"),
        ("String(20)", "words"),
        ("String(20)", "sizes"),
        ("Numeric(10, 2)", "numeric"),
        ("Numeric(10, 2)", "numeric(12,3)"),
        ("Numeric(18)", "bigint"),
        ("DateTime(timezone=True)", "timestamp(6) with time zone"),
    ],
)
def test_a_wider_column_serves(
    service_of: ServiceOf, new_service: NewService, tmp_path: Path, model: str, wider: str
) -> None:
    service = service_of(HEAD + f'boxes = Table("boxes", metadata, {KEY}, Column("size", {model}))\n')
    boxes = Tables(service, tmp_path)
    for statement in (
        "CREATE DOMAIN words AS text",
        "CREATE TYPE sizes AS ENUM ('1')",
        "ALTER TABLE boxes DROP COLUMN size",
        f"ALTER TABLE boxes ADD COLUMN size {wider}",
    ):
        boxes.execute(statement)
    boxes = Tables(new_service("own_tables", url=service.settings.database_url), tmp_path)
    value = "2021-05-30T00:00Z" if "Date" in model else "1"
    assert counts(boxes.put("boxes.csv", f"1,{value}\n")) == (1, 1, 0, 0, 0)
    assert counts(boxes.put("boxes.csv", f"1,{value}\n")) == (1, 0, 0, 1, 0)


@only_postgresql
@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_has_not_all_letters_is_refused(
    new_service: NewService, postgresql_server: sa.URL, new_database: NewDatabase, encoding: str
) -> None:
    url = sa.make_url(new_database())
    administer(postgresql_server, f"DROP DATABASE {url.database}")
    kept = f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    administer(postgresql_server, f"CREATE DATABASE {url.database} {kept}")
    with pytest.raises(EncodingUnfit, match=f"encodes text as {encoding}, which cannot store every character"):
        new_service(url=url.render_as_string(hide_password=False))


@only_postgresql
def test_the_encoding_that_others_set_for_clients_is_not_ours(
    new_service: NewService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    tables = Tables(new_service(), tmp_path)
    assert counts(tables.put("departments.csv", "1,中\n")) == (1, 1, 0, 0, 0)
    assert tables.rows("departments") == [(1, "中")]


@only_postgresql
def test_rows_that_we_may_not_see_are_not_passed_over(owned: Tables) -> None:
    owned.with_parents()
    for statement in (
        "ALTER TABLE departments ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE departments FORCE ROW LEVEL SECURITY",
        "CREATE POLICY few ON departments USING (id < 3) WITH CHECK (true)",
    ):
        owned.execute(statement)
    with pytest.raises(RightMissing, match="row-level security") as refused:
        Restores(owned).back_up("departments")
    assert "BYPASSRLS" in refused.value.advice
    assert counts(owned.put("departments.csv", "9,Ninth\n")) == (1, 1, 0, 0, 0)


@only_postgresql
def test_a_server_with_the_strings_of_old(new_service: NewService, tmp_path: Path) -> None:
    service = new_service()
    Tables(service, tmp_path).execute(
        f"ALTER DATABASE {service.settings.url.database} SET standard_conforming_strings = off"
    )
    restores = Restores(Tables(new_service(url=service.settings.database_url), tmp_path).with_parents())
    (changes,) = restores.rehearse(restores.back_up("departments")).tables
    assert changes.unchanged == 3


@only_sqlite
def test_what_was_interrupted_is_noted_though_another_program_writes(service: Service, tmp_path: Path) -> None:
    with service.backend.engine.begin() as connection:
        ledger.start_load(connection, "load-1", caller="me", dry_run=0, options={}, sources=[])
    other = sqlite3.connect(str(service.settings.url.database), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO departments VALUES (1, 'Sales')")
    committing = Timer(0.5, other.execute, ["COMMIT"])
    committing.start()
    service.clear_interrupted()
    committing.join()
    other.close()
    (load,) = Tables(service, tmp_path).loads()
    assert load["status"] == "interrupted"
    assert Tables(service, tmp_path).rows("departments") == [(1, "Sales")]


def test_a_text_that_is_none_does_not_spoil_others(tables: Tables) -> None:
    restores = Restores(tables)
    path = tables.folder / "foreign.avro"
    fields = [{"name": "id", "type": "int"}, {"name": "job", "type": "bytes"}]
    with path.open("wb") as file:
        fastavro.writer(
            file,
            {"type": "record", "name": "any", "fields": fields},
            [{"id": 1, "job": "Café".encode()}, {"id": 2, "job": b"\xff"}],
        )
    source = RestoreSource(tables.service.catalog.table("jobs"), path, path.name)
    (changes,) = restores.restore(source, partial=True).tables
    assert (changes.added, changes.rejected_by_code) == (1, {"value.type": 1})
    assert tables.rows("jobs") == [(1, "Café")]


@only_postgresql
def test_numbers_that_json_has_not(service_of: ServiceOf, tmp_path: Path) -> None:
    service = service_of(HEAD + f'sizes = Table("sizes", metadata, {KEY}, Column("size", Float()))\n')
    Tables(service, tmp_path).execute("INSERT INTO sizes VALUES (1, 'NaN'), (2, '-Infinity'), (3, 1.5)")
    rows = read_rows(service.backend, service.catalog.table("sizes"), None, 9)
    assert [row["size"] for row in rows] == ["NaN", "-Infinity", 1.5]


def test_all_that_a_table_asks_for_is_described(service_of: ServiceOf) -> None:
    columns = 'Column("size", Numeric(10, 2), unique=True), Column("a", Integer), Column("b", Integer)'
    source = HEAD + f'boxes = Table("boxes", metadata, {KEY}, {columns}, UniqueConstraint("a", "b"))\n'
    described = describe(service_of(source).catalog.table("boxes"))["columns"]
    assert [(column["type"], column["rule"]) for column in described[1:]] == [
        ("decimal(10,2)", "optional, unique"),
        ("integer", "optional, unique together with b"),
        ("integer", "optional, unique together with a"),
    ]


def test_a_column_that_was_renamed_meanwhile_is_no_fault_of_rows(new_service: NewService, tmp_path: Path) -> None:
    tables = Tables(new_service(), tmp_path)
    tables.execute("ALTER TABLE departments RENAME COLUMN department TO title")
    with pytest.raises(DatabaseRefused):
        Batches(tables).put({"departments": [{"id": 1, "department": "Law"}]})
    with pytest.raises((DatabaseRefused, SchemaDiffers)):
        tables.put("departments.csv", "1,Law\n")
    assert tables.rejects() == []
