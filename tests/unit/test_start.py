"""A command starts without what it does not need and ends at once, since a small load should be quick as a whole."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url

NEEDED_BY_FEW = (
    "typer",
    "pydantic",
    "polars",
    "alembic",
    "fastapi",
    "uvicorn",
    "vl_convert",
    "numpy.ma",
    "pyarrow.compute",
    "rowferry.api",
)
ONLY_FOR_PEOPLE = ("rich",)

COMMANDS = {
    "load jobs.csv": 1,
    "loads": 0,
    "batch batch.json": 0,
    "rejects": 0,
    "backup jobs": 0,
    "backups": 0,
    "verify --all": 0,
    "restore jobs": 0,
    "restores": 0,
    "backups prune --keep-last 1": 0,
    "report hires-by-quarter": 0,
    "tables": 0,
    "settings": 0,
    "load --no-such-option": 2,
}
"""Each with its exit code, in an order in which they find what they need."""

OVER_MANY_ROWS = ("load jobs.csv", "rejects", "backup jobs", "verify --all", "restore jobs")

RUN = """
import gc, sys
from rowferry.cli.main import main
try:
    main()
finally:
    arrow = sys.modules.get("pyarrow")
    pool = [f"(memory from {arrow.default_memory_pool().backend_name})"] if arrow else []
    sys.stderr.write(" ".join([*sys.modules, *pool, *(["(collects garbage)"] if gc.isenabled() else [])]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "jobs.csv").write_text("1,Clerk\n2,Cook\nx,Judge\n2,Cook\n")
    (tmp_path / "batch.json").write_text('{"jobs": [{"id": 3, "job": "Pilot"}]}')
    return tmp_path


def run(folder: Path, url: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command; its standard error is the names of the modules that were imported, if it says nothing there."""
    folders = {"LOG_DIR": str(folder / "logs"), "BACKUP_DIR": str(folder / "backups")}
    environment = os.environ | folders | {"SQLALCHEMY_DATABASE_URL": url}
    command = [sys.executable, "-c", RUN, *words]
    return subprocess.run(command, env=environment, cwd=folder, check=False, capture_output=True, text=True, timeout=60)


def beside(url: str) -> list[str]:
    """What stands beside the file of a database, if it is one: it is a single file once a command has ended."""
    database = Path(str(make_url(url).database))
    return [path.name for path in database.parent.glob(f"{database.name}-*")] if url.startswith("sqlite") else []


def test_commands_that_ran_have_imported_nothing_that_they_did_not_use(folder: Path, empty_url: str) -> None:
    run(folder, empty_url, "db", "upgrade")
    for command, code in COMMANDS.items():
        ran = run(folder, empty_url, *command.split(), "--json")
        imported = ran.stderr.split()
        assert {"sqlalchemy", "rowferry.cli.main"} <= set(imported), ran.stderr
        assert (ran.returncode, type(json.loads(ran.stdout))) == (code, dict)
        assert not {*NEEDED_BY_FEW, *ONLY_FOR_PEOPLE} & set(imported), command
        # With millions of rows to go through, nothing may be kept that is of no use any more.
        assert ran.stderr.endswith("(collects garbage)") or command not in OVER_MANY_ROWS, command
        assert beside(empty_url) == [], command


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)  # it is all the same to people
def test_people_wait_for_words_and_tables_only(folder: Path, empty_url: str) -> None:
    run(folder, empty_url, "db", "upgrade")
    for command in ("load jobs.csv", "loads", "tables"):
        ran = run(folder, empty_url, *command.split())
        assert not set(NEEDED_BY_FEW) & set(ran.stderr.split()), command
        assert "rich" in ran.stderr.split()


@pytest.mark.parametrize("words", ["--version", "", "load --help"])
def test_help_is_not_set_by_a_large_library(folder: Path, words: str) -> None:
    ran = run(folder, "sqlite://", *words.split())
    assert (ran.returncode, bool(ran.stdout)) == (0, True)
    assert not {"typer", "pydantic", "fastapi", "rich"} & set(ran.stderr.split())
    if words == "--version":
        assert "sqlalchemy" not in ran.stderr.split()


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)  # others are no files
def test_an_embedded_database_is_a_single_file_also_after_other_commands(folder: Path, empty_url: str) -> None:
    for command in ("db upgrade", "load nowhere.csv", "backup nothing", "db current", "db check"):
        run(folder, empty_url, *command.split(), "--json")
        assert Path(str(make_url(empty_url).database)).exists()
        assert beside(empty_url) == [], command


def test_what_a_command_logs_is_there_when_it_has_ended(folder: Path, empty_url: str) -> None:
    run(folder, empty_url, "load", "jobs.csv", "--json")
    lines = (folder / "logs" / "full_bulk_insert.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in (lines[0], lines[-1])] == ["LoadStarted", "LoadFinished"]


@pytest.mark.parametrize("pool", [None, "mimalloc"])
def test_arrow_takes_its_memory_from_the_system_unless_the_user_says_otherwise(
    folder: Path, empty_url: str, monkeypatch: pytest.MonkeyPatch, pool: str | None
) -> None:
    monkeypatch.delenv("ARROW_DEFAULT_MEMORY_POOL", raising=False)
    if pool:
        monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", pool)
    ran = run(folder, empty_url, "load", "jobs.csv", "--json")
    assert f"(memory from {pool or 'system'})" in ran.stderr
