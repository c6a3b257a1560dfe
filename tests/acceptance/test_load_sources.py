"""Where the rows of a load may come from: folders as people leave them, pipes, and links that are not followed."""

import bz2
import json
import subprocess
import zipfile
from pathlib import Path

import httpx
import pytest
from serving import served
from test_commands import ROWFERRY, answer, environment, run

__all__ = ["environment"]

CASES = Path(__file__).parents[3] / "shared" / "cases"


@pytest.mark.parametrize("file", ["f07.csv.bz2", "f09.zip"])
def test_compressed_files_of_the_field(environment: dict[str, str], file: str) -> None:
    assert answer(environment, "load", CASES / file, "--table", "departments")["inserted"] == 1


def test_hidden_files_are_passed_over_and_others_are_named(environment: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "._departments.csv").write_bytes(b"\0\5\x16\7" + bytes(82))
    (folder / "Departments.CSV").write_text("1,Alpha\n2,Beta\n")
    (folder / "people.csv").write_text("1,x\n")
    receipt = answer(environment, "load", folder)
    assert (receipt["inserted"], receipt["passed_over"]) == (2, ["people.csv"])
    assert "people.csv" in run(environment, "load", folder).stdout
    assert run(environment, "load", folder / "people.csv").returncode == 2


@pytest.mark.parametrize("how", ["dash", "device", "substituted"])
def test_rows_from_a_pipe(environment: dict[str, str], how: str) -> None:
    words = [ROWFERRY, "load", {"dash": "-", "device": "/dev/stdin", "substituted": "<(cat)"}[how], "--table", "jobs"]
    script = " ".join([*words, "--json"])
    text = "id,job\n" + "".join(f"{number},job {number}\n" for number in range(50_000)) + "1,another\nx,y\n"
    ran = subprocess.run(
        ["bash", "-c", script], input=text, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    receipt = json.loads(ran.stdout)
    assert (ran.returncode, receipt["inserted"], receipt["rejected"]) == (1, 50_000, 2)
    assert receipt["tables"][0]["source"] == {"dash": "standard input", "device": "/dev/stdin"}.get(
        how, receipt["tables"][0]["source"]
    )
    again = subprocess.run(
        ["bash", "-c", f"{script} --on-conflict reject"],
        input="1,changed\n", env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert json.loads(again.stdout)["tables"][0]["rejected_by_code"] == {"key.conflict": 1}


def test_standard_input_needs_a_table_and_can_be_read_once(environment: dict[str, str]) -> None:
    for words, told in ((["-"], "--table"), (["-", "-", "--table", "jobs"], "once")):
        ran = run(environment, "load", *words)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert told in ran.stderr


@pytest.mark.parametrize("url", ["https://example.org/jobs.csv", "s3://bucket/jobs.csv", "FILE:///jobs.csv"])
def test_a_url_is_called_one(environment: dict[str, str], url: str) -> None:
    ran = run(environment, "load", url)
    assert ran.returncode == 2
    assert f"{url} is a URL" in ran.stderr
    assert "rowferry load -" in ran.stderr


def test_links_out_of_data_dir_are_refused_by_command_and_by_http(
    environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret of somebody\n")
    for folder in (tmp_path / "data", tmp_path / "service" / "data"):
        folder.mkdir(parents=True)
        (folder / "departments.csv").symlink_to(secret)
    ran = run(environment, "load")
    assert (ran.returncode, "points outside" in ran.stderr) == (2, True)
    with served(database_url, tmp_path / "service") as service:
        answered = service.client.post("/full-bulk-insert")
        assert (answered.status_code, answered.json()["code"]) == (422, "path.outside")
        assert service.client.get("/loads").json()["items"] == []


def test_compressed_uploads(database_url: str, tmp_path: Path) -> None:
    archive = tmp_path / "upload.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("departments.csv", "3,c\n")
    with served(database_url, tmp_path / "service") as service:
        path = "/full-bulk-insert/departments"
        assert service.client.post(path, content=bz2.compress(b"1,a\n2,b\n")).json()["inserted"] == 2
        form = {"file": ("departments.zip", archive.read_bytes())}
        assert service.client.post(path, files=form).json()["inserted"] == 1
        refused: httpx.Response = service.client.post(path, content=b"PAR1\x15\x04" + bytes(90))
        assert (refused.status_code, refused.json()["code"]) == (422, "source.not_text")
        assert "Parquet" in refused.json()["detail"]
