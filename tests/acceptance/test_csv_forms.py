"""Files of other people, as their command or their client sends them: read right, or refused with what to do."""

import csv
import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from api_server import serve

from command_server import run_text

ROWFERRY = str(Path(sys.executable).with_name("rowferry"))
CASES = Path(__file__).parents[3] / "shared" / "cases"

PARENTS = {"departments": "1,Alpha\n2,Beta\n3,Gamma\n", "jobs": "1,Clerk\n2,Cook\n3,Judge\n"}

HIRED = [
    [1, "Ann Lee", "2021-05-30T05:43:46Z", 1, 3],
    [2, "Bo Ray", "2021-06-30T05:43:46Z", 3, 2],
]
FIRST_HIRED = [HIRED[0]]

REFUSED: dict[str, tuple[str, str, str, str]] = {
    "c01_header_other_name.csv": (
        "hired_employees",
        "source.header",
        "it lacks department_id and has dept_id",
        "--rename dept_id=department_id",
    ),
    "c05_semicolon.csv": ("hired_employees", "source.delimiter", "fields are separated by ';'", "--delimiter ';'"),
    "c13_tab.csv": ("departments", "source.delimiter", "fields are separated by a tab", "--delimiter tab"),
    "f19_extra_col.csv": ("departments", "source.header", "it has cost_centre", "--ignore-columns cost_centre"),
}
"""Of each file that is refused: its table, the code, and what stands in the message and in the hint."""

READ: dict[tuple[str, str], tuple[str, list[list[Any]]]] = {
    ("c01_header_other_name.csv", "rename=dept_id=department_id"): ("hired_employees", HIRED),
    ("c03_sep.csv", ""): ("hired_employees", HIRED),
    ("c05_semicolon.csv", "delimiter=;"): ("hired_employees", FIRST_HIRED),
    ("c07_crcrlf_text.csv", ""): ("departments", [[11, "Deck"], [12, "Hull"]]),
    ("c08_nulls.csv", r"null=NULL null=\N null=(null)"): ("departments", [[6, r"N\A"], [8, "#N/A"]]),
    ("c13_tab.csv", "delimiter=tab"): ("departments", [[4, "Hull"]]),
    ("f15_cr_only.csv", ""): ("departments", [[4, "Hull"], [5, "Deck"]]),
    ("f19_extra_col.csv", "ignore_columns=cost_centre"): ("departments", [[4, "Hull"], [5, "Deck"]]),
}
"""Of each file and the options it is read with: its table, and the rows that are in it then."""

Rows = Callable[[str], list[list[Any]]]
Options = list[tuple[str, str | int | float | bool | None]]


@pytest.fixture
def client(database_url: str, tmp_path: Path) -> Iterator[httpx.Client]:
    (tmp_path / "data").mkdir()
    with serve(database_url, tmp_path / "data", tmp_path / "logs") as client:
        for table, content in PARENTS.items():
            assert client.post(f"/full-bulk-insert/{table}", content=content).status_code == 200
        yield client


@pytest.fixture
def rows(client: httpx.Client) -> Rows:
    """The rows of a table that are not those of PARENTS."""

    def find(table: str) -> list[list[Any]]:
        found = client.get(f"/tables/{table}/rows").json()["items"]
        return [list(row.values()) for row in found if table not in PARENTS or row["id"] > 3]

    return find


def command(database_url: str, tmp_path: Path, *words: str) -> tuple[int, dict[str, Any]]:
    folders = {"LOG_DIR": str(tmp_path / "logs"), "SQLALCHEMY_DATABASE_URL": database_url}
    ran = run_text(*words, "--json", env=os.environ | folders)
    assert ran.stderr == ""
    return ran.returncode, json.loads(ran.stdout)


def send(client: httpx.Client, way: str, path: Path, content: bytes, options: Options) -> httpx.Response:
    """Send a file, or put it at a path and have the folder loaded."""
    if way == "folder":
        path.write_bytes(content)
        return client.post("/full-bulk-insert", params=options)
    url = f"/full-bulk-insert/{path.stem}"
    if way == "form":
        return client.post(url, params=options, files={"file": ("my.csv", content)})
    return client.post(url, params=options, content=content)


def as_pairs(options: str) -> Options:
    return [(option.partition("=")[0], option.partition("=")[2]) for option in options.split()]


@pytest.mark.parametrize("way", ["body", "form", "folder", "command"])
def test_each_case_is_refused_with_what_to_do_or_read_as_it_is_meant(
    client: httpx.Client, rows: Rows, way: str, database_url: str, tmp_path: Path
) -> None:
    for name, (table, code, message, hint) in REFUSED.items():
        if way == "command":
            exit_code, said = command(database_url, tmp_path, "load", str(CASES / name), "--table", table)
            assert exit_code == 3
            error = said["error"]
        else:
            answer = send(client, way, tmp_path / "data" / f"{table}.csv", (CASES / name).read_bytes(), [])
            assert answer.status_code == 422
            error = answer.json() | {"message": answer.json()["detail"]}
        assert (error["code"], message in error["message"], hint in error["hint"]) == (code, True, True), error
        assert rows(table) == []
        _clear(tmp_path)
    for (name, options), (table, expected) in READ.items():
        pairs = as_pairs(options)
        if way == "command":
            words = [word for option, value in pairs for word in (f"--{option.replace('_', '-')}", str(value))]
            assert command(database_url, tmp_path, "load", str(CASES / name), "--table", table, *words)[0] in (0, 1)
        else:
            answer = send(client, way, tmp_path / "data" / f"{table}.csv", (CASES / name).read_bytes(), pairs)
            assert answer.status_code == 200, answer.json()
        assert rows(table) == expected, name
        _clear(tmp_path)
        _empty(database_url, table)


def _clear(tmp_path: Path) -> None:
    for path in (tmp_path / "data").iterdir():
        path.unlink()


def _empty(database_url: str, table: str) -> None:
    engine = sa.create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DELETE FROM {table} WHERE id > 3" if table in PARENTS else f"DELETE FROM {table}")
    engine.dispose()


def test_cells_that_look_like_a_missing_value_are_noted(
    client: httpx.Client, database_url: str, tmp_path: Path
) -> None:
    content = (CASES / "c08_nulls.csv").read_bytes()
    receipt = client.post("/full-bulk-insert/departments", content=content, params={"dry_run": True}).json()
    (note,) = receipt["tables"][0]["notes"]
    assert note.startswith(r"4 cells contain NULL, #N/A, \N, (null) as text")
    assert "--null WORD" in note
    words = ["load", str(CASES / "c08_nulls.csv"), "--table", "departments"]
    _, said = command(database_url, tmp_path, *words, "--dry-run")
    assert said["tables"][0]["notes"] == [note]
    environment = os.environ | {"LOG_DIR": str(tmp_path / "logs"), "COLUMNS": "300"}
    shown = run_text(*words, "--database-url", database_url, "--dry-run", env=environment).stdout
    assert f"c08_nulls.csv: {note}." in shown


@pytest.mark.parametrize(
    "header",
    [
        "{},id,job",
        "id,job,",
        '"a,b",id,job,',
        '"say ""x""",id,job',
        '"two\nlines",id,job',
        "it's,id,job",
        "-x,$y,id,job",
    ],
)
def test_the_advice_of_a_refused_header_can_be_typed_and_sent(
    client: httpx.Client, rows: Rows, header: str, database_url: str, tmp_path: Path
) -> None:
    cells = ["7" if name == "id" else "Pilot" for name in next(csv.reader([header.replace("\n", " ")]))]
    path = tmp_path / "jobs.csv"
    path.write_text(f"{header}\n{','.join(cells)}\n")
    hint = command(database_url, tmp_path, "load", str(path))[1]["error"]["hint"]
    found = re.search(r"(--ignore-columns .*) \(in a URL \?(ignore_columns=\S*)\)", hint)
    assert found
    assert command(database_url, tmp_path, "load", str(path), *shlex.split(found[1]))[0] == 0
    assert rows("jobs") == [[7, "Pilot"]]
    answer = client.post(f"/full-bulk-insert/jobs?{found[2]}", content=path.read_bytes())
    assert answer.json()["unchanged"] == 1


def test_what_was_said_of_a_file_is_kept_with_its_load(client: httpx.Client) -> None:
    said = {"header": "yes", "delimiter": ";", "null": ["-", "NULL"], "rename": ["a=id"], "ignore_columns": ["b,c", ""]}
    receipt = client.post("/full-bulk-insert/jobs", params=said, content="a;job;b;\n7;Clerk;x;\n8;NULL;y;").json()
    assert (receipt["inserted"], receipt["rejected"]) == (1, 1)
    load = client.get(f"/loads/{receipt['load_id']}").json()
    assert {name: load["options"][name] for name in said} == said


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"header": "perhaps"}, "query.header"),
        ({"delimiter": ";;"}, "delimiter cannot be ';;'"),
        ({"rename": "dept"}, "rename cannot be 'dept'"),
        ({"rename": "dept=nothing"}, "rename cannot be 'dept=nothing'"),
        ({"header": "no", "ignore_columns": "a"}, "ignore-columns cannot be used with header no"),
        ({"null": "a\0"}, "null cannot be"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    client: httpx.Client, said: dict[str, str], told: str, tmp_path: Path
) -> None:
    (tmp_path / "data" / "jobs.csv").write_text("7,Clerk\n")
    before = client.get("/loads").json()
    for url in ("/full-bulk-insert/jobs", "/full-bulk-insert"):
        answer = client.post(url, params=said, content="7,Clerk\n")
        assert answer.status_code == 422
        assert told in answer.json()["detail"]
    assert client.get("/loads").json() == before


def test_rejected_rows_of_another_form_are_corrected_without_its_options(client: httpx.Client) -> None:
    content = 'job;id;cost\n"Head; cook";x;1\nNULL;8;2\n"a;b;9\nCook;9;3;4\n'
    said = {"delimiter": ";", "null": "NULL", "ignore_columns": "cost"}
    load = client.post("/full-bulk-insert/jobs", params=said, content=content).json()
    assert (load["inserted"], load["rejected"]) == (0, 4)
    url, accept = f"/loads/{load['load_id']}/rejects", {"Accept": "text/csv"}
    text = client.get(url, headers=accept).text
    again = client.post("/full-bulk-insert/jobs", content=text).json()
    assert (again["inserted"], again["rejected"]) == (0, 4), text
    corrected = text.replace("x,Head; cook", "7,Head; cook").replace("8,,", "8,Judge,")
    assert client.post("/full-bulk-insert/jobs", content=corrected).json()["inserted"] == 2
    found = client.get("/tables/jobs/rows").json()["items"]
    assert [tuple(row.values()) for row in found if row["id"] > 3] == [(7, "Head; cook"), (8, "Judge")]
