"""Batches put good rows into any tables at once, and give the others back with all their faults."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from batching import SOURCE, Batches, codes, company, department, employee, job
from loading import Tables
from rowferry import ledger
from rowferry.backends.held_rows import HeldRows
from rowferry.backends.staged import StagedWriter
from rowferry.bootstrap import Service
from rowferry.dictionary.catalog import load_catalog
from rowferry.dictionary.faults import RejectCode
from rowferry.dictionary.schemas import batch_schemas
from rowferry.errors import (
    BatchRejected,
    ConservationBroken,
    IdempotencyKeyReused,
    KeysTaken,
    SourceUnreadable,
)
from rowferry.events import BatchFinished, RowsRejected
from rowferry.operations import batch_transactions as operation
from rowferry.operations.batch_receipt import BatchReceipt, Once, Reply


@pytest.fixture
def batches(tables: Tables) -> Batches:
    return Batches(tables)


def test_rows_of_a_batch_may_refer_to_each_other_in_any_order(batches: Batches) -> None:
    receipt = batches.put(company([employee(1), employee(2, datetime="2021-07-01 12:00+02:00")]))
    assert receipt.inserted == {"departments": 1, "jobs": 1, "hired_employees": 2}
    assert receipt.failure() is None
    at = dt.datetime(2021, 7, 1, 10, tzinfo=dt.UTC)
    assert batches.tables.rows("hired_employees") == [(1, "Name 1", at, 1, 1), (2, "Name 2", at, 1, 1)]


def test_a_parent_that_is_rejected_takes_its_children_with_it(batches: Batches) -> None:
    receipt = batches.put({"hired_employees": [employee(1)], "departments": [department(1, "")], "jobs": [job(1)]})
    assert codes(receipt) == [
        ("departments", 0, [("department", "value.required")]),
        ("hired_employees", 0, [("department_id", "reference.missing")]),
    ]
    assert batches.tables.rows("jobs") == [(1, "Clerk")]


def test_a_row_may_refer_to_a_row_that_is_in_the_table_with_other_values(batches: Batches) -> None:
    batches.put({"departments": [department(1)], "jobs": [job(1)]})
    receipt = batches.put({"departments": [department(1, "Legal")], "hired_employees": [employee(1)]})
    assert codes(receipt) == [("departments", 0, [("id", "key.conflict")])]
    assert receipt.inserted == {"departments": 0, "hired_employees": 1}


def test_the_first_otherwise_valid_row_of_a_key_wins(batches: Batches) -> None:
    rows = [job(1, ""), job(1, "Lawyer"), job("1", "Clerk"), job(1, "Lawyer")]
    receipt = batches.put({"jobs": rows})
    assert codes(receipt) == [
        ("jobs", 0, [("job", "value.required")]),
        ("jobs", 2, [("id", "key.duplicate")]),
        ("jobs", 3, [("id", "key.duplicate")]),
    ]
    assert receipt.rejected[1].errors[0]["message"] == "id 1 was taken by the row at index 1"
    assert batches.tables.rows("jobs") == [(1, "Lawyer")]


@pytest.mark.parametrize(
    ("on_conflict", "updated", "unchanged", "rejected", "left"),
    [("reject", 0, 1, 1, "Clerk"), ("skip", 0, 2, 0, "Clerk"), ("update", 1, 1, 0, "Lawyer")],
)
def test_a_key_that_is_in_the_table_already(
    batches: Batches, on_conflict: str, updated: int, unchanged: int, rejected: int, left: str
) -> None:
    batches.put({"jobs": [job(1), job(2), job(7)]})
    receipt = batches.put({"jobs": [job(3), job(2, "Clerk"), job(1, "Lawyer")]}, on_conflict=on_conflict)
    assert receipt.inserted["jobs"] == 1
    assert (receipt.updated["jobs"], receipt.unchanged["jobs"], len(receipt.rejected)) == (updated, unchanged, rejected)
    assert batches.tables.rows("jobs") == [(1, left), (2, "Clerk"), (3, "Clerk"), (7, "Clerk")]
    if rejected:
        assert codes(receipt) == [("jobs", 2, [("id", "key.conflict")])]
        assert receipt.rejected[0].errors[0]["message"] == "id is already in the table, with a different job"


def test_a_thousand_rows_that_are_there_already_are_unchanged(batches: Batches) -> None:
    batch = company(employee(number) for number in range(1, 999))
    assert batches.put(batch).inserted["hired_employees"] == 998
    again = batches.put(batch)
    assert again.unchanged == {"departments": 1, "jobs": 1, "hired_employees": 998}
    changed = company(employee(number, name="New") for number in range(1, 999))
    assert batches.put(changed, on_conflict="update").updated["hired_employees"] == 998
    assert {row[1] for row in batches.tables.rows("hired_employees")} == {"New"}


def test_all_or_nothing(batches: Batches) -> None:
    before = batches.tables.everything()
    receipt = batches.put(company([employee(1), employee(2, job_id=9)]), all_or_nothing=True)
    assert receipt.status == "refused"
    assert isinstance(receipt.failure(), BatchRejected)
    assert sum(receipt.inserted.values()) == 0
    assert batches.tables.everything() == before
    assert batches.tables.rejects(receipt.batch_id)[0]["row_number"] == 2
    good = batches.put(company([employee(1)]), all_or_nothing=True)
    assert good.failure() is None
    conflict = batches.put({"jobs": [job(1, "Lawyer"), job(2)]}, all_or_nothing=True)
    assert conflict.status == "refused"
    assert batches.tables.rows("jobs") == [(1, "Clerk")]


def test_what_was_rejected_is_kept_and_told(batches: Batches) -> None:
    body = b'{"jobs": [{"id": 1, "job":  "Clerk"}, {"id": 1.0,\n "job": "\\u00e4", "pay": 7}, [1]]}'
    receipt = batches.put(body)
    assert [row.row for row in receipt.rejected] == ['{"id": 1.0,\n "job": "\\u00e4", "pay": 7}', "[1]"]
    kept = batches.tables.rejects(receipt.batch_id)
    assert [(row["table"], row["source"], row["row_number"], row["raw"]) for row in kept] == [
        ("jobs", SOURCE, 2, receipt.rejected[0].row),
        ("jobs", SOURCE, 3, "[1]"),
    ]
    assert [row["errors"] for row in kept] == [row.errors for row in receipt.rejected]
    told, end = batches.tables.events
    assert isinstance(told, RowsRejected)
    assert told.rows[0] == (2, ((("id", "value.type")), ("pay", "value.unknown_column")))
    assert isinstance(end, BatchFinished)
    assert (end.status, end.received, end.inserted, end.rejected) == ("done", 3, 1, 2)


def test_the_ledger_knows_the_batch(batches: Batches) -> None:
    first = batches.put({"jobs": [job(1)]})
    last = batches.put({"jobs": [job(2), 3]}, on_conflict="skip")
    with batches.tables.service.backend.engine.connect() as connection:
        listed = ledger.list_batches(connection, 10)
        older = ledger.list_batches(connection, 10, last.batch_id)
        found = ledger.find_batch(connection, last.batch_id)
    assert [batch["batch_id"] for batch in listed] == [last.batch_id, first.batch_id]
    assert [batch["batch_id"] for batch in older] == [first.batch_id]
    assert found == listed[0]
    assert (found["caller"], found["source"], found["status"]) == ("test", SOURCE, "done")
    assert (found["received"], found["inserted"], found["rejected"]) == (2, {"jobs": 1}, 1)
    assert found["options"] == {"on_conflict": "skip", "all_or_nothing": False}
    assert dt.datetime.fromisoformat(found["finished_at"]).tzinfo


@pytest.mark.parametrize("code", [RejectCode.NOT_AN_OBJECT, RejectCode.UNKNOWN_COLUMN], ids=str)
def test_codes_that_only_json_can_break(batches: Batches, code: RejectCode) -> None:
    row = {RejectCode.NOT_AN_OBJECT: "text", RejectCode.UNKNOWN_COLUMN: job(2) | {"pay": 1}}[code]
    receipt = batches.put({"jobs": [job(1), row]})
    assert [found for _, _, found in codes(receipt)] == [[(None if row == "text" else "pay", str(code))]]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("4", None),
        ('"4"', None),
        ('"+4"', None),
        ("-0", None),
        ("1.0", "value.type"),
        ("1e3", "value.type"),
        ('"1.0"', "value.type"),
        ('" 4"', "value.type"),
        ("true", "value.type"),
        ("[4]", "value.type"),
        ('{"id": 4}', "value.type"),
        ('""', "value.required"),
        ('"\\u2003"', "value.required"),
        ("null", "value.required"),
        ('"\\u0000"', "value.type"),
        ('"\\ud800"', "value.type"),
        ("2147483648", "value.range"),
        ("-2147483649", "value.range"),
        ("9223372036854775808", "value.range"),
        ("1" + 5000 * "0", "value.range"),
        ("1e999", "value.type"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_integers(batches: Batches, value: str, code: str | None) -> None:
    receipt = batches.put(f'{{"jobs": [{{"id": {value}, "job": "Clerk"}}]}}'.encode())
    assert [found for _, _, found in codes(receipt)] == ([[("id", code)]] if code else [])


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("Ä 🚢\r\n", None),
        ("\ud83d\udea2", None),
        ("x" * 255, None),
        ("🚢" * 255, None),
        ("x" * 256, "value.length"),
        (4, "value.type"),
        (4.5, "value.type"),
        (False, "value.type"),
        ([], "value.type"),
        ({}, "value.type"),
        (None, "value.required"),
        (" \t\n", "value.required"),
        ("a\0b", "value.type"),
        ("a\ud800", "value.type"),
        ("\udea2\ud83d", "value.type"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_texts(batches: Batches, value: object, code: str | None) -> None:
    receipt = batches.put({"jobs": [job(1) | {"job": value}]})
    assert [found for _, _, found in codes(receipt)] == ([[("job", code)]] if code else [])


@pytest.mark.parametrize("value", [20210701, "2021-07-01", 1.5e9, "today", True, ["2021-07-01T10:00:00Z"]])
def test_what_is_no_instant(batches: Batches, value: object) -> None:
    receipt = batches.put(company([employee(1, datetime=value)]))
    assert codes(receipt) == [("hired_employees", 0, [("datetime", "value.type")])]


def test_odd_rows(batches: Batches) -> None:
    big = b'{"id": 9, "job": "' + 1_048_576 * b"x" + b'"}'
    many = json.dumps(job(8) | {f"column {number}": 1 for number in range(30)}).encode()
    body = b'{"jobs": [{"id":1,"id":2,"job":"a"}, {"ID":1,"job":"a"}, {}, null, 1, "a", [], %s, %s]}' % (big, many)
    receipt = batches.put(body)
    assert codes(receipt)[:-1] == [
        ("jobs", 0, [("id", "value.type")]),
        ("jobs", 1, [("id", "value.required"), ("ID", "value.unknown_column")]),
        ("jobs", 2, [("id", "value.required"), ("job", "value.required")]),
        *[("jobs", index, [(None, "row.not_an_object")]) for index in range(3, 7)],
        ("jobs", 7, [(None, "row.too_long")]),
    ]
    assert len(receipt.rejected[-1].errors) == 21
    assert [len(row["raw"]) for row in batches.tables.rejects(receipt.batch_id)][7] == 65_536


PROJECT = {"id": 1, "name": "Ship", "department_id": None, "level": 3, "visits": 2**62, "budget": 1.50}


def test_other_kinds(new_service: Callable[..., Service], tmp_path: Path) -> None:
    batches = Batches(Tables(new_service("fourth_table"), tmp_path))
    optional = {"ratio": 1e-3, "active": True, "ends": "2030-01-02", "seen": "2021-07-01T10:00"}
    batch = {
        "assignments": [{"project_id": 1, "country": "DE"}, {"country": "DE", "project_id": "1"}],
        "projects": [PROJECT | optional, PROJECT | {"id": 2, "active": "FALSE", "budget": "2"}],
        "countries": [{"code": "DE"}],
    }
    receipt = batches.put(batch)
    assert codes(receipt) == [("assignments", 1, [(None, "key.duplicate")])]
    assert receipt.rejected[0].errors[0]["message"] == "project_id, country 1, 'DE' was taken by the row at index 0"
    assert batches.put(batch).unchanged == {"countries": 1, "projects": 2, "assignments": 1}
    changed = batches.put({"projects": [PROJECT | {"budget": 1.25}]}, on_conflict="update")
    assert changed.updated == {"projects": 1}
    assert batches.put({"assignments": [{"project_id": 1, "country": "DE"}]}, on_conflict="update").updated == {
        "assignments": 0
    }


def test_other_kinds_that_do_not_fit(new_service: Callable[..., Service], tmp_path: Path) -> None:
    batches = Batches(Tables(new_service("fourth_table"), tmp_path))
    wrong: dict[str, list[Any]] = {
        "budget": [1.555, "1e3", True, 1],
        "active": [1, "yes", None],
        "ratio": ["x", 1e400, 7],
        "ends": [2030],
    }
    rows = [(name, value) for name, values in wrong.items() for value in values]
    body = json.dumps({"projects": [PROJECT | {"id": at, name: value} for at, (name, value) in enumerate(rows)]})
    receipt = batches.put(body.replace("Infinity", "1e400").encode())
    assert {row.index: codes(receipt)[at][2] for at, row in enumerate(receipt.rejected)} == {
        0: [("budget", "value.range")],
        1: [("budget", "value.type")],
        2: [("budget", "value.type")],
        4: [("active", "value.type")],
        5: [("active", "value.type")],
        7: [("ratio", "value.type")],
        8: [("ratio", "value.range")],
        10: [("ends", "value.type")],
    }


def test_the_schemas_of_any_tables() -> None:
    schemas = batch_schemas(load_catalog("fourth_table"))
    assert list(schemas) == ["BatchTransaction", "Assignment", "Country", "Department", "Project"]
    assert schemas["Project"]["required"] == ["id", "name", "level"]
    assert schemas["Project"]["properties"]["level"]["maximum"] == 32_767
    assert schemas["Assignment"]["description"].startswith("A composite key")


ONCE = Once("key", "route", lambda receipt: Reply(201, "application/json", receipt.as_json()))


def test_a_repeated_request_gets_the_same_answer_and_changes_nothing(batches: Batches) -> None:
    first = batches.send({"jobs": [job(1), 2]}, ONCE)
    assert isinstance(first, BatchReceipt)
    batches.tables.execute("DELETE FROM jobs")
    again = batches.send({"jobs": [job(1), 2]}, ONCE)
    assert again == Reply(201, "application/json", first.as_json())
    assert batches.tables.rows("jobs") == []
    assert not batches.tables.events


def test_a_key_belongs_to_one_body_and_one_route_whoever_sends_it(batches: Batches) -> None:
    first = batches.send({"jobs": [job(1)]}, ONCE)
    assert isinstance(first, BatchReceipt)
    with pytest.raises(IdempotencyKeyReused):
        batches.send({"jobs": [job(2)]}, ONCE)
    with pytest.raises(IdempotencyKeyReused):
        batches.send({"jobs": [job(1)]}, ONCE, on_conflict="skip")
    assert isinstance(batches.send({"jobs": [job(2)]}, Once("key", "other", ONCE.reply)), BatchReceipt)
    batches.put({"jobs": [job(1, "Newer")]}, on_conflict="update")
    again = batches.send({"jobs": [job(1)]}, ONCE, caller="from another address")
    assert again == Reply(201, "application/json", first.as_json())
    assert batches.tables.rows("jobs") == [(1, "Newer"), (2, "Clerk")]
    with pytest.raises(IdempotencyKeyReused):
        batches.send({"jobs": [job(2)]}, ONCE, caller="from another address")


def test_nothing_is_kept_of_a_request_that_fails(batches: Batches) -> None:
    def fail(_receipt: BatchReceipt) -> Reply:
        raise SourceUnreadable(path="x", reason="y")

    with pytest.raises(SourceUnreadable):
        batches.send({"jobs": [job(1), 2]}, Once("key", "route", fail))
    assert batches.tables.rows("jobs") == []
    assert isinstance(batches.send({"jobs": [job(1), 2]}, ONCE), BatchReceipt)


def test_sums_that_do_not_add_up_change_nothing(batches: Batches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HeldRows, "_new", lambda rows: rows._rows.select(list(rows._rules.names)).slice(1))
    monkeypatch.setattr(StagedWriter, "_insert", lambda _writer: 1)
    with pytest.raises(ConservationBroken):
        batches.put({"jobs": [job(1), job(2)]})
    assert batches.tables.rows("jobs") == []


def test_what_others_do_in_between_is_tried_again_but_not_forever(
    batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([KeysTaken(reason="x"), KeysTaken(reason="x")])
    put_in = operation._Batch._put_in

    def fail_first(batch: Any, transaction: Any) -> BatchReceipt:
        if failure := next(failures, None):
            raise failure
        return put_in(batch, transaction)

    monkeypatch.setattr(operation._Batch, "_put_in", fail_first)
    assert batches.put({"jobs": [job(1)]}).inserted == {"jobs": 1}
    monkeypatch.setattr(operation, "_PATIENCE_SECONDS", 0.0)
    failures = iter([KeysTaken(reason="x"), KeysTaken(reason="x")])
    with pytest.raises(KeysTaken):
        batches.put({"jobs": [job(2)]})


def test_what_only_the_database_wants_unique(batches: Batches) -> None:
    batches.tables.execute("CREATE UNIQUE INDEX one_name ON jobs (job)")
    receipt = batches.put({"jobs": [job(1), job(2)]})
    assert [(row.index, row.errors[0]["code"]) for row in receipt.rejected] == [(1, "database.one_name")]
    assert batches.tables.rows("jobs") == [(1, "Clerk")]


def test_a_table_that_comes_without_rows_keeps_those_it_has(tables: Tables) -> None:
    rows = {"departments": [], "jobs": [], "hired_employees": [employee(1)]}
    assert Batches(tables.with_parents()).put(rows).inserted == {"departments": 0, "jobs": 0, "hired_employees": 1}
