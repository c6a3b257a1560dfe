"""Where a command cannot say what it did: its reader has gone, the disk is full, or its streams are closed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROWFERRY = str(Path(sys.executable).with_name("rowferry"))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    database = {"SQLALCHEMY_DATABASE_URL": f"sqlite:///{tmp_path}/rows.db"}
    return os.environ | {"LOG_DIR": str(tmp_path / "logs"), "BACKUP_DIR": str(tmp_path / "backups")} | database


@pytest.mark.parametrize(
    ("words", "unbuffered"),
    [
        *((words, "") for words in ("loads", "loads --json", "tables", "", "load --help", "--help", "--version")),
        *((words, "1") for words in ("tables", "loads --json", "--help")),  # a table, JSON, text
    ],
)
def test_a_full_disk_behind_the_output(environment: dict[str, str], words: str, unbuffered: str) -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [ROWFERRY, *words.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment | {"PYTHONUNBUFFERED": unbuffered},
            check=False,
            timeout=60,
        )
    assert ran.returncode == 3
    assert ran.stderr.startswith("Error: Cannot write to standard output: No space left on device.\nHint: ")
    assert ran.stderr.count("\n") == 2


def test_nobody_hears_of_the_error(environment: dict[str, str]) -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run([ROWFERRY, "load", "nowhere"], stderr=full, env=environment, check=False, timeout=60)
    assert ran.returncode == 2


@pytest.mark.parametrize("words", ["tables", "tables --json", "", "--help", "--version", "load --help"])
def test_whoever_reads_the_output_goes(environment: dict[str, str], words: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ran = subprocess.run(
        [ROWFERRY, *words.split()], stdout=writer, stderr=subprocess.PIPE, env=environment, check=False, timeout=60
    )
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (3, b"")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_spoil_nothing(environment: dict[str, str], tmp_path: Path, closed: str) -> None:
    (tmp_path / "departments.csv").write_text("1,Supply\nx,Law\n")
    command = f"{ROWFERRY} load {tmp_path}/departments.csv --json {closed}"
    ran = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    assert ("Cannot write to standard output" in ran.stderr) == (closed == ">&-")
    told = subprocess.run([ROWFERRY, "loads", "--json"], env=environment, capture_output=True, check=True, timeout=60)
    (load,) = json.loads(told.stdout)["loads"]
    assert (load["status"], load["inserted"]) == ("done", 1)


@pytest.mark.parametrize("words", ["loads", "loads --json", "--help", "--version"])
def test_a_closed_output_is_told(environment: dict[str, str], words: str) -> None:
    command = f"{ROWFERRY} {words} >&-"
    ran = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 3
    assert ran.stderr.startswith("Error: Cannot write to standard output: Bad file descriptor.\n")


@pytest.mark.parametrize("words", ["load {}/departments.csv", "backup", "verify --all", "backups prune --keep-last 0"])
@pytest.mark.parametrize("form", ["", "--json"])
def test_what_was_done_has_its_exit_code_also_if_nobody_hears(
    environment: dict[str, str], tmp_path: Path, words: str, form: str
) -> None:
    (tmp_path / "departments.csv").write_text("1,Supply\nx,Law\n")
    expected = 1 if words.startswith("load") else 0
    command = [ROWFERRY, *words.format(tmp_path).split(), *form.split()]
    reader, gone = os.pipe()
    os.close(reader)
    unheard = subprocess.run(command, stdout=gone, stderr=subprocess.PIPE, env=environment, check=False, timeout=60)
    os.close(gone)
    assert (unheard.returncode, unheard.stderr) == (expected, b"")
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=environment, check=False, timeout=60)
    assert ran.returncode == expected
    assert b"Cannot write to standard output" in ran.stderr
