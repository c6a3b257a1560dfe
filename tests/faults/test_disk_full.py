"""No space left for the database, temporary files or logs: a real small file system, in a name space of its own."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

ROWFERRY = Path(sys.executable).with_name("rowferry")

SMALL = 'mount -t tmpfs -o size=3m none "$SMALL" && exec "$@"'


def run_on_small_disk(small: Path, database: Path, *paths: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Load files with a disk of 3 MB at `small`."""
    environment = os.environ | {"SMALL": str(small), "SQLALCHEMY_DATABASE_URL": f"sqlite:///{database}", **settings}
    return subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", SMALL, "sh", ROWFERRY, "load", *paths, "--json"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=60,
    )


@pytest.fixture
def small(tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    folder.mkdir()
    return folder


@pytest.fixture
def large_file(tmp_path: Path) -> Path:
    path = tmp_path / "jobs.csv"
    path.write_text("".join(f"{key},Job {key} {'x' * 100}\n" for key in range(60_000)))
    return path


def jobs(database: Path) -> int:
    connection = sqlite3.connect(database)
    try:
        return int(connection.execute("SELECT count(*) FROM jobs").fetchone()[0])
    finally:
        connection.close()


def error_of(ran: subprocess.CompletedProcess[str]) -> dict[str, str]:
    assert ran.returncode == 3, ran.stderr
    assert ran.stderr == ""
    error: dict[str, str] = json.loads(ran.stdout)["error"]
    return error


def test_no_space_for_the_database(small: Path, tmp_path: Path, large_file: Path) -> None:
    ran = run_on_small_disk(small, small / "x.db", large_file, LOG_DIR=str(tmp_path / "logs"))
    assert error_of(ran)["code"] == "disk.full"


def test_no_space_for_temporary_files(small: Path, tmp_path: Path, large_file: Path) -> None:
    database, logs = tmp_path / "x.db", str(tmp_path / "logs")
    first = tmp_path / "one" / "jobs.csv"
    first.parent.mkdir()
    first.write_text("-1,Clerk\n")
    assert run_on_small_disk(small, database, first, LOG_DIR=logs).returncode == 0
    ran = run_on_small_disk(small, database, large_file, LOG_DIR=logs, TMPDIR=str(small))
    assert error_of(ran)["code"] == "disk.full"
    assert jobs(database) == 1


def test_no_space_for_the_log_does_not_keep_rows_out(small: Path, tmp_path: Path) -> None:
    path = tmp_path / "jobs.csv"
    path.write_text("".join(f"{key},\n" for key in range(40_000)) + "-1,Clerk\n")
    ran = run_on_small_disk(small, tmp_path / "x.db", path, LOG_DIR=str(small / "logs"))
    assert ran.returncode == 1
    assert json.loads(ran.stdout)["inserted"] == jobs(tmp_path / "x.db") == 1
    assert ran.stderr.startswith("Warning: the log ")
    assert ran.stderr.count("\n") == 1
