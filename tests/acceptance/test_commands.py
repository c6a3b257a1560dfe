"""The installed command, as a user meets it: what it says, what it writes, and how it exits."""

import csv
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from serving import served
from terminals import on_terminal

from command_server import run_text
from rowferry.cli.demo import STEPS
from waiting import wait_until

ROWFERRY = str(Path(sys.executable).with_name("rowferry"))
GLOBANT = Path(__file__).parents[3] / "shared" / "data" / "globant"


@pytest.fixture
def environment(tmp_path: Path, database_url: str) -> dict[str, str]:
    folders = {"LOG_DIR": str(tmp_path / "logs"), "DATA_DIR": str(tmp_path / "data")}
    return os.environ | folders | {"SQLALCHEMY_DATABASE_URL": database_url, "COLUMNS": "160"}


def run(environment: dict[str, str], *words: object) -> subprocess.CompletedProcess[str]:
    return run_text(*words, env=environment)


def answer(environment: dict[str, str], *words: object, code: int = 0) -> Any:
    """What a command says with --json: one object and nothing else."""
    ran = run(environment, *words, "--json")
    assert (ran.returncode, ran.stderr) == (code, "")
    assert ran.stdout.count("\n") == 1
    return json.loads(ran.stdout)


def test_no_argument_prints_help(tmp_path: Path) -> None:
    ran = run(dict(os.environ))
    assert ran.returncode == 0
    assert "Usage: rowferry" in ran.stdout
    assert "load" in ran.stdout


def test_the_real_input_twice(environment: dict[str, str]) -> None:
    first = answer(environment, "load", GLOBANT, code=1)
    counts = ("rows_read", "inserted", "updated", "unchanged", "rejected")
    assert [first[count] for count in counts] == [2194, 2124, 0, 0, 70]
    assert [table["inserted"] for table in first["tables"]] == [12, 183, 1929]
    second = answer(environment, "load", GLOBANT, code=1)
    assert [second[count] for count in counts] == [2194, 0, 0, 2124, 70]
    loads = answer(environment, "loads")["loads"]
    assert [load["load_id"] for load in loads] == [second["load_id"], first["load_id"]]


def test_rejects_are_listed_corrected_and_loaded_again(environment: dict[str, str], tmp_path: Path) -> None:
    load_id = answer(environment, "load", GLOBANT, code=1)["load_id"]
    rejects = answer(environment, "rejects", load_id)["rejects"]
    assert len(rejects) == 70
    assert rejects[0] == {
        "reject_id": 1,
        "load_id": load_id,
        "table": "hired_employees",
        "source": "hired_employees.csv",
        "row_number": 2,
        "raw": "2,Ty Hofer,2021-05-30T05:43:46Z,8,",
        "errors": [{"column": "job_id", "code": "value.required", "message": "job_id is required"}],
    }
    path = tmp_path / "to-correct.csv"
    assert run(environment, "rejects", "--csv", path).returncode == 0
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    for row in rows[:5]:
        row.update({name: row[name] or "1" for name in list(row)[:5]})
        row["datetime"] = row["datetime"] if "T" in row["datetime"] else "2021-01-01T00:00:00Z"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    again = answer(environment, "load", path, "--table", "hired_employees", code=1)
    assert (again["inserted"], again["rejected"]) == (5, 65)


def test_rejects_are_written_to_a_file_for_each_table(environment: dict[str, str], tmp_path: Path) -> None:
    data, out = tmp_path / "in", tmp_path / "out"
    data.mkdir()
    out.mkdir()
    (data / "departments.csv").write_text("1,\n")
    (data / "jobs.csv").write_text("2,\n3,\n")
    load_id = answer(environment, "load", data, code=1)["load_id"]
    beside = {"departments": out / "wrong.csv", "jobs": out / "wrong-jobs.csv"}
    told = answer(environment, "rejects", "--csv", out / "wrong.csv")
    assert told == {"load_id": load_id, "files": [{"table": t, "file": str(f)} for t, f in beside.items()]}
    within = {table: out / f"{table}.csv" for table in beside}
    told = answer(environment, "rejects", load_id, "--csv", out)
    assert told["files"] == [{"table": t, "file": str(f)} for t, f in within.items()]
    for table, rows in (("departments", ["1"]), ("jobs", ["2", "3"])):
        for file in (beside[table], within[table]):
            with file.open(newline="", encoding="utf-8-sig") as lines:
                assert [row["id"] for row in csv.DictReader(lines)] == rows
    only = answer(environment, "rejects", "--csv", out / "one.csv", "--table", "jobs")
    assert only["files"] == [{"table": "jobs", "file": str(out / "one.csv")}]
    assert (out / "one.csv").read_bytes() == within["jobs"].read_bytes()
    ran = run(environment, "rejects", "--csv", "/dev/stderr", "--json")
    assert (ran.returncode, json.loads(ran.stdout)["error"]["code"]) == (2, "output.of_one_table")
    shown = run(environment, "rejects", "--csv", out / "wrong.csv").stdout
    assert f"rowferry load {out}/wrong-jobs.csv --table jobs" in shown


def test_people_see_tables_and_what_to_do_next(environment: dict[str, str]) -> None:
    shown = run(environment, "load", GLOBANT)
    assert "hired_employees.csv" in shown.stdout
    assert "value.required" in shown.stdout
    assert "rowferry rejects load-" in shown.stdout
    assert "job_id is required" in run(environment, "rejects").stdout
    assert "references departments.id" in run(environment, "tables").stdout


def test_a_load_is_told_that_readers_may_wait(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "jobs.csv").write_text("1,Clerk\n")
    assert run(environment, "load", "--exclusive", str(tmp_path / "jobs.csv")).returncode == 0
    (load,) = json.loads(run(environment, "loads", "--json").stdout)["loads"]
    assert load["options"]["exclusive"] is True


def test_a_clean_load_exits_with_0(environment: dict[str, str]) -> None:
    assert answer(environment, "load", GLOBANT / "departments.csv")["inserted"] == 12


def test_nothing_of_a_file_commands_the_terminal(environment: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "departments.csv"
    path.write_text("x,\x1b[31mred\x1b]0;title\x07[bold]not markup[/bold]\n")
    run(environment, "load", path)
    shown = run(environment, "rejects").stdout
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "[bold]" in shown


WRONG: dict[str, tuple[list[str], int, str]] = {
    "a missing folder": (["load", "nowhere"], 2, "path.missing"),
    "a missing DATA_DIR": (["load"], 2, "path.missing"),
    "an empty folder": (["load", "{empty}"], 2, "folder.empty"),
    "a file named after no table": (["load", "{unknown}"], 2, "source.unknown"),
    "an unknown table": (["load", "{unknown}", "--table", "nope"], 2, "table.unknown"),
    "a directory in place of a file": (["load", "{directory}"], 2, "folder.empty"),
    "a binary file": (["load", "{binary}", "--table", "jobs"], 3, "source.not_text"),
    "random bytes": (["load", "{random}", "--table", "jobs"], 3, "source.not_text"),
    "a device": (["load", "/dev/null", "--table", "jobs"], 3, "source.unreadable"),
    "a limit that is none": (["load", "{unknown}", "--table", "jobs", "--max-rejects", "some"], 2, "option.invalid"),
    "a character set that is none": (["load", "{unknown}", "--table", "jobs", "--encoding", "x"], 2, "option.invalid"),
    "an unknown load": (["rejects", "nope"], 2, "load.unknown"),
    "no load yet": (["rejects"], 2, "load.none_yet"),
}


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)  # asked before any database
@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_gets_a_clear_answer(environment: dict[str, str], tmp_path: Path, case: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "departments.csv").mkdir()
    (tmp_path / "people.csv").write_text("1,a\n")
    (tmp_path / "binary").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    (tmp_path / "random").write_bytes(bytes((7 * at * at + 13 * at) % 251 for at in range(5_000)))
    names = {
        "empty": "empty",
        "unknown": "people.csv",
        "binary": "binary",
        "directory": "departments.csv",
        "random": "random",
    }
    paths = {name: str(tmp_path / file) for name, file in names.items()}
    words, code, error = WRONG[case]
    told = answer(environment, *(word.format(**paths) for word in words), code=code)["error"]
    assert told["code"] == error
    assert told["hint"]
    ran = run(environment, *(word.format(**paths) for word in words))
    assert ran.returncode == code
    assert ran.stderr.startswith("Error: ")
    assert "Hint: " in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""


@pytest.mark.parametrize(
    ("url", "code", "error"),
    [
        ("postgresql://nobody:secret@127.0.0.1:1/none", 3, "database.unavailable"),
        ("sqlite:////nowhere/at/all.db", 3, "database.unavailable"),
        ("sqlite://", 2, "database.unsupported"),
        ("oracle://x", 2, "database.unsupported"),
        ("not a url", 2, "setting.invalid"),
    ],
)
def test_a_database_that_is_not_there(tmp_path: Path, url: str, code: int, error: str) -> None:
    environment = os.environ | {"LOG_DIR": str(tmp_path / "logs"), "SQLALCHEMY_DATABASE_URL": url}
    ran = run(environment, "load", GLOBANT, "--json")
    assert ran.returncode == code
    assert json.loads(ran.stdout)["error"]["code"] == error
    assert "secret" not in ran.stdout + ran.stderr


def test_a_database_that_refuses_the_user(environment: dict[str, str]) -> None:
    url = environment["SQLALCHEMY_DATABASE_URL"]
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).write_text("this is no database, but long enough to be taken for one" * 20)
        wrong = url
    else:
        wrong = url.replace("postgres:", "stranger:").replace("postgres@", "stranger@")
    told = answer(environment, "load", GLOBANT, "--database-url", wrong, code=3)["error"]
    assert told["code"] == "database.unavailable"


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_half_way_nothing_changes(
    environment: dict[str, str], tmp_path: Path, sent: signal.Signals
) -> None:
    path = tmp_path / "departments.csv"
    path.write_text("".join(f"{key},Department {key}\n" for key in range(3_000_000)))
    with subprocess.Popen(
        [ROWFERRY, "load", str(path), "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        log = tmp_path / "logs" / "full_bulk_insert.jsonl"
        wait_until(lambda: running.poll() is not None or (log.exists() and "LoadStarted" in log.read_text()))
        running.send_signal(sent)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (3, ""), err
    assert json.loads(out)["error"]["code"] == "load.interrupted"
    (load,) = answer(environment, "loads")["loads"]
    assert (load["status"], load["inserted"]) == ("interrupted", 0)
    receipt = answer(environment, "load", GLOBANT / "departments.csv")
    assert receipt["inserted"] == 12


def test_a_terminal_sees_progress(environment: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "departments.csv"
    path.write_text("".join(f"{key},Department {key}\n" for key in range(400_000)))
    shown = on_terminal([ROWFERRY, "load", str(path)], environment | {"TERM": "xterm"}, errors_only=True)
    assert "400,000 rows, 0 rejected" in shown
    assert "MB" in shown
    narrow = environment | {"TERM": "xterm", "COLUMNS": "80"}
    shown = on_terminal([ROWFERRY, "load", str(path)], narrow, errors_only=True)
    lines = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", shown.replace("\r", "\n")).split("\n")
    assert {line.split(" ")[0] for line in lines} == {"departments", ""}, shown
    assert {len(line) for line in lines} == {80, 0}, shown


def test_a_terminal_sees_the_progress_of_backups(environment: dict[str, str], tmp_path: Path) -> None:
    answer(environment, "load", GLOBANT, code=1)
    terminal = environment | {"TERM": "xterm", "BACKUP_DIR": str(tmp_path / "backups")}
    for words in (["backup"], ["verify", "--all"]):
        shown = on_terminal([ROWFERRY, *words], terminal, errors_only=True)
        assert "hired_employees" in shown
        assert "1929/" in shown
        assert on_terminal([ROWFERRY, *words, "--json"], terminal, errors_only=True) == ""


def test_the_demo_runs_and_runs_again(tmp_path: Path) -> None:
    environment = os.environ | {"COLUMNS": "120", "ROWFERRY_MODELS": "tables_of_others"}
    for _ in range(2):
        ran = subprocess.run(
            [ROWFERRY, "demo", "--json"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        told = json.loads(ran.stdout)
        assert told["first_load"]["inserted"] == 2170
        assert (told["second_load"]["inserted"], told["second_load"]["unchanged"]) == (0, 2170)
        assert len(told["rejects"]) == told["first_load"]["rejected"] == 22
        assert (told["batch"]["received"], len(told["batch"]["rejected"])) == (9, 6)
        assert told["batch"]["inserted"] == {"departments": 1, "hired_employees": 2}
        assert told["repeated_batch"] == told["batch"]
        assert told["hires-by-quarter"]["rows"]
        assert [row["hired"] for row in told["departments-above-mean"]["rows"]] == sorted(
            (row["hired"] for row in told["departments-above-mean"]["rows"]), reverse=True
        )
        before, damaged, after = told["rows_sha256"]
        assert before == after != damaged
        changes = [told["restore"][count] for count in ("added", "changed", "removed", "rejected")]
        assert changes == [told["restore_dry_run"][c] for c in ("added", "changed", "removed", "rejected")]
        assert 0 not in changes[:3]


def test_the_demo_runs_again_while_its_database_is_served(tmp_path: Path) -> None:
    path = tmp_path / "rowferry-demo.db"
    demo = [ROWFERRY, "demo", "--json"]
    subprocess.run(demo, cwd=tmp_path, capture_output=True, check=True)
    with served(f"sqlite:///{path}", tmp_path / "server") as server:
        hired = server.client.get("/tables/departments/rows").json()
        subprocess.run(demo, cwd=tmp_path, capture_output=True, check=True)
        assert server.client.get("/tables/departments/rows").json() == hired
        batch = {"departments": [{"id": 9_999, "department": "New"}]}
        assert server.client.post("/batch-transactions", json=batch).status_code == 201
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT department FROM departments WHERE id = 9999").fetchall() == [("New",)]


def test_the_demo_explains_each_step(tmp_path: Path) -> None:
    shown = subprocess.check_output([ROWFERRY, "demo"], cwd=tmp_path, text=True, env=os.environ | {"COLUMNS": "160"})
    for number, step in enumerate(STEPS, 1):
        assert f"{number}. {(step.__doc__ or '').splitlines()[0]}\n" in shown
    assert "key.duplicate: id 2001 was taken by the row at index 0" in shown
    assert shown.index("Try next:") > shown.index("repeat the request")
