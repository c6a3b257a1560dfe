"""What is written for spreadsheets runs no formula there, and comes back as it was."""

import csv
import io
import re
from pathlib import Path

import httpx
import pytest
from api_server import serve
from hypothesis import given, strategies as st

from loading import Tables
from made_up import made_up
from rowferry.operations.correctable_files import correctable_files
from rowferry.sources.csv.formulas import guarded, unguarded

RUNS = re.compile(r"\s*[=+\-@\t\r\n]")
PLAIN_NUMBER = re.compile(r"[+-][0-9.]+([eE][+-]?[0-9]+)?")

LETTERS = st.one_of(
    st.sampled_from("'=+-@\t\r\n \u00a0\ufeff\",;0123456789.eE\x1c\x85"), st.characters(exclude_categories=["Cs"])
)
CELLS = st.text(LETTERS, min_size=1, max_size=8).filter(lambda text: text.strip() and "\0" not in text)

IN_FILES = CELLS.filter(lambda text: not re.search(r"[\x01-\x08\x0e-\x1f]", text))
"""Those of which a file may be full: one with many other control characters is taken for no text."""


def is_harmless(cell: str) -> bool:
    return not RUNS.match(cell) or bool(PLAIN_NUMBER.fullmatch(cell))


@given(CELLS)
@made_up(166)
def test_a_cell_is_harmless_and_comes_back(cell: str) -> None:
    assert is_harmless(guarded(cell))
    assert unguarded(guarded(cell)) == cell


@pytest.mark.parametrize("cell", ["-5", "+3", "-1.5", "+.5", "-1e5", "'s-Gravenhage", "'t Hooft", "a=1", "7", "'-5"])
def test_what_no_spreadsheet_runs_stays_as_it_is(cell: str) -> None:
    assert guarded(cell) == unguarded(cell) == cell


@pytest.mark.parametrize("cell", ["=1", " =1", "\t1", "\r", "@SUM(A1)", "-5+3", "+A1", "'=1", "''=1", "\n-x", "＝1"])
def test_what_one_would_run_gets_an_apostrophe(cell: str) -> None:
    assert guarded(cell) == f"'{cell}"


def correctable(tables: Tables, load_id: str) -> list[list[str]]:
    service = tables.service
    text = "".join(correctable_files(service.backend, service.catalog, load_id, "jobs")["jobs"])
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:], newline="")))


def written(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return "\ufeff" + text.getvalue()


@given(names=st.lists(IN_FILES, min_size=1, max_size=12))
@made_up(10)
def test_a_rejected_row_is_corrected_in_a_spreadsheet_and_goes_in_as_it_came(tables: Tables, names: list[str]) -> None:
    tables.execute("DELETE FROM jobs")
    rejected = tables.put("jobs.csv", written([["id", "job"], *(["=x", name] for name in names)]))
    head, *rows = correctable(tables, rejected.load_id)
    assert all(is_harmless(cell) for row in rows for cell in row)
    again = tables.put("jobs.csv", written([head, *rows]))
    assert again.total("rejected") == len(names), "nothing was corrected"
    left = correctable(tables, again.load_id)[1:]
    assert [row[:2] for row in left] == [row[:2] for row in rows], "a second time makes no difference"
    tables.put("jobs.csv", written([head, *([str(at), *row[1:]] for at, row in enumerate(rows))]))
    assert tables.rows("jobs") == list(enumerate(names))


def test_the_same_by_http(tmp_path: Path) -> None:
    with serve(f"sqlite:///{tmp_path}/formulas.db", tmp_path, tmp_path / "logs") as client:
        assert corrected(client, b'x,=1+1\n-y,"\t@SUM(A1)"\n') == [(1, "=1+1"), (2, "\t@SUM(A1)")]


def corrected(client: httpx.Client, content: bytes) -> list[tuple[int, str]]:
    load = client.post("/full-bulk-insert/jobs", content=content).json()["load_id"]
    answer = client.get(f"/loads/{load}/rejects", headers={"Accept": "text/csv"})
    assert answer.content.startswith(b"\xef\xbb\xbfid,")
    text = answer.text.replace("x,", "1,", 1).replace("'-y,", "2,", 1)
    assert client.post("/full-bulk-insert/jobs", content=text.encode()).json()["inserted"] == 2
    return [(row["id"], row["job"]) for row in client.get("/tables/jobs/rows").json()["items"]]
