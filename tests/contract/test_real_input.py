"""The real input, on both databases."""

import csv
import datetime as dt
from pathlib import Path

from loading import Tables, counts
from rowferry.operations.receipt import Receipt

TABLES = {
    "departments": ["id", "department"],
    "jobs": ["id", "job"],
    "hired_employees": ["id", "name", "datetime", "department_id", "job_id"],
}


def rows_of(folder: Path, table: str) -> list[list[str]]:
    with (folder / f"{table}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def incomplete(folder: Path) -> dict[int, tuple[str, list[str]]]:
    """Row number, text and empty columns of the employees that lack a value."""
    return {
        number: (",".join(row), [name for name, cell in zip(TABLES["hired_employees"], row, strict=True) if not cell])
        for number, row in enumerate(rows_of(folder, "hired_employees"), 1)
        if not all(row)
    }


def test_all_good_rows_are_in_and_all_others_are_kept(tables: Tables, globant: Path) -> None:
    receipt = tables.load(globant)
    assert _by_table(receipt) == {
        "departments": (12, 12, 0, 0),
        "jobs": (183, 183, 0, 0),
        "hired_employees": (1_999, 1_929, 0, 70),
    }
    assert receipt.tables[2].rejected_by_code == {"value.required": 70}
    assert counts(receipt) == (2_194, 2_124, 0, 0, 70)
    for table in ("departments", "jobs"):
        assert tables.rows(table) == [(int(key), name) for key, name in rows_of(globant, table)]
    assert tables.rows("hired_employees") == [
        (int(key), name, dt.datetime.fromisoformat(at), int(department), int(job))
        for key, name, at, department, job in (row for row in rows_of(globant, "hired_employees") if all(row))
    ]


def test_each_rejected_row_has_its_number_its_text_and_the_missing_columns(tables: Tables, globant: Path) -> None:
    receipt = tables.load(globant)
    kept = {
        row["row_number"]: (row["raw"], [error["column"] for error in row["errors"]])
        for row in tables.rejects(receipt.load_id)
    }
    expected = incomplete(globant)
    assert len(expected) == 70
    assert kept == expected
    for row in tables.rejects():
        assert {error["code"] for error in row["errors"]} == {"value.required"}
        assert (row["table"], row["source"]) == ("hired_employees", "hired_employees.csv")
    assert [row["reject_id"] for row in tables.rejects()] == list(range(1, 71))


def test_the_same_load_twice_changes_nothing(tables: Tables, globant: Path) -> None:
    tables.load(globant)
    first = tables.rejects()
    before = tables.everything()
    receipt = tables.load(globant)
    assert counts(receipt) == (2_194, 0, 0, 2_124, 70)
    assert tables.everything() == before
    again = tables.rejects(receipt.load_id)
    assert [{**row, "load_id": ""} for row in again] == [{**row, "load_id": ""} for row in first]


def _by_table(receipt: Receipt) -> dict[str, tuple[int, int, int, int]]:
    return {
        table.table: (table.rows_read, table.inserted, table.updated + table.unchanged, table.rejected)
        for table in receipt.tables
    }
