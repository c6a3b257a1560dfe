"""`rowferry batch`: what it shows, and its exit codes."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from batching import company, employee, job
from command_server import run_bytes


class Command:
    """The installed command, on a database of its own."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self.environment = os.environ | {"SQLALCHEMY_DATABASE_URL": database_url, "COLUMNS": "200"}

    def __call__(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return run_bytes(*arguments, env=self.environment, cwd=self.folder, stdin=stdin)


@pytest.fixture
def rowferry(tmp_path: Path, database_url: str) -> Command:
    return Command(tmp_path, database_url)


def test_a_file(rowferry: Command) -> None:
    (rowferry.folder / "batch.json").write_text(json.dumps(company([employee(1), employee(2, job_id=None)])))
    done = rowferry("batch", "batch.json")
    assert done.returncode == 1
    shown = done.stdout.decode()
    assert "value.required: job_id is required" in shown
    batch_id = shown.split()[1]
    rejects = rowferry("rejects", batch_id, "--json")
    (row,) = json.loads(rejects.stdout)["rejects"]
    assert (row["load_id"], row["source"], row["row_number"]) == (batch_id, "batch.json", 2)
    assert json.loads(row["raw"]) == employee(2, job_id=None)


def test_rejected_rows_can_be_corrected_and_loaded(rowferry: Command) -> None:
    body = json.dumps(company([employee(1), employee(2, name='"Ä", x', job_id=None), 5])).encode()
    batch_id = json.loads(rowferry("batch", "-", "--json", stdin=body).stdout)["batch_id"]
    assert rowferry("rejects", batch_id, "--csv", "wrong.csv").returncode == 0
    header, first, second = (rowferry.folder / "wrong.csv").read_text().splitlines()
    assert header.startswith("\ufeffid,name,datetime,department_id,job_id,")
    assert first.startswith('2,"""Ä"", x",2021-07-01T10:00:00Z,1,,2,')
    (rowferry.folder / "wrong.csv").write_text(f"{header}\n{first.replace(',1,,2,', ',1,1,2,')}\n")
    assert second.startswith("5,")
    assert rowferry("load", "wrong.csv", "--table", "hired_employees").returncode == 0


def test_json(rowferry: Command) -> None:
    done = rowferry("batch", "-", "--json", stdin=json.dumps({"jobs": [job(1)]}).encode())
    assert done.returncode == 0
    assert json.loads(done.stdout)["inserted"] == {"jobs": 1}
    again = rowferry(
        "batch", "-", "--on-conflict", "update", "--json", stdin=json.dumps({"jobs": [job(1, "X")]}).encode()
    )
    assert json.loads(again.stdout)["updated"] == {"jobs": 1}
    assert (rowferry.folder / "logs" / "batch_transactions.jsonl").exists()


def test_all_or_nothing(rowferry: Command) -> None:
    body = json.dumps({"jobs": [job(1), job(2, "")]}).encode()
    done = rowferry("batch", "-", "--all-or-nothing", stdin=body)
    assert done.returncode == 3
    assert b"Nothing was inserted" in done.stdout
    assert rowferry("batch", "-", "--all-or-nothing", "--json", stdin=body).returncode == 3


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)  # asked before any database
@pytest.mark.parametrize(
    ("body", "code"),
    [(b"{}", "batch.size"), (b"[", "body.not_json"), (b" " * (8 * 1024 * 1024 + 1), "body.too_large")],
    ids=["nothing", "no JSON", "too large"],
)
def test_what_is_no_batch(rowferry: Command, body: bytes, code: str) -> None:
    done = rowferry("batch", "-", "--json", stdin=body)
    assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (2, code)


def test_what_cannot_be_read(rowferry: Command) -> None:
    missing = rowferry("batch", "nowhere.json", "--json")
    assert (missing.returncode, json.loads(missing.stdout)["error"]["code"]) == (2, "path.missing")
    folder = rowferry("batch", ".", "--json")
    assert (folder.returncode, json.loads(folder.stdout)["error"]["code"]) == (3, "source.unreadable")


def test_many_rejected_rows_are_not_all_shown(rowferry: Command) -> None:
    done = rowferry("batch", "-", stdin=json.dumps({"jobs": 60 * [0]}).encode())
    assert done.returncode == 1
    assert b"These are the first 50" in done.stdout
