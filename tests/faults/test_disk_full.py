"""No space left for the database, temporary files or logs: a real small file system, in a name space of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from rowferry.bootstrap import Service
from rowferry.settings import read_settings

ROWFERRY = Path(sys.executable).with_name("rowferry")

# Whoever is not root may mount something as the root of a name space of users.
ALONE = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else [])]
SMALL = 'mount -t tmpfs -o size=${SIZE:-3m} none "$SMALL" && exec "$@"'


def run_on_small_disk(
    small: Path, database_url: str, *paths: Path, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Load files with a disk of 3 MB, or of SIZE, at `small`."""
    environment = os.environ | {"SMALL": str(small), "SQLALCHEMY_DATABASE_URL": database_url, **settings}
    return subprocess.run(
        [*ALONE, "sh", "-c", SMALL, "sh", ROWFERRY, "load", *paths, "--json"],
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
    # Runs of keys would take no room.
    path.write_text("".join(f"{key},Job {key} {'x' * 100}\n" for key in range(0, 400_000, 2)))
    return path


def jobs(database_url: str) -> int:
    service = Service(read_settings(database_url))
    try:
        with service.backend.engine.connect() as connection:
            return int(connection.execute(sa.text("SELECT count(*) FROM jobs")).scalar_one())
    finally:
        service.backend.engine.dispose()


def error_of(ran: subprocess.CompletedProcess[str]) -> dict[str, str]:
    assert ran.returncode == 3, ran.stderr
    assert ran.stderr == ""
    error: dict[str, str] = json.loads(ran.stdout)["error"]
    return error


def test_no_space_for_the_database(small: Path, tmp_path: Path, large_file: Path) -> None:
    ran = run_on_small_disk(small, f"sqlite:///{small}/x.db", large_file, LOG_DIR=str(tmp_path / "logs"))
    assert error_of(ran)["code"] == "disk.full"


FILL = """
mount -t tmpfs -o size=${SIZE:-3m} none "$SMALL" && "$@" load "$FIRST" --json > /dev/null &&
{ dd if=/dev/zero of="$SMALL/fill" bs=4096 2> /dev/null; "$@" loads --json; }
"""


def test_no_space_beside_a_database_that_is_there(small: Path, tmp_path: Path) -> None:
    first = tmp_path / "jobs.csv"
    first.write_text("1,Clerk\n")
    database = {"SMALL": str(small), "SQLALCHEMY_DATABASE_URL": f"sqlite:///{small}/x.db"}
    ran = subprocess.run(
        [*ALONE, "sh", "-c", FILL, "sh", ROWFERRY],
        capture_output=True,
        text=True,
        env=os.environ | database | {"FIRST": str(first), "LOG_DIR": str(tmp_path / "logs")},
        check=False,
        timeout=60,
    )
    assert error_of(ran)["code"] == "disk.full"


def test_no_space_for_temporary_files(small: Path, tmp_path: Path, large_file: Path, database_url: str) -> None:
    logs = str(tmp_path / "logs")
    first = tmp_path / "one" / "jobs.csv"
    first.parent.mkdir()
    first.write_text("-1,Clerk\n")
    assert run_on_small_disk(small, database_url, first, LOG_DIR=logs).returncode == 0
    ran = run_on_small_disk(small, database_url, large_file, LOG_DIR=logs, TMPDIR=str(small))
    assert error_of(ran)["code"] == "disk.full"
    assert jobs(database_url) == 1


def test_no_space_for_the_log_does_not_keep_rows_out(small: Path, tmp_path: Path, database_url: str) -> None:
    path = tmp_path / "jobs.csv"
    path.write_text("".join(f"{key},\n" for key in range(40_000)) + "-1,Clerk\n")
    ran = run_on_small_disk(small, database_url, path, LOG_DIR=str(small / "logs"), SIZE="64k")
    assert ran.returncode == 1
    assert json.loads(ran.stdout)["inserted"] == jobs(database_url) == 1
    assert ran.stderr.startswith("Warning: cannot write the log ")
    assert ran.stderr.count("\n") == 1
