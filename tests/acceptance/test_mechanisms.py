"""Each part that benchmarks switch off is really reached by the work that it was made for, which is done without it."""

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from functools import reduce
from pathlib import Path

import pytest
from bench import lab as labs, mechanisms, other_tables, stand_ins, works
from bench.lab import Lab
from bench.mechanisms import MECHANISMS, Mechanism
from bench.postgresql import Server, server
from bench.without import REACHED


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def bench_server(folder: Path) -> Iterator[Server]:
    with server(folder) as running:
        yield running


@pytest.fixture
def this_rowferry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure what is tested instead of what is installed."""
    rowferry = str(Path(sys.executable).with_name("rowferry"))
    for module in (labs, other_tables, works):
        monkeypatch.setattr(module, "ROWFERRY", rowferry)
    monkeypatch.setattr(mechanisms, "PYTHON", sys.executable)


WORKS = {mechanism.work: mechanism for mechanism in MECHANISMS}
"""One for each work."""


def name_of(mechanism: Mechanism) -> str:
    return mechanism.name


@pytest.fixture
def lab(folder: Path, bench_server: Server, this_rowferry: None) -> Callable[[Mechanism], Lab]:
    """Makes the place for the work of a mechanism."""

    def make(mechanism: Mechanism) -> Lab:
        files = folder / f"{mechanism.least_rows}"
        files.mkdir(exist_ok=True)
        return Lab(files, bench_server, mechanism.least_rows, 1)

    return make


def used(lab: Lab, mechanism: Mechanism, switches: list[str], marker: Path) -> set[str]:
    """The stand-ins that the work, which is done, has called of those that switches put in."""
    way = mechanism.way(lab, "without", ",".join(switches))
    way.prepare()
    run = lab.measure(way.command, way.rows, {**way.environment, REACHED: str(marker)})
    way.check(run)
    return {found.name.partition("-")[2] for found in marker.parent.glob("reached-*")}


@pytest.mark.parametrize("mechanism", MECHANISMS, ids=name_of)
def test_what_is_switched_off_is_there(mechanism: Mechanism) -> None:
    module, _, name = mechanism.target.partition(":")
    assert callable(reduce(getattr, name.split("."), importlib.import_module(f"rowferry.{module}")))
    assert callable(getattr(stand_ins, mechanism.stand_in))


@pytest.mark.parametrize(
    "mechanism", MECHANISMS if "ROWFERRY_TORTURE_MECHANISMS" in os.environ else WORKS.values(), ids=name_of
)
def test_what_is_switched_off_is_part_of_the_work(
    mechanism: Mechanism, lab: Callable[[Mechanism], Lab], tmp_path: Path
) -> None:
    """And no second attempt is needed: the careful one would make up for what failed, and show only in the time."""
    place = lab(mechanism)
    room = "sqlite" if "sqlite" in mechanism.work(place).environment["SQLALCHEMY_DATABASE_URL"] else "postgresql"
    careful = f"rowferry.backends.{room}.careful:CarefulTransaction.__init__=unchanged"
    assert used(place, mechanism, [mechanism.switch, careful], tmp_path / "reached") == {mechanism.stand_in}
