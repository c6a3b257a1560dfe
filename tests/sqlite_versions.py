"""SQLite in another version than the one that Python comes with.

    uv run python tests/sqlite_versions.py 3.37.2

builds that version once, beside the packages of the environment, and says in which folder its library is;
LD_LIBRARY_PATH then lets Python use it. Needs a C compiler. The source comes within a package of npm.
"""

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from postgresql_versions import npm

_PACKAGE = "better-sqlite3"

_RELEASES = {
    "3.36.0": "7.4.5",
    "3.37.0": "7.4.6",
    "3.37.2": "7.5.0",
    "3.38.5": "7.5.3",
    "3.39.0": "7.6.0",
}
"""By version of SQLite the release that brings its source."""

_OPTIONS = ("ENABLE_JSON1", "ENABLE_DESERIALIZE", "ENABLE_COLUMN_METADATA", "THREADSAFE=1")
"""What Python asks for, or what became the default later."""


def built(version: str) -> Path:
    """The folder of a version's library; what is not there yet is fetched from npm and compiled."""
    folder = Path(sys.prefix) / "sqlite" / version
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            source = _source(version, Path(temporary))
            library = Path(temporary, "library")
            library.mkdir()
            options = [f"-DSQLITE_{option}" for option in _OPTIONS]
            compile_it: list[str | Path] = [
                "cc",
                "-O2",
                "-shared",
                "-fPIC",
                *options,
                "-o",
                library / "libsqlite3.so.0",
                source,
            ]
            subprocess.run([*compile_it, "-ldl", "-lpthread", "-lm"], check=True)
            library.rename(folder)
    return folder


def _source(version: str, folder: Path) -> Path:
    release = f"{_PACKAGE}@{_RELEASES[version]}"
    subprocess.run([*npm(), "pack", release], cwd=folder, check=True, capture_output=True)
    (packed,) = folder.glob("*.tgz")
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")
    for inner in folder.glob("package/deps/sqlite3.tar.gz"):  # as older releases have it
        with tarfile.open(inner) as archive:
            archive.extractall(inner.parent, filter="data")
    (source,) = folder.glob("package/deps/**/sqlite3.c")
    return source


if __name__ == "__main__":
    sys.stdout.write(f"{built(sys.argv[1])}\n")
