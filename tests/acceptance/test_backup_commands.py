"""The commands of backups, as users meet them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from backing_up import flip
from command_server import run_text

ROWFERRY = Path(sys.executable).with_name("rowferry")


@pytest.fixture
def folder(tmp_path: Path, filled_url: str) -> Path:
    """A folder whose .env names a database that has rows."""
    (tmp_path / ".env").write_text(f"SQLALCHEMY_DATABASE_URL={filled_url}\n")
    return tmp_path


def run(folder: Path, *arguments: str, expected: int = 0) -> subprocess.CompletedProcess[str]:
    done = run_text(*arguments, env=os.environ, cwd=folder)
    assert done.returncode == expected, done.stderr
    assert "Traceback" not in done.stderr
    return done


def run_json(folder: Path, *arguments: str, expected: int = 0) -> Any:
    done = run(folder, *arguments, "--json", expected=expected)
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_back_up_list_and_verify(folder: Path) -> None:
    taken = run_json(folder, "backup")["backups"]
    assert [backup["table"] for backup in taken] == ["departments", "jobs", "hired_employees"]
    assert all((folder / "backups" / backup["table"] / f"{backup['backup_id']}.avro").exists() for backup in taken)
    listed = run_json(folder, "backups")["backups"]
    assert {backup["backup_id"] for backup in listed} == {backup["backup_id"] for backup in taken}
    assert run_json(folder, "verify", "--all")["backups"][0]["damage"] is None
    assert "good" in run(folder, "backups", "--table", "jobs").stdout
    assert "Good backups" in run(folder, "verify", taken[0]["backup_id"]).stdout


def test_to_verify_in_the_wrong_folder_proves_nothing(folder: Path) -> None:
    assert run_json(folder, "verify", "--all") == {"backups": []}
    run(folder, "backup", "jobs")
    (folder / "backups").rename(folder / "elsewhere")
    problem = run_json(folder, "verify", "--all", expected=3)["error"]
    assert problem["code"] == "backup.gone"
    assert "contains no backups, but the ledger lists 1" in problem["message"]


def test_only_what_is_named_is_backed_up(folder: Path) -> None:
    taken = run_json(folder, "backup", "jobs", "departments", "--codec", "snappy")["backups"]
    assert [(backup["table"], backup["codec"]) for backup in taken] == [("departments", "snappy"), ("jobs", "snappy")]
    assert "hired_employees" not in run(folder, "backups").stdout


def test_columns_that_a_class_lacks_are_told(folder: Path, filled_url: str) -> None:
    engine = sa.create_engine(filled_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE jobs ADD COLUMN grade INTEGER")
    engine.dispose()
    assert "jobs: the backup does not contain grade" in run(folder, "backup", "jobs").stdout
    (jobs,) = run_json(folder, "backup", "jobs")["backups"]
    assert [note.partition(",")[0] for note in jobs["notes"]] == ["the backup does not contain grade"]


def test_what_has_no_manifest_is_removed_and_told(folder: Path) -> None:
    (backup_id,) = (backup["backup_id"] for backup in run_json(folder, "backup", "jobs")["backups"])
    (folder / "backups" / "jobs" / f"{backup_id}.manifest.json").unlink()
    told = run(folder, "backup", "departments").stdout
    assert f"Removed because they had no manifest: {backup_id}.avro." in told
    assert f"{backup_id}.avro" in (folder / "logs" / "backup_table.jsonl").read_text()
    assert "Removed" not in run(folder, "backup", "departments").stdout


def test_the_first_damage_ends_it_with_3_and_is_described(folder: Path) -> None:
    run(folder, "backup")
    file = next((folder / "backups" / "hired_employees").glob("*.avro"))
    flip(file, -100)
    done = run(folder, "verify", "--all", expected=3)
    for told in (file.name, "at byte", "in block 1"):
        assert told in done.stderr
    problem = run_json(folder, "verify", "--all", expected=3)
    assert problem["error"]["code"] == "backup.damaged"
    assert "DAMAGED" in run(folder, "backups").stdout


def test_an_edited_manifest_is_damage_too(folder: Path) -> None:
    run(folder, "backup", "jobs")
    manifest = next((folder / "backups" / "jobs").glob("*.manifest.json"))
    manifest.write_text(manifest.read_text().replace('"rows": 1', '"rows": 2'))
    assert "manifest" in run(folder, "verify", "--all", expected=3).stderr
    assert "manifest" in run(folder, "backups").stdout


def test_old_backups_are_pruned(folder: Path) -> None:
    for _ in range(2):
        run(folder, "backup", "jobs")
    assert "1 backup would be removed" in run(folder, "backups", "prune", "--keep-last", "1", "--dry-run").stdout
    assert "0 backups removed" in run(folder, "backups", "prune", "--keep-days", "1").stdout
    assert len(run_json(folder, "backups", "prune", "--keep-last", "1")["backups"]) == 1


def test_wrong_usage_ends_with_2(tmp_path: Path) -> None:
    wrong = ["verify", "verify --all x", "verify no-backup", "backup nothing", "backup --codec x", "backups prune"]
    for words in wrong:
        assert run(tmp_path, *words.split(), expected=2).stderr
