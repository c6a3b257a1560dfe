"""Reports of one's own by HTTP and by command."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from api_server import serve

from command_server import run_text
from speaking import only_sqlite

ROWFERRY = str(Path(sys.executable).with_name("rowferry"))

HIRED = """\
-- title: Employees hired
-- description: How many employees each department hired.
-- parameter least_hired integer = 200: so many at least
-- parameter department text = null: its name
-- chart: bar x=department y=hired
SELECT d.department, count(*) AS hired FROM hired_employees e JOIN departments d ON d.id = e.department_id
WHERE :department IS NULL OR d.department = :department
GROUP BY d.department HAVING count(*) >= :least_hired ORDER BY count(*) DESC
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "reports"
    made.mkdir()
    (made / "hired.sql").write_text(HIRED)
    (made / "as-of.sql").write_text("-- parameter day date\nSELECT CAST(:day AS VARCHAR(30)) AS day")
    monkeypatch.setenv("ROWFERRY_REPORTS", str(made))
    return made


@pytest.fixture
def client(filled_url: str, globant: Path, tmp_path: Path) -> Iterator[httpx.Client]:
    with serve(filled_url, globant, tmp_path / "logs") as client:
        yield client


def test_by_http(client: httpx.Client) -> None:
    listed = {report["name"]: report for report in client.get("/reports").json()["items"]}
    assert list(listed) == ["hires-by-quarter", "departments-above-mean", "as-of", "hired"]
    assert [p["name"] for p in listed["hired"]["parameters"]] == ["least_hired", "department"]
    assert (listed["hired"]["pictured"], listed["as-of"]["pictured"]) == (True, False)
    found = client.get("/reports/hired?least_hired=210").json()
    assert found["report"] == "hired"
    assert found["parameters"] == {"least_hired": 210, "department": None}
    assert found["rows"][0]["department"] == "Support"
    assert client.get("/reports/hired", headers={"Accept": "text/csv"}).text.startswith("\ufeffdepartment,hired\r\n")
    assert "Employees hired" in client.get("/reports/hired", headers={"Accept": "image/*"}).text
    described = client.get("/openapi.json").json()["paths"]["/reports/hired"]["get"]
    assert (described["operationId"], described["summary"]) == ("report_hired", "Employees hired")
    assert [(p["name"], p["required"]) for p in described["parameters"]] == [
        ("least_hired", False),
        ("department", False),
    ]


@pytest.mark.parametrize(
    ("path", "status", "code", "detail"),
    [
        ("hired?least_hired=many", 422, "report.parameters", "least_hired must be an integer, not 'many'"),
        ("hired?least=1", 422, "request.invalid", "query.least"),
        ("hired?department=a&department=b", 422, "request.invalid", "more than once"),
        ("as-of", 422, "report.parameters", "day is required"),
        ("none", 404, "report.unknown", "There is no report 'none'"),
    ],
)
@only_sqlite
def test_nonsense_by_http(client: httpx.Client, path: str, status: int, code: str, detail: str) -> None:
    answer = client.get(f"/reports/{path}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert detail in answer.json()["detail"]
    assert client.get("/reports/as-of?day=2021-01-01", headers={"Accept": "image/png"}).status_code == 406


@only_sqlite  # the processes cost much time, and what they say is the same
def test_by_command(filled_url: str, tmp_path: Path, folder: Path) -> None:
    environment = os.environ | {"SQLALCHEMY_DATABASE_URL": filled_url, "LOG_DIR": str(tmp_path / "logs")}

    def run(*words: str) -> tuple[int, str, str]:
        ran = run_text("report", *words, env=environment)
        return ran.returncode, ran.stdout, ran.stderr

    names = [report["name"] for report in json.loads(run("--json")[1])["reports"]]
    assert names == ["hires-by-quarter", "departments-above-mean", "as-of", "hired"]
    assert "Employees hired" in run()[1]
    assert "--least-hired INTEGER" in run("hired", "--help")[1]
    assert json.loads(run("hired", "--least-hired", "248", "--json")[1])["rows"] == [
        {"department": "Support", "hired": 248}
    ]
    assert "Support" in run("hired")[1]
    assert run("hired", "--department", "None")[1] == "Employees hired: there are no rows.\n"
    assert run("hired", "--output", f"{tmp_path}/hired.svg")[0] == 0
    for words, said in (
        (("as-of",), "day is required"),
        (("as-of", "--day", "2021-01-01", "--format", "svg"), "declares no chart"),
        (("none",), "The reports are hires-by-quarter, departments-above-mean, as-of, hired"),
        (("hired", "--most", "1"), "No such option"),
        (("--json", "hired"), "Put the options of hired after it"),
    ):
        code, shown, error = run(*words)
        assert code == 2
        assert said in " ".join(error.split()) + shown
    (folder / "hired.sql").write_text("SELECT :x")
    assert "hired.sql:1: :x is not declared" in " ".join(run("hired")[2].split())
