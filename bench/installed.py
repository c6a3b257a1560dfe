"""Rowferry as it is measured: installed as users have it, beside its libraries alone, not as developers do.

Its peers are programs that a distribution has built for speed, so it runs under the distribution's own Python where
that is new enough: a Python that somebody has compiled by hand often lacks such a build, and takes a tenth more time.
"""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_FOLDER = _ROOT / ".venv-bench"
_TELL_VERSION = "import sys; print(*sys.version_info[:2])"

ROWFERRY, PYTHON = str(_FOLDER / "bin" / "rowferry"), str(_FOLDER / "bin" / "python")


def install() -> None:
    """Install what is in this folder now, compiled, in the versions of uv.lock."""
    command = ["uv", "sync", "--quiet", "--locked", "--no-dev", "--no-editable", "--reinstall-package", "rowferry"]
    surroundings = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(_FOLDER)}
    surroundings.pop("VIRTUAL_ENV", None)
    subprocess.run([*command, "--python", _python()], cwd=_ROOT, env=surroundings, check=True)


def python_version() -> str:
    """The version of the Python that Rowferry runs under, and where that comes from."""
    version = _output([PYTHON, "-c", "import platform; print(platform.python_version())"])
    return f"{version}, {'that of the system' if _python() != sys.executable else platform.python_compiler()}"


def _python() -> str:
    found = shutil.which("python3", path=os.defpath)
    if found and tuple(map(int, _output([found, "-c", _TELL_VERSION]).split())) >= (3, 11):
        return found
    return sys.executable


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout.strip()
