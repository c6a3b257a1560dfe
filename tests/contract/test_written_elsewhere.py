"""What other programs write by themselves is taken where nothing is lost, and else the message names the fault."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastavro
import pytest

from batching import Batches
from field_cases import CASES, PAY, REFUSED, TAKEN
from loading import Tables
from restoring import Restores, counts
from rowferry.bootstrap import Service
from rowferry.operations.restore_sources import RestoreSource


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
    rejected = [{"row_number": row.index + 1, "errors": row.errors} for row in reply.rejected]
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
    found = {row.index + 1: _faults(row.errors) for row in reply.rejected}
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
