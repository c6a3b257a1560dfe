"""Backups restore into another database, a changed table, and from files of other programs, equal value for value."""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fastavro
import pytest
import sqlalchemy as sa
from hypothesis import given, strategies as st

from avro_rows import Row, rows_of
from loading import Tables
from made_up import made_up
from restoring import NOON, Restores, counts, people
from rowferry.bootstrap import Service
from rowferry.errors import AvroUnfit, BackupDamaged
from rowferry.operations.restore_sources import RestoreSource
from rowferry.settings import read_settings

NewService = Callable[..., Service]


def started(url: str, models: str) -> Service:
    service = Service(replace(read_settings(url), models=models))
    service.start()
    return service


@pytest.fixture
def across(both_databases: list[str], tmp_path: Path) -> Iterator[list[Restores]]:
    services = [started(url, "kind_tables") for url in both_databases]
    yield [Restores(Tables(service, tmp_path)) for service in services]
    for service in services:
        service.backend.engine.dispose()


@made_up(8)
@given(data=st.data())
def test_every_value_goes_from_one_database_to_the_other_and_back(
    across: list[Restores], data: st.DataObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = across if data.draw(st.booleans()) else across[::-1]
    rules = first.service.catalog.table("kinds")
    rows = {row["id"]: row for row in data.draw(rows_of(rules))}
    _fill(first.service, list(rows.values()))
    before = first.tables.rows("kinds")
    monkeypatch.setattr("rowferry.sources.avro.source.MOST_ROWS", data.draw(st.sampled_from([3, 65_536])))
    assert counts(second.restore(_moved(first.back_up("kinds"), second)))[4] == 0
    assert second.tables.rows("kinds") == before
    _fill(first.service, [])
    assert counts(first.restore(_moved(second.back_up("kinds"), first))) == (len(rows), 0, 0, 0, 0)
    assert first.tables.rows("kinds") == before
    assert counts(first.restore(_moved(second.back_up("kinds"), first))) == (0, 0, 0, len(rows), 0)


def _fill(service: Service, rows: list[Row]) -> None:
    table = service.catalog.table("kinds").table
    with service.backend.engine.begin() as connection:
        connection.execute(sa.delete(table))
        if rows:
            connection.execute(sa.insert(table), rows)


def _moved(source: RestoreSource, restores: Restores) -> RestoreSource:
    """The same file, for the table of another service."""
    rules = restores.service.catalog.table(source.rules.name)
    return RestoreSource(rules, source.path, source.name, source.backup_id, source.seal)


def test_a_backup_from_before_the_table_was_changed(new_service: NewService, tmp_path: Path) -> None:
    old = Restores(Tables(new_service("old_ships"), tmp_path))
    old.tables.put("ships.csv", "1,Argo,50,fast,1,Iolcus\n2,Bounty,215,slow,3,Deptford\n")
    new = Restores(Tables(new_service("new_ships"), tmp_path))
    new.tables.put("ships.csv", "3,Cutty Sark,963.5,,3,3,1869-11-22\n")
    receipt = new.restore(_moved(old.back_up("ships"), new))
    assert counts(receipt) == (2, 0, 1, 0, 0)
    assert new.tables.rows("ships") == [(1, "Argo", 50.0, "fast", 1, 3, None), (2, "Bounty", 215.0, "slow", 3, 3, None)]


def test_a_backup_that_lacks_a_required_column_is_refused(new_service: NewService, tmp_path: Path) -> None:
    new = Restores(Tables(new_service("new_ships"), tmp_path))
    new.tables.put("ships.csv", "3,Cutty Sark,963.5,,3,3,1869-11-22\n")
    old = Restores(Tables(new_service("old_ships"), tmp_path))
    with pytest.raises(AvroUnfit) as caught:
        old.restore(_moved(new.back_up("ships"), old))
    assert "name" in caught.value.message
    assert old.history()[0]["error"]["code"] == "avro.unfit"


@pytest.fixture
def restores(tables: Tables) -> Restores:
    return Restores(tables.with_parents())


def foreign(
    restores: Restores, fields: dict[str, Any], rows: list[dict[str, Any]], codec: str = "null"
) -> RestoreSource:
    """A file of another program."""
    path = restores.tables.folder / "foreign.avro"
    schema = {"type": "record", "name": "any", "fields": [{"name": n, "type": t} for n, t in fields.items()]}
    with path.open("wb") as file:
        fastavro.writer(file, schema, rows, codec=codec, sync_interval=1 << 30)
    return RestoreSource(restores.service.catalog.table("hired_employees"), path, path.name)


def test_a_block_of_another_program_may_have_any_number_of_rows(restores: Restores) -> None:
    rows = [
        {
            "id": at,
            "name": "" if at % 30_000 == 5_536 else f"Name {at}",
            "datetime": NOON,
            "department_id": 1,
            "job_id": 1,
        }
        for at in range(1, 140_001)
    ]
    instant = {"type": "long", "logicalType": "timestamp-micros"}
    fields = {"id": INT, "name": TEXT, "datetime": instant, "department_id": INT, "job_id": INT}
    receipt = restores.restore(foreign(restores, fields, rows), partial=True)
    assert counts(receipt) == (139_995, 0, 0, 0, 5)
    kept = restores.tables.rejects(receipt.restore_id)
    assert [(row["row_number"], json.loads(row["raw"])["id"]) for row in kept] == [
        (number, number) for number in (5_536, 35_536, 65_536, 95_536, 125_536)
    ]


INT, LONG, TEXT = "int", "long", "string"
AS_TEXT = {
    "job_id": TEXT,
    "datetime": TEXT,
    "name": TEXT,
    "id": LONG,
    "department_id": ["null", INT],
    "extra": "double",
}


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy", "zstandard"])
def test_instants_as_text_and_fields_in_another_order(restores: Restores, codec: str) -> None:
    rows = [
        {
            "id": 1,
            "name": "Ruth",
            "datetime": "2021-07-01T14:00:00+02:00",
            "department_id": 1,
            "job_id": "1",
            "extra": 1,
        },
        {"id": 2, "name": "Idris", "datetime": "2021-07-01 12:00", "department_id": 1, "job_id": "+1", "extra": 1},
    ]
    assert counts(restores.restore(foreign(restores, AS_TEXT, rows, codec))) == (2, 0, 0, 0, 0)
    assert restores.tables.rows("hired_employees") == [(1, "Ruth", NOON, 1, 1), (2, "Idris", NOON, 1, 1)]


def test_every_value_of_a_foreign_file_is_judged(restores: Restores) -> None:
    good = {"id": 1, "name": "Ruth", "datetime": "2021-07-01T12:00Z", "department_id": 1, "job_id": "1", "extra": 1}
    rows: list[tuple[dict[str, Any], list[str]]] = [
        ({}, []),
        ({"id": 2**31}, ["value.range"]),
        ({"name": " "}, ["value.required"]),
        ({"name": "a\0b"}, ["value.type"]),
        ({"name": "x" * 256}, ["value.length"]),
        ({"datetime": "2021-07-01"}, ["value.type"]),
        ({"department_id": None}, ["value.required"]),
        ({"department_id": 9, "job_id": "1.0"}, ["reference.missing", "value.type"]),
        ({}, ["key.duplicate"]),
    ]
    source = foreign(restores, AS_TEXT, [{**good, **changes} for changes, _ in rows])
    receipt = restores.restore(source, partial=True)
    assert counts(receipt) == (1, 0, 0, 0, 8)
    found = dict(restores.tables.codes(receipt.restore_id))
    assert [sorted(found.get(at, [])) for at in range(1, 10)] == [codes for _, codes in rows]
    for row in restores.tables.rejects(receipt.restore_id):
        assert json.loads(row["raw"])["name"]


def test_an_instant_beyond_the_calendar_is_rejected(restores: Restores) -> None:
    instant = {"type": "long", "logicalType": "timestamp-micros"}
    path = foreign(
        restores,
        {"id": INT, "name": TEXT, "datetime": LONG, "department_id": INT, "job_id": INT},
        [{"id": 1, "name": "x", "datetime": 2**62, "department_id": 1, "job_id": 1}],
    ).path
    data = path.read_bytes()
    plain, logical = '{"name": "datetime", "type": "long"}', json.dumps({"name": "datetime", "type": instant})
    assert plain.encode() in data
    with path.open("rb") as file:
        schema = json.loads(fastavro.reader(file).metadata["avro.schema"])
    schema["fields"][2]["type"] = instant
    with path.open("wb") as file:
        fastavro.writer(file, schema, [{"id": 1, "name": "x", "datetime": 2**62, "department_id": 1, "job_id": 1}])
    receipt = restores.restore(RestoreSource(restores.service.catalog.table("hired_employees"), path, path.name))
    assert receipt.obstacles[0].examples[0]["errors"][0]["code"] == "value.type"
    assert logical


def test_a_file_that_changes_while_it_is_read_changes_nothing(restores: Restores) -> None:
    kept = restores.keep("hired_employees", people(1, 20_000))
    data = bytearray(kept.path.read_bytes())
    data[-40] ^= 1

    def spoil(_event: object) -> None:
        with kept.path.open("r+b") as file:
            file.write(data)

    with pytest.raises(BackupDamaged):
        restores.restore(kept, observe=spoil)
    assert restores.tables.rows("hired_employees") == []
    assert restores.history()[0]["status"] == "failed"


def test_a_day_and_an_instant_at_the_ends_of_the_calendar(restores: Restores) -> None:
    ends = [dt.datetime.min.replace(tzinfo=dt.UTC), dt.datetime.max.replace(tzinfo=dt.UTC)]
    rows = [(at, "x", instant, 1, 1) for at, instant in enumerate(ends)]
    restores.restore(restores.keep("hired_employees", rows))
    assert restores.tables.rows("hired_employees") == rows
