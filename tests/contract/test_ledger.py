"""What is kept of each load: who, when, of which files, with which outcome."""

import datetime as dt
import gzip
import hashlib
from pathlib import Path

import pytest

from loading import DEPARTMENTS, JOBS, Tables, employees
from rowferry.backends.sqlite import database as sqlite
from rowferry.bootstrap import Service
from rowferry.errors import DatabaseBusy, RejectsExceeded, SourceNotText
from rowferry.events import LoadFinished, LoadStarted, PublishStarted, RowsJudged, RowsRejected
from speaking import only_sqlite

COLUMNS = {
    "departments": ["id", "department"],
    "jobs": ["id", "job"],
    "hired_employees": ["id", "name", "datetime", "department_id", "job_id"],
}


def described(path: Path, table: str) -> dict[str, object]:
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    named = {"table": table, "path": str(path), "name": path.name, "columns": COLUMNS[table], "delimiter": ","}
    return named | {"bytes": len(data), "sha256": digest}


def test_a_load_is_kept_with_all_that_happened(tables: Tables) -> None:
    paths = [
        tables.write("departments.csv", "\ufeff" + DEPARTMENTS),
        tables.write("jobs.csv.gz", gzip.compress(JOBS.encode())),
        tables.write("hired_employees.csv", employees(20_000) + "1,x,,9,\n"),
    ]
    before = dt.datetime.now(dt.UTC)
    receipt = tables.load(*paths, on_conflict="skip", max_rejects="1%", exclusive=True)
    (load,) = tables.loads()
    assert load["load_id"] == receipt.load_id
    assert (load["status"], load["dry_run"], load["caller"], load["error"]) == ("done", False, "test", None)
    started, finished = (dt.datetime.fromisoformat(load[name]) for name in ("started_at", "finished_at"))
    assert before <= started <= finished <= dt.datetime.now(dt.UTC)
    assert load["sources"] == [described(path, path.name.split(".")[0]) for path in paths]
    assert load["tables"] == receipt.as_dict()["tables"]
    assert [load[name] for name in ("rows_read", "inserted", "updated", "unchanged", "rejected")] == [
        *(20_007, 20_006, 0, 0, 1)
    ]
    assert load["options"] == {
        "on_conflict": "skip",
        "all_or_nothing": False,
        "max_rejects": "1%",
        "dry_run": False,
        "encoding": "utf-8",
        "exclusive": True,
        "header": "auto",
        "delimiter": None,
        "null": [],
        "rename": [],
        "ignore_columns": [],
    }


def test_a_conflict_makes_the_file_read_twice_and_hashed_as_once(tables: Tables) -> None:
    tables.put("jobs.csv", "1,Clerk\n")
    path = tables.write("jobs.csv", "2,Cook\n1,Other\n")
    tables.load(path)
    assert tables.loads()[0]["sources"] == [described(path, "jobs")]


def test_a_failed_load_says_what_failed_and_why(tables: Tables) -> None:
    good, bad = tables.write("departments.csv", DEPARTMENTS), tables.write("jobs.csv", b"%PDF-1.7")
    error = tables.fail(SourceNotText, good, bad)
    (load,) = tables.loads()
    assert load["status"] == "failed"
    assert load["error"] == {"code": "source.not_text", "message": error.message, "hint": error.advice}
    assert load["finished_at"] >= load["started_at"]
    assert [source["path"] for source in load["sources"]] == [str(good), str(bad)]
    assert [load[name] for name in ("inserted", "updated", "unchanged")] == [0, 0, 0]


def test_a_load_over_its_limit_keeps_files_counts_and_rejects(tables: Tables) -> None:
    path = tables.write("jobs.csv", "1,Clerk\n2\n3,,\n")
    tables.fail(RejectsExceeded, path, max_rejects="1")
    (load,) = tables.loads()
    assert (load["status"], load["error"]["code"]) == ("failed", "load.rejects_exceeded")
    assert (load["rows_read"], load["inserted"], load["rejected"]) == (3, 0, 2)
    assert load["sources"] == [described(path, "jobs")]
    assert load["tables"][0]["rejected_by_code"] == {"row.too_few_fields": 1, "row.too_many_fields": 1}
    assert [row["row_number"] for row in tables.rejects()] == [2, 3]


def test_loads_are_listed_newest_first(tables: Tables) -> None:
    ids = [tables.put("jobs.csv", JOBS).load_id for _ in range(3)]
    assert [load["load_id"] for load in tables.loads()] == ids[::-1]
    assert len(set(ids)) == 3


def test_a_rejected_row_has_the_shape_of_the_contract(tables: Tables) -> None:
    tables.with_parents()
    receipt = tables.put("hired_employees.csv", "7,Ty Hofer,2021-05-30T05:43:46Z,8,\n")
    assert tables.rejects() == [
        {
            "reject_id": 1,
            "load_id": receipt.load_id,
            "table": "hired_employees",
            "source": "hired_employees.csv",
            "row_number": 1,
            "raw": "7,Ty Hofer,2021-05-30T05:43:46Z,8,",
            "errors": [
                {
                    "column": "department_id",
                    "code": "reference.missing",
                    "message": "department_id 8 is not in departments",
                },
                {"column": "job_id", "code": "value.required", "message": "job_id is required"},
            ],
        }
    ]


def test_all_faults_of_a_row_are_listed_in_the_order_of_its_columns(tables: Tables) -> None:
    tables.with_parents()
    tables.put("hired_employees.csv", 'x, ,today,9,\n"1\0",\xff,2021-13-01,1,+\n'.encode("latin-1"))
    first, second = ([(e["column"], e["code"]) for e in row["errors"]] for row in tables.rejects())
    assert first == [
        ("id", "value.type"),
        ("name", "value.required"),
        ("datetime", "value.type"),
        ("department_id", "reference.missing"),
        ("job_id", "value.required"),
    ]
    assert second == [
        (None, "row.encoding"),
        ("id", "value.type"),
        ("datetime", "value.type"),
        ("job_id", "value.type"),
    ]


@pytest.mark.parametrize("rows", [3, 20_000])
def test_events_tell_the_same_story(tables: Tables, rows: int) -> None:
    tables.with_parents()
    path = tables.write("hired_employees.csv", employees(rows) + "x\n" + "1,again,2021-01-01 00:00,1,1\n")
    receipt = tables.load(path)
    assert {event.id for event in tables.events} == {receipt.load_id}
    started, finished = tables.events[0], tables.events[-1]
    assert started == LoadStarted(receipt.load_id, ("hired_employees.csv",), False)
    assert isinstance(finished, LoadFinished)
    assert (finished.status, finished.rows_read, finished.inserted, finished.rejected) == ("done", rows + 2, rows, 2)
    judged = [event for event in tables.events if isinstance(event, RowsJudged)]
    assert [event.rows_read for event in judged] == sorted(event.rows_read for event in judged)
    assert (judged[-1].rows_read, judged[-1].bytes_total) == (rows + 2, path.stat().st_size)
    assert judged[-1].rejected == 2
    assert [event.table for event in tables.events if isinstance(event, PublishStarted)] == ["hired_employees"]
    told = [row for event in tables.events if isinstance(event, RowsRejected) for row in event.rows]
    assert told == [(rows + 1, ((None, "row.too_few_fields"),)), (rows + 2, (("id", "key.duplicate"),))]


@only_sqlite  # others let many write at once
def test_a_load_that_never_gets_its_turn_is_not_noted(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tables.write("jobs.csv", JOBS)
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0)
    impatient = Tables(Service(tables.service.settings), tables.folder)
    with tables.service.backend.engine.connect() as writer:
        writer.exec_driver_sql("PRAGMA user_version = 1")  # which takes the lock
        error = impatient.fail(DatabaseBusy, path)
    assert "Try again" in error.advice
    assert [type(event) for event in impatient.events] == [LoadFinished]
    assert tables.loads() == []
    assert impatient.load(path).total("inserted") == 3
    impatient.service.close()
