"""What an installation takes on disk stays within bounds, and what the image leaves out is not needed."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LOCKED = {package["name"]: package for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}

IMAGE_MB, PIP_MB = 450, 650

LEFT_OUT = re.findall(
    r"--no-install-package (\S+)", (ROOT / "Dockerfile").read_text().split("ARG LEFT_OUT=")[1].split("\n")[0].strip('"')
)
REMOVED = re.findall(r"site-packages/(\S+)", (ROOT / "Dockerfile").read_text())

IMPORT_ALL = """
import pkgutil, sys
from importlib import import_module
class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[1:]:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Nowhere())
import rowferry
for module in pkgutil.walk_packages(rowferry.__path__, "rowferry."):
    if module.name != "rowferry.__main__":
        import_module(module.name)
"""


def needed(package: dict[str, Any], found: set[str]) -> set[str]:
    """The packages that one needs, itself included."""
    if package["name"] not in found:
        found.add(package["name"])
        for dependency in package.get("dependencies", ()):
            needed(LOCKED[dependency["name"]], found)
            for extra in dependency.get("extra", ()):
                for further in LOCKED[dependency["name"]].get("optional-dependencies", {}).get(extra, ()):
                    needed(LOCKED[further["name"]], found)
    return found


def files_of(name: str) -> Iterator[Path]:
    """The files of an installed package, with the bytecode of its modules; none if this system does not need it."""
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        return
    for file in installed.files or ():
        path = Path(str(installed.locate_file(file)))
        yield path
        if path.suffix == ".py":
            yield path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc"


@cache
def sizes() -> dict[Path, int]:
    """The sizes of all files that an installation has, by their paths."""
    files = {file for name in needed(LOCKED["rowferry"], set()) for file in files_of(name) if "/bin/" not in str(file)}
    return {file: file.stat().st_size for file in files if file.exists()}


def test_an_installation_takes_no_more_than_its_page_says() -> None:
    assert 300 < sum(sizes().values()) / 2**20 < PIP_MB


def test_the_image_takes_no_more_than_its_page_says() -> None:
    left_out = {file for name in LEFT_OUT for file in files_of(name)}
    kept = {
        file: size
        for file, size in sizes().items()
        if file not in left_out and not any(f"/site-packages/{place}/" in str(file) for place in REMOVED)
    }
    assert 300 < sum(kept.values()) / 2**20 < IMAGE_MB


def test_nothing_imports_what_the_image_leaves_out() -> None:
    names = [name.replace("polars-runtime-32", "_polars_runtime_32") for name in LEFT_OUT]
    assert len(names) == 3
    subprocess.run([sys.executable, "-c", IMPORT_ALL, *names], check=True, cwd=ROOT)


def test_the_image_removes_what_is_there() -> None:
    arrow = Path(str(distribution("pyarrow").locate_file("")))
    assert [(arrow / place).is_dir() for place in REMOVED] == [True, True]
