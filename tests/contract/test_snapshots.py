"""Tables are read back value for value, by key, from one moment."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import given, strategies as st

from avro_rows import Row, rows_of
from made_up import made_up
from rowferry.bootstrap import Service
from rowferry.errors import DatabaseRefused, ValueUnstorable
from rowferry.settings import read_settings
from speaking import only_postgresql

NewService = Callable[..., Service]


def read(service: Service, table: str) -> list[Row]:
    rules = service.catalog.table(table)
    with service.backend.snapshot() as snapshot:
        found = list(snapshot.read(rules))
    rows: list[Row] = pa.Table.from_batches(found, rules.schema).to_pylist()
    return rows


def insert(service: Service, table: str, rows: list[Row]) -> None:
    if rows:
        with service.backend.engine.begin() as connection:
            connection.execute(sa.insert(service.catalog.table(table).table), rows)


def unique(rows: list[Row], key: tuple[str, ...]) -> list[Row]:
    return list({tuple(row[name] for name in key): row for row in rows}.values())


@pytest.mark.parametrize("table", ["kinds", "plains"])
@made_up(10)
@given(data=st.data())
def test_every_kind_of_value_is_read_as_it_was_written(
    service_of_kinds: Service, table: str, data: st.DataObject
) -> None:
    service = service_of_kinds
    rules = service.catalog.table(table)
    rows = unique(data.draw(rows_of(rules)), rules.key)
    with service.backend.engine.begin() as connection:
        connection.execute(sa.delete(rules.table))
    insert(service, table, rows)
    found = read(service, table)
    assert sorted(found, key=lambda row: row["id"]) == found
    assert found == sorted(rows, key=lambda row: row["id"])


@pytest.fixture
def service_of_kinds(new_service: NewService) -> Service:
    return new_service("kind_tables")


def test_pages_join_without_a_gap_with_keys_of_several_columns(
    new_service: NewService, monkeypatch: pytest.MonkeyPatch
) -> None:
    for backend in ("postgresql", "sqlite"):
        monkeypatch.setattr(f"rowferry.backends.{backend}.snapshot._PAGE_ROWS", 7)
    service = new_service("fourth_table")
    insert(service, "departments", [{"id": 1, "department": "a"}])
    insert(service, "countries", [{"code": code, "label": None} for code in ("a", "B", "ä", "Z z", "'")])
    project = {"name": "p", "department_id": 1, "level": 1}
    insert(service, "projects", [{"id": at, **project} for at in range(-5, 6)])
    pairs = [{"project_id": at, "country": code} for at in range(-5, 6) for code in ("a", "B", "ä", "Z z", "'")]
    insert(service, "assignments", pairs)
    insert(service, "departments", [{"id": at, "department": "b"} for at in range(-20, 0)])
    assert [row["id"] for row in read(service, "departments")] == [*range(-20, 0), 1]
    found = read(service, "assignments")
    assert len(found) == len(pairs)
    assert {tuple(row.values()) for row in found} == {tuple(row.values()) for row in pairs}
    assert [row["id"] for row in read(service, "projects")] == list(range(-5, 6))


@only_postgresql
def test_long_texts_are_read_few_at_a_time(new_service: NewService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rowferry.backends.postgresql.snapshot._PAGE_BYTES", 10_000)
    service = new_service("kind_tables")
    rows: list[Row] = [{"id": at, "essay": "é" * 3_000} for at in range(20)]
    insert(service, "kinds", [row | {"note": "n"} for row in rows])
    rules = service.catalog.table("kinds")
    with service.backend.snapshot() as snapshot:
        sizes = [batch.num_rows for batch in snapshot.read(rules)]
    assert sum(sizes) == 20
    assert max(sizes) == 1


def test_a_snapshot_does_not_see_what_is_written_meanwhile(service: Service) -> None:
    insert(service, "departments", [{"id": 1, "department": "before"}])
    with service.backend.snapshot() as snapshot:
        insert(service, "departments", [{"id": 2, "department": "after"}])
        found = list(snapshot.read(service.catalog.table("departments")))
    assert [batch.num_rows for batch in found] == [1]


def test_an_empty_table_has_no_batch(service: Service) -> None:
    assert read(service, "jobs") == []


STRANGE: list[tuple[str, Any]] = [
    ("sqlite", "INSERT INTO kinds (id, note, day) VALUES (1, 'n', 'someday')"),
    ("sqlite", "INSERT INTO kinds (id, note, price) VALUES (1, 'n', 1.2345)"),
    ("sqlite", "INSERT INTO kinds (id, note, small) VALUES (1, 'n', 70000)"),
    ("sqlite", "INSERT INTO kinds (id, note, flag) VALUES (1, 'n', 2)"),
    ("sqlite", "INSERT INTO kinds (id, note) VALUES (1, CAST(x'FF' AS BLOB))"),
    ("postgresql", "INSERT INTO kinds (id, note, day) VALUES (1, 'n', 'infinity')"),
    ("postgresql", "INSERT INTO kinds (id, note, instant) VALUES (1, 'n', '-infinity')"),
    ("postgresql", "INSERT INTO kinds (id, note, price) VALUES (1, 'n', 'NaN')"),
    ("postgresql", "ALTER TABLE kinds ALTER note DROP NOT NULL; INSERT INTO kinds (id) VALUES (1)"),
]


PLAIN = {"id": 1, "note": "n", "large": 2, "sure": 1, "instant": "2021-07-01 10:00:00"}
UNUSUAL: list[tuple[dict[str, str], dict[str, Any] | None]] = [
    ({}, {}),
    ({"note": "'a' || char(0) || 'b'"}, {"note": "a\0b"}),
    ({"instant": "'2021-07-01T12:00+02:00'"}, {}),
    ({"remark": "CAST(x'FF' AS TEXT)"}, None),
    ({"note": "CAST(x'FF' AS TEXT)"}, None),
    ({"note": "x'00'"}, None),
    ({"small": "70000"}, None),
    ({"large": "'many'"}, None),
    ({"large": "1.5"}, None),
    ({"flag": "7"}, None),
    ({"day": "'someday'"}, None),
]
"""What another program put into SQLite, and how it is read; None where it cannot be."""


@pytest.mark.parametrize(("changed", "expected"), UNUSUAL)
def test_what_is_unusual_in_sqlite_is_read_or_named(
    tmp_path: Path, changed: dict[str, str], expected: dict[str, Any] | None
) -> None:
    settings = replace(read_settings(f"sqlite:///{tmp_path}/database.db"), models="kind_tables")
    service = Service(settings)
    service.start()
    values = {name: repr(value) for name, value in PLAIN.items()} | changed
    with service.backend.engine.begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO plains ({', '.join(values)}) VALUES ({', '.join(values.values())})")
    if expected is None:
        with pytest.raises((ValueUnstorable, DatabaseRefused), match="|".join(changed)):
            read(service, "plains")
    else:
        row = read(service, "plains")[0]
        instant = dt.datetime(2021, 7, 1, 10, tzinfo=dt.UTC)
        missing = dict.fromkeys(("remark", "small", "flag", "day", "clock"))
        assert row == missing | PLAIN | {"instant": instant, "sure": True} | expected
    service.backend.engine.dispose()


def test_the_value_that_is_wrong_is_named_and_not_its_neighbour(tmp_path: Path) -> None:
    service = Service(replace(read_settings(f"sqlite:///{tmp_path}/database.db"), models="kind_tables"))
    service.start()
    with service.backend.engine.begin() as connection:
        for number, flag in enumerate(("1", "0", "NULL", "7")):
            connection.exec_driver_sql(f"INSERT INTO kinds (id, note, flag) VALUES ({number}, 'n', {flag})")
    with pytest.raises(ValueUnstorable, match="flag contains '7'"):
        read(service, "kinds")
    service.backend.engine.dispose()


@pytest.mark.parametrize(("new_database", "statement"), STRANGE, indirect=["new_database"])
def test_what_no_file_can_hold_is_named(new_service: NewService, statement: str) -> None:
    service = new_service("kind_tables")
    with service.backend.engine.begin() as connection:
        connection.exec_driver_sql(statement)
    with pytest.raises(ValueUnstorable) as caught:
        read(service, "kinds")
    assert "kinds." in caught.value.message


def test_instants_that_others_spelled_are_understood(new_service: NewService) -> None:
    service = new_service("kind_tables")
    with service.backend.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO kinds (id, note, instant, price) VALUES (1, 'n', '2021-07-01 10:00:00+02:00', 1.5)"
        )
    row = read(service, "kinds")[0]
    assert row["instant"] == dt.datetime(2021, 7, 1, 8, tzinfo=dt.UTC)
    assert row["price"] == Decimal("1.50")


@only_postgresql
@pytest.mark.parametrize(
    ("column", "kind", "value", "expected"),
    [
        ("middle", "bigint", "5", 5),
        ("middle", "bigint", "5000000000", None),
        ("middle", "numeric", "1.5", None),
        ("middle", "float8", "1.5", None),
        ("large", "smallint", "5", 5),
        ("day", "timestamptz", "'2021-07-01 10:00'", None),
        ("ratio", "int", "2", 2.0),
    ],
)
def test_nothing_is_rounded_where_postgresql_has_other_types_than_the_model(
    new_service: NewService, column: str, kind: str, value: str, expected: object
) -> None:
    service = new_service("kind_tables")
    with service.backend.engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE kinds ALTER {column} TYPE {kind} USING NULL")
        connection.exec_driver_sql(f"INSERT INTO kinds (id, note, {column}) VALUES (1, 'n', {value})")
    if expected is None:
        with pytest.raises((ValueUnstorable, DatabaseRefused)):
            read(service, "kinds")
    else:
        assert read(service, "kinds")[0][column] == expected
