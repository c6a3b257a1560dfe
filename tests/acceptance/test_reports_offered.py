"""Reports are offered where the tables are those that they are about, and nowhere else."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from api_server import serve

from command_server import run_text

ROWFERRY = str(Path(sys.executable).with_name("rowferry"))
TESTS = Path(__file__).parents[1]


@pytest.fixture(params=["rowferry.models", "fourth_table"])
def models(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name: str = request.param
    monkeypatch.setenv("ROWFERRY_MODELS", name)
    return name


@pytest.fixture
def client(models: str, tmp_path: Path) -> Iterator[httpx.Client]:
    with serve(f"sqlite:///{tmp_path}/{models}.db", tmp_path, tmp_path / "logs") as client:
        yield client


def test_by_http(client: httpx.Client, models: str) -> None:
    has_reports = models == "rowferry.models"
    assert ("#/reports" in client.get("/").text) == has_reports
    assert "#/tables" in client.get("/").text
    document = client.get("/openapi.json")
    assert ("reports" in document.text.lower()) == has_reports
    assert [tag["name"] for tag in document.json()["tags"]].count("reports") == has_reports
    for query in ("", "?year=2021", "?no=such"):
        answer = client.get(f"/reports/hires-by-quarter{query}")
        if not has_reports:
            assert (answer.status_code, answer.json()["code"]) == (404, "report.unavailable")
            assert "hired_employees" in answer.json()["hint"]


def test_by_command(models: str, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(TESTS), "LOG_DIR": str(tmp_path)}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return run_text(*words, env=environment, cwd=tmp_path)

    assert ("\n  report " in run("--help").stdout) == (models == "rowferry.models")
    ran = run("report", "hires-by-quarter")
    assert ran.returncode == (0 if models == "rowferry.models" else 2), ran.stderr
    environment["ROWFERRY_MODELS"] = "none_such"
    assert "\n  report " in run("--help").stdout
