"""Reports by command and by HTTP, in every form."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest
from api_server import serve

from command_server import run_bytes

ROWFERRY = str(Path(sys.executable).with_name("rowferry"))
NAMES = ("hires-by-quarter", "departments-above-mean")
FIRST = {"department": "Accounting", "job": "Account Representative IV", "q1": 1, "q2": 0, "q3": 0, "q4": 0}


@pytest.fixture
def client(filled_url: str, globant: Path, tmp_path: Path) -> Iterator[httpx.Client]:
    with serve(filled_url, globant, tmp_path / "logs") as client:
        yield client


def test_json_by_http(client: httpx.Client) -> None:
    by_quarter = client.get("/reports/hires-by-quarter", params={"year": 2021})
    assert by_quarter.headers["content-type"] == "application/json"
    assert by_quarter.headers["vary"] == "Accept"
    found = by_quarter.json()
    assert list(found) == ["report", "year", "rows"]
    assert (found["report"], found["year"], len(found["rows"])) == ("hires-by-quarter", 2021, 933)
    assert found["rows"][0] == FIRST
    above = client.get("/reports/departments-above-mean?year=2021").json()
    assert above["rows"][0] == {"id": 8, "department": "Support", "hired": 216}
    assert [row["hired"] for row in above["rows"]] == [216, 205, 201, 200, 185, 148, 142]
    assert client.get("/reports/departments-above-mean").json() == above
    empty = client.get("/reports/departments-above-mean?year=1999")
    assert (empty.status_code, empty.json()["rows"]) == (200, [])


@pytest.mark.parametrize("name", NAMES)
def test_other_forms_by_http(client: httpx.Client, name: str) -> None:
    as_json = client.get(f"/reports/{name}").json()
    as_csv = client.get(f"/reports/{name}", headers={"Accept": "text/csv"})
    assert as_csv.headers["content-type"] == "text/csv; charset=utf-8"
    assert as_csv.content.startswith(b"\xef\xbb\xbf")
    assert as_csv.headers["content-disposition"] == f'attachment; filename="{name}-2021.csv"'
    rows = list(csv.DictReader(io.StringIO(as_csv.content.decode("utf-8-sig"), newline="")))
    assert rows == [{key: str(value) for key, value in row.items()} for row in as_json["rows"]]
    as_svg = client.get(f"/reports/{name}", headers={"Accept": "image/svg+xml"})
    assert as_svg.headers["content-type"] == "image/svg+xml"
    assert "2021" in (ET.fromstring(as_svg.text).findtext("{*}title") or "")
    as_png = client.get(f"/reports/{name}", headers={"Accept": "image/png, */*;q=0.1"})
    assert as_png.headers["content-type"] == "image/png"
    assert as_png.content.startswith(b"\x89PNG")
    shown_by_browser = client.get(f"/reports/{name}", headers={"Accept": "image/avif,image/*;q=0.9,*/*;q=0.8"})
    assert shown_by_browser.headers["content-type"] == "image/svg+xml"


@pytest.mark.parametrize(
    ("query", "accept", "status", "code"),
    [
        ("year=0", "*/*", 422, "report.year"),
        ("year=0000", "*/*", 422, "report.year"),
        ("year=21", "*/*", 422, "report.year"),
        ("year=02021", "*/*", 422, "report.year"),
        ("year=10000", "*/*", 422, "report.year"),
        ("year=-1", "*/*", 422, "report.year"),
        ("year=2021.0", "*/*", 422, "report.year"),
        ("year=%00", "*/*", 422, "report.year"),
        ("year=", "*/*", 422, "report.year"),
        ("years=2021", "*/*", 422, "request.invalid"),
        ("year=2021", "application/xml", 406, "request.not_acceptable"),
        ("year=2021", "application/json;q=0", 406, "request.not_acceptable"),
        ("year=2021", "text/csv;q=x", 406, "request.not_acceptable"),
    ],
)
def test_nonsense_is_told_as_such(client: httpx.Client, query: str, accept: str, status: int, code: str) -> None:
    for name in NAMES:
        answer = client.get(f"/reports/{name}?{query}", headers={"Accept": accept})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.json()["hint"]


@pytest.fixture
def environment(filled_url: str, tmp_path: Path) -> dict[str, str]:
    told = {"SQLALCHEMY_DATABASE_URL": filled_url, "LOG_DIR": str(tmp_path / "logs"), "COLUMNS": "160"}
    return os.environ | told


def run(environment: dict[str, str], *words: object) -> tuple[int, bytes, str]:
    ran = run_bytes("report", *words, env=environment)
    return ran.returncode, ran.stdout, ran.stderr.decode()


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)  # that both find the same is shown elsewhere
def test_every_form_by_command(environment: dict[str, str], tmp_path: Path) -> None:
    code, shown, said = run(environment, "departments-above-mean")
    assert (code, said) == (0, "")
    assert "Departments that hired more than the mean in 2021 (UTC)" in " ".join(shown.decode().split())
    assert "Support" in shown.decode()
    code, shown, said = run(environment, "hires-by-quarter", "--json")
    assert (code, said, shown.count(b"\n")) == (0, "", 1)
    assert json.loads(shown)["rows"][0] == FIRST
    assert run(environment, "hires-by-quarter", "--format", "csv")[1].startswith(
        b"\xef\xbb\xbfdepartment,job,q1,q2,q3,q4\r\nAccou"
    )
    for ending, begins in (
        ("json", b'{"report"'),
        ("csv", b"\xef\xbb\xbfid,dep"),
        ("svg", b"<svg "),
        ("png", b"\x89PNG"),
    ):
        path = tmp_path / f"above.{ending}"
        code, shown, said = run(environment, "departments-above-mean", "--output", path)
        assert (code, said) == (0, "")
        assert f"Wrote {path}" in shown.decode()
        assert path.read_bytes().startswith(begins)
    told = run(environment, "departments-above-mean", "--json", "--format", "svg", "--output", tmp_path / "x.file")
    assert json.loads(told[1]) == {"report": "departments-above-mean", "year": 2021, "file": str(tmp_path / "x.file")}
    assert (tmp_path / "x.file").read_bytes() == (tmp_path / "above.svg").read_bytes()
    code, shown, said = run(environment, "hires-by-quarter", "--year", "1815")
    assert (code, shown.decode(), said) == (0, "Nobody was hired in 1815.\n", "")


@pytest.mark.parametrize(
    "words",
    [
        ("hires",),
        ("hires-by-quarter", "--year", "soon"),
        ("hires-by-quarter", "--year", "0"),
        ("hires-by-quarter", "--year", "21"),
        ("hires-by-quarter", "--format", "pdf"),
        ("hires-by-quarter", "--output", "x.pdf"),
        ("hires-by-quarter", "--output", "x", "--format", "table"),
        ("hires-by-quarter", "--json", "--format", "svg"),
    ],
)
def test_wrong_usage(tmp_path: Path, words: tuple[str, ...]) -> None:
    environment = os.environ | {"SQLALCHEMY_DATABASE_URL": f"sqlite:///{tmp_path}/new.db", "LOG_DIR": str(tmp_path)}
    code, shown, said = run(environment, *words)
    assert code == 2
    assert said.strip() or shown
    assert "Traceback" not in said
    assert not (tmp_path / "new.db").exists()


def test_a_terminal_gets_no_picture_in_bytes(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    environment: dict[str, Any] = os.environ | {"SQLALCHEMY_DATABASE_URL": f"sqlite:///{tmp_path}/new.db"}
    command = [ROWFERRY, "report", "hires-by-quarter", "--format", "png"]
    ran = subprocess.run(command, env=environment, stdout=theirs, stderr=subprocess.PIPE, check=False)
    os.close(theirs)
    os.close(ours)
    assert ran.returncode == 2
    assert b"--output" in ran.stderr
