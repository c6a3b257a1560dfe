"""What other programs write by themselves is taken where nothing is lost, and else the message names the fault."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastavro
import pytest

from batching import Batches
from loading import Tables
from restoring import Restores, counts
from rowferry.bootstrap import Service
from rowferry.operations.restore_sources import RestoreSource

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"

TAKEN = {
    1: "2021-05-30T05:43:46", 2: "2021-05-30T00:13:46.123456", 4: "2021-05-30T05:43:46", 5: "2021-05-30T03:43:46",
    6: "2021-05-30T05:43:46", 7: "2021-05-30T05:43:46", 10: "2021-05-30T12:43:46", 16: "2021-05-30T05:43:46.500000",
    18: "2021-05-30T05:43:46", 20: "2021-05-30T05:43:46", 21: "2021-05-29T15:43:46", 22: "2021-05-29T13:44:46",
    24: "1890-05-30T04:50:18", 25: "2021-05-30T03:43:46", 29: "2021-05-30T05:43:00",
}  # fmt: skip
"""The rows of c15 that have an instant, and which."""

REFUSED = {
    3: ("value.type", "it has seven decimals; six can be kept"),
    8: ("value.type", "it names a zone"),
    9: ("value.type", "it has nine decimals; six can be kept"),
    11: ("value.type", "month 00"),
    12: ("value.type", "must be a date and time in ISO 8601"),
    13: ("value.type", "must be a date and time in ISO 8601"),
    14: ("value.type", "must be a date and time in ISO 8601"),
    15: ("value.type", "must be a date and time in ISO 8601"),
    17: ("value.type", "T and Z are capital letters"),
    19: ("value.type", "second 60"),
    23: ("value.type", "must be a date and time in ISO 8601"),
    26: ("value.type", "its minus sign is U+2212"),
    27: ("value.range", "must lie in the years 1 to 9999"),
    28: ("value.range", "must lie in the years 1 to 9999"),
    30: ("value.type", "must be a date and time in ISO 8601"),
}

PAY = {
    1: {"amount": "value.type"}, 2: {"amount": "value.type"}, 3: {}, 4: {}, 5: {},
    6: {"amount": "value.type", "active": "value.type", "born": "value.type"},
    7: {"amount": "value.type", "active": "value.type", "born": "value.type"},
    8: {"amount": "value.type", "born": "value.type"},
    9: {"active": "value.type", "born": "value.type"},
    10: {"amount": "value.type", "active": "value.type", "born": "value.type", "rate": "value.type"},
    11: {"amount": "value.type", "born": "value.type"},
    12: {"amount": "value.range"}, 13: {}, 14: {"amount": "value.range", "rate": "value.range"}, 15: {}, 16: {},
}  # fmt: skip
"""The faults of each row of c16."""


def _rows(name: str) -> list[list[str]]:
    with (CASES / name).open(newline="") as file:
        return list(csv.reader(file))


def _as_avro(tables: Tables, table: str, rows: list[list[str]]) -> RestoreSource:
    """Rows as texts in an Avro file, whose own numbers the ids are."""
    rules = tables.service.catalog.table(table)
    numbers = {"id", "department_id", "job_id"}
    fields = [{"name": name, "type": "int" if name in numbers else "string"} for name in rules.names]
    path = tables.folder / f"{table}.avro"
    records = [
        {name: int(cell) if name in numbers else cell for name, cell in zip(rules.names, row, strict=True)}
        for row in rows
    ]
    with path.open("wb") as file:
        fastavro.writer(file, {"type": "record", "name": table, "fields": fields}, records)
    return RestoreSource(rules, path, path.name)


def _require_instants(tables: Tables, rejects: list[dict[str, Any]]) -> None:
    found = {row[0]: row[2].isoformat() for row in tables.rows("hired_employees")}
    assert found == {number: f"{instant}+00:00" for number, instant in TAKEN.items()}
    assert [row["row_number"] for row in rejects] == list(REFUSED)
    for row, (code, told) in zip(rejects, REFUSED.values(), strict=True):
        (error,) = row["errors"]
        assert error["code"] == code
        assert told in error["message"]


def test_instants_of_a_file(tables: Tables) -> None:
    tables.with_parents().load(CASES / "c15_datetimes.csv", table="hired_employees")
    _require_instants(tables, tables.rejects())


def test_instants_of_a_batch(tables: Tables) -> None:
    rows = [
        {"id": int(row[0]), "name": row[1], "datetime": row[2], "department_id": 1, "job_id": 1}
        for row in _rows("c15_datetimes.csv")
    ]
    reply = Batches(tables.with_parents()).put({"hired_employees": rows})
    rejected = [{"row_number": one.index + 1, "errors": one.errors} for one in reply.rejected]
    _require_instants(tables, rejected)


def test_instants_of_an_avro_file(tables: Tables) -> None:
    source = _as_avro(tables.with_parents(), "hired_employees", _rows("c15_datetimes.csv"))
    restores = Restores(tables)
    receipt = restores.restore(source, partial=True)
    assert counts(receipt) == (len(TAKEN), 0, 0, 0, len(REFUSED))
    _require_instants(tables, tables.rejects(receipt.restore_id))


@pytest.fixture
def pay(new_service: Callable[..., Service], tmp_path: Path) -> Tables:
    return Tables(new_service("pay_tables"), tmp_path)


def _faults(errors: list[dict[str, Any]]) -> dict[str, str]:
    return {error["column"]: error["code"] for error in errors}


def test_pay_of_a_file(pay: Tables) -> None:
    pay.load(CASES / "c16_pay.csv", table="pay")
    found = {row["row_number"] - 1: _faults(row["errors"]) for row in pay.rejects()}
    assert found == {number: faults for number, faults in PAY.items() if faults}
    rows = {row[0]: row[1:] for row in pay.rows("pay")}
    assert [float(rows[3][0]), rows[3][3], float(rows[4][0]), rows[4][3], rows[5][3]] == [0.5, 0.5, -0.5, -0.5, 1e-5]


def test_pay_of_a_batch(pay: Tables) -> None:
    header, *rows = _rows("c16_pay.csv")
    sent = [dict(zip(header, row, strict=True)) | {"id": int(row[0])} for row in rows]
    reply = Batches(pay).put(json.loads(json.dumps({"pay": sent})))
    found = {one.index + 1: _faults(one.errors) for one in reply.rejected}
    assert found == {number: faults for number, faults in PAY.items() if faults}


@pytest.mark.parametrize(
    ("name", "ignored"),
    [("a13_bzip2.avro", []), ("a18_decimal_id.avro", []), ("a23_nested_extra.avro", ["meta", "tags"])],
)
def test_avro_files_of_other_writers(tables: Tables, name: str, ignored: list[str]) -> None:
    with (CASES / name).open("rb") as file:
        rows = [(int(row["id"]), row["department"]) for row in fastavro.reader(file)]  # type: ignore[index,call-overload]
    rules = tables.service.catalog.table("departments")
    receipt = Restores(tables).restore(RestoreSource(rules, CASES / name, name))
    assert tables.rows("departments") == rows
    assert receipt.tables[0].ignored == ignored
