"""A command starts without what it does not need, since a small load should be quick as a whole."""

import subprocess
import sys

import pytest

HEAVY = ("polars", "alembic", "fastapi", "vl_convert", "rowferry.api")


@pytest.mark.parametrize("command", ["load", "batch", "backup", "restore", "verify", "report"])
def test_a_command_imports_nothing_heavy_that_it_does_not_use(command: str) -> None:
    program = f"import sys, rowferry.cli.main, rowferry.cli.{command}; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not set(HEAVY) & set(ran.stdout.split())
