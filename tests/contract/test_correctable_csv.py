"""Rejected rows that were not corrected stay rejected, whatever the correctable file had to do to show them."""

import csv
import io
import json
from collections.abc import Callable

import pytest

from batching import Batches
from loading import Tables
from rowferry import ledger
from rowferry.bootstrap import Service
from rowferry.sources.csv.correctable import correctable_csv, written_files
from rowferry.sources.json.source import as_csv_rows

MARK = "empty_this_once_corrected"

ROWS: dict[str, tuple[bytes, str]] = {
    "bytes that are no text": (b"7,Caf\xe9", "row.encoding"),
    "NUL": (b"7,N\0UL", "value.type"),
    "a stray quote": (b'7,bad"q', "row.quote"),
    "a quote that is never closed": (b'7,"open', "row.quote"),
    "too many fields": (b"7,Sales,EMEA", "row.too_many_fields"),
    "empty fields too many": (b"7,Ops,,", "row.too_many_fields"),
    "too few fields": (b"7", "row.too_few_fields"),
    "too long": (b"7," + b"x" * 2**20, "row.too_long"),
}


def rows_of(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


def correctable(tables: Tables, source_id: str, *, typed: bool = False) -> str:
    rules = tables.service.catalog.table("jobs")
    with tables.service.backend.engine.connect() as connection:
        found = ledger.find_rejects(connection, source_id, table="jobs")
        load = ledger.find_load(connection, source_id)
        rows = as_csv_rows(rules, found, of_restore=False) if typed else found
        return "".join(correctable_csv(rules, rows, written_files(load)))


def test_a_row_of_a_backup_of_before(new_service: Callable[..., Service]) -> None:
    rules = new_service("new_ships").catalog.table("ships")
    raw = json.dumps({"id": 1, "name": "Argo", "tons": 50, "note": "fast", "masts": 1, "port": "Iolcus"})
    reject = {
        "raw": raw,
        "source": "x.avro",
        "row_number": 1,
        "errors": [{"column": "note", "message": "", "code": ""}],
    }
    (row,) = as_csv_rows(rules, [reject], of_restore=True)
    assert row["raw"] == "1,Argo,50,fast,1,3,"


@pytest.mark.parametrize("case", ROWS)
@pytest.mark.parametrize("moved", [False, True])
def test_a_row_of_a_file(tables: Tables, case: str, *, moved: bool) -> None:
    raw, code = ROWS[case]
    load = tables.put("jobs.csv", b"1,Clerk\n" + raw + b"\n")
    assert (load.total("inserted"), load.total("rejected")) == (1, 1)
    text = correctable(tables, load.load_id)
    (row,) = rows_of(text)
    assert row[MARK] == code
    if moved:
        columns = [MARK, *(name for name in row if name != MARK)]
        text = f"{','.join(columns)}\r\n" + _line([row[name] for name in columns])
    again = tables.put("jobs.csv", text)
    assert (again.total("inserted"), again.total("rejected")) == (0, 1)
    assert code in again.tables[0].rejected_by_code
    assert rows_of(correctable(tables, again.load_id))[0][MARK] == code
    corrected = tables.put("jobs.csv", f"id,job,{MARK}\r\n" + _line(["7", "Lawyer", ""]))
    assert corrected.total("inserted") == 1
    assert tables.rows("jobs") == [(1, "Clerk"), (7, "Lawyer")]


@pytest.mark.parametrize(
    "row", [{"id": 7, "job": 5}, {"id": 7, "job": "Clerk", "more": 1}, 7, {"id": 7.0, "job": "Clerk"}]
)
def test_a_row_of_a_batch(tables: Tables, row: object) -> None:
    receipt = Batches(tables).put({"jobs": [row]})
    text = correctable(tables, receipt.batch_id, typed=True)
    assert rows_of(text)[0][MARK] == receipt.rejected[0].errors[0]["code"]
    again = tables.put("jobs.csv", text)
    assert (again.total("inserted"), again.total("rejected")) == (0, 1)


def test_what_was_shown_as_it_came_needs_no_mark(tables: Tables) -> None:
    load = tables.put("jobs.csv", "x,Clerk\n2,\n3,Lawyer\n")
    text = correctable(tables, load.load_id)
    assert [row[MARK] for row in rows_of(text)] == ["", ""]
    assert tables.put("jobs.csv", text.replace("x,", "1,").replace("2,,", "2,Cook,")).total("inserted") == 2


def _line(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
