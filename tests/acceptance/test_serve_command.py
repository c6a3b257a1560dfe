"""`rowferry serve` as operators meet it: what it refuses, and how it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from command_server import run_text

ROWFERRY = str(Path(sys.executable).with_name("rowferry"))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "example.org"])
def test_an_address_that_others_reach_is_refused(tmp_path: Path, host: str) -> None:
    ran = subprocess.run(
        [ROWFERRY, "serve", "--host", host],
        cwd=tmp_path,
        env=os.environ | {"LOG_DIR": str(tmp_path / "logs")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 2, ran.stderr
    assert ran.stderr.startswith(f"Error: {host} can be reached from other machines")
    assert "--open" in ran.stderr


def test_settings_are_shown_and_faults_told_at_once(tmp_path: Path) -> None:
    good = os.environ | {"SQLALCHEMY_DATABASE_URL": "postgresql://me:hidden@host/base", "ROWFERRY_MODLES": "x"}
    ran = run(tmp_path, good, "settings", "--json")
    told = json.loads(ran.stdout)
    assert {"name", "value", "source", "meaning"} == set(told["settings"][0])
    assert (ran.returncode, ran.stderr) == (0, "")
    shown = run(tmp_path, good, "settings")
    assert "hidden" not in ran.stdout + shown.stdout
    assert "did you mean ROWFERRY_MODELS?" in shown.stdout
    wrong = os.environ | {"LOG_DIR": "/dev/null/x", "BACKUP_DIR": ""}
    for command in ("serve", "settings"):
        ran = run(tmp_path, wrong, command)
        assert ran.returncode == 2
        assert ran.stderr.startswith("Error: 2 settings are not valid")
        assert "LOG_DIR: " in ran.stderr
        assert "BACKUP_DIR: " in ran.stderr
    assert "sqlite:///rowferry.db" in ran.stdout
    assert [line.split()[1:4] for line in ran.stdout.splitlines() if "BACKUP_DIR" in line] == [["cannot", "be", "used"]]
    missing = run(tmp_path, os.environ | {"ROWFERRY_MODELS": "none"}, "settings").stderr
    assert "there is no module none in " in missing


def run(folder: Path, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return run_text(*words, env=environment, cwd=folder)
