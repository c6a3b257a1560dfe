"""The programs that are measured, where they are on this machine, and their versions."""

import shutil
import subprocess

SQLITE3 = shutil.which("sqlite3")
PGLOADER = shutil.which("pgloader")
CURL = shutil.which("curl")


def version_of(program: str | None) -> str:
    """What a program says of its version, on one line."""
    if program is None:
        return "not installed"
    version = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
    return version.strip().splitlines()[0]
