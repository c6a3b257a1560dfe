"""Tables that commands show lose nothing, however narrow the terminal is."""

import os
import sqlite3
import sys
from pathlib import Path

import pytest
from terminals import on_terminal

from command_server import run_bytes, run_text

ROWFERRY = str(Path(sys.executable).with_name("rowferry"))

COUNTS = (1_001_164, 999_930, 123_456, 234_567, 123_434)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A database with a load, backups and a restore, as large as they get."""
    folder = tmp_path_factory.mktemp("shown")
    (folder / "departments.csv").write_text("1,Sales\nx,Wrong\n")
    folders = {"LOG_DIR": str(folder / "logs"), "BACKUP_DIR": str(folder / "backups"), "DATA_DIR": str(folder)}
    environment = os.environ | folders | {"SQLALCHEMY_DATABASE_URL": f"sqlite:///{folder}/rows.db"}
    environment["COLUMNS"] = "80"
    for words in (["load"], ["backup"], ["verify", "--all"], ["restore", "departments"]):
        assert run_bytes(*words, env=environment).returncode < 2
    with sqlite3.connect(folder / "rows.db") as database:
        database.execute(
            "UPDATE rowferry_loads SET rows_read=?, inserted=?, updated=?, unchanged=?, rejected=?", COUNTS
        )
        database.execute("UPDATE rowferry_restores SET added=?, changed=?, removed=?, unchanged=?, rejected=?", COUNTS)
        both = ("rowferry_loads", "rowferry_restores")
        told = [str(value) for table in both for value, *_ in database.execute(f"SELECT * FROM {table}")]
    database.close()
    return environment | {"LOAD_ID": told[0], "RESTORE_ID": told[1]}


def shown(environment: dict[str, str], columns: int | None, *words: str) -> str:
    """What a command says on a terminal of so many columns, or into a pipe."""
    if columns is None:
        return run_text(*words, env=environment | {"COLUMNS": "40"}).stdout
    return on_terminal([ROWFERRY, *words], environment | {"COLUMNS": str(columns), "TERM": "dumb"})


@pytest.mark.parametrize("columns", [40, 60, 80, None])
def test_no_number_id_status_or_time_is_cut(environment: dict[str, str], columns: int | None) -> None:
    numbers = [f"{count:,}" for count in COUNTS]
    loads = shown(environment, columns, "loads")
    (line,) = (line for line in loads.splitlines() if environment["LOAD_ID"] in line)
    assert all(number in line.split() for number in numbers)
    assert "done" in line
    assert "@" in line
    restores = shown(environment, columns, "restores")
    (line,) = (line for line in restores.splitlines() if environment["RESTORE_ID"] in line)
    assert all(number in line.split() for number in numbers)
    assert "done" in line
    heads = next(line for line in restores.splitlines() if "removed" in line)
    assert {"restore", "table", "status", "added", "rejected"} <= set(heads.split())
    backups = shown(environment, columns, "backups")
    (line,) = (line for line in backups.splitlines() if "departments-" in line)
    assert "good 20" in line
    rehearsed = shown(environment, columns, "restore", "departments", "--dry-run")
    assert line.split()[0] in rehearsed


def test_free_text_wraps(environment: dict[str, str]) -> None:
    lines = [line.rstrip() for line in shown(environment, 80, "settings").splitlines()]
    about_models = next(at for at, line in enumerate(lines) if "ROWFERRY_MODELS" in line)
    assert "The SQLAlchemy tables" in lines[about_models]
    assert "served" in "".join(lines[about_models + 1 : about_models + 3])


def test_long_words_wrap_too(environment: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "hired_employees.csv"
    path.write_text(f"{'9' * 40},{'Anna-Maria-' * 5},2021-05-30T05:43:46Z,8,\n")
    other = environment | {"SQLALCHEMY_DATABASE_URL": f"sqlite:///{tmp_path}/rows.db"}
    assert run_bytes("load", path, env=other).returncode == 1
    lines = shown(other, 80, "rejects").splitlines()
    assert max(map(len, lines)) == 80
    assert "9" * 40 in "".join(line[55:].rstrip() for line in lines)


def test_a_pipe_gets_each_row_in_one_line(environment: dict[str, str]) -> None:
    told = shown(environment, None, "rejects").splitlines()
    (line,) = (line for line in told if "x,Wrong" in line)
    assert "departments.csv" in line
    assert "value.type: " in line
