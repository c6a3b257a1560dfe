"""Measures whole processes: wall seconds, processor time, peak memory, exit code."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_LAUNCHER = Path(__file__).with_name("launcher.py")
_KILLED = -9


class NoResultError(Exception):
    """A run that took too long, failed or lost rows: its time means nothing."""


@dataclass(frozen=True)
class Run:
    """What one run of a command took; memory and processor time are those of the client, not of a database server."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    exit_code: int
    output: str
    errors: str


def measure(command: Sequence[str], folder: Path, limit: int, environment: Mapping[str, str]) -> Run:
    """Run a command in a folder; NoResultError if it is not done after `limit` seconds, when it is killed."""
    with tempfile.TemporaryDirectory() as reports:
        report = Path(reports) / "report"
        launch = [sys.executable, "-I", "-S", str(_LAUNCHER), str(limit), str(report), *command]
        output, errors = _communicate(launch, folder, {**os.environ, **environment})
        seconds, kilobytes, exit_code, cpu_seconds = report.read_text().split()
    if int(exit_code) == _KILLED:
        raise NoResultError(f"killed after {float(seconds):.0f} seconds")
    return Run(float(seconds), float(cpu_seconds), int(kilobytes) / 1024, int(exit_code), output, errors)


def _communicate(launch: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[str, str]:
    pipe = subprocess.PIPE
    with subprocess.Popen(
        launch, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, errors="replace"
    ) as launcher:
        try:
            return launcher.communicate()
        except BaseException:
            launcher.terminate()  # it kills the command first, which a kill of the launcher would leave running
            raise


def run_aside(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
    """Run a command that is not measured, but needed."""
    run = measure(command, folder, 3_600, environment)
    if run.exit_code:
        raise RuntimeError(f"{' '.join(command)}: {run.errors or run.output}")
