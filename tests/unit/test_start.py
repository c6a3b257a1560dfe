"""A command starts without what it does not need, since a small load should be quick as a whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("pydantic", "polars", "alembic", "fastapi", "vl_convert", "rowferry.api")


@pytest.mark.parametrize("command", ["load", "batch", "backup", "restore", "verify", "report"])
def test_a_command_imports_nothing_heavy_that_it_does_not_use(command: str) -> None:
    program = f"import sys, rowferry.cli.main, rowferry.cli.{command}; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not set(HEAVY) & set(ran.stdout.split())


def test_commands_that_ran_have_imported_no_masked_arrays(tmp_path: Path, database_url: str) -> None:
    (tmp_path / "jobs.csv").write_text("1,Clerk\n2,Cook\nx,Judge\n2,Cook\n")
    program = (
        "import sys; from rowferry.cli.main import main\n"
        "try: main()\nexcept SystemExit as end: assert end.code in (0, 1)\n"
        "assert 'numpy' in sys.modules; assert 'numpy.ma' not in sys.modules"
    )
    folders = {"LOG_DIR": str(tmp_path / "logs"), "BACKUP_DIR": str(tmp_path / "backups")}
    environment = os.environ | folders | {"SQLALCHEMY_DATABASE_URL": database_url}
    for words in (["load", "jobs.csv"], ["backup", "jobs"], ["restore", "jobs"]):
        command = [sys.executable, "-c", program, *words, "--json"]
        subprocess.run(command, env=environment, cwd=tmp_path, check=True, capture_output=True)
