"""Each part that benchmarks switch off is really reached by the work that it was made for, which is done without it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench import lab as labs, mechanisms, other_tables, works
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


@pytest.mark.parametrize("mechanism", MECHANISMS, ids=lambda mechanism: mechanism.name)
def test_what_is_switched_off_is_part_of_the_work(
    mechanism: Mechanism, folder: Path, tmp_path: Path, bench_server: Server, this_rowferry: None
) -> None:
    files = folder / f"{mechanism.least_rows}"
    files.mkdir(exist_ok=True)
    lab = Lab(files, bench_server, mechanism.least_rows, 1)
    way = mechanism.way(lab, "without", mechanism.switch)
    way.prepare()
    reached = tmp_path / "reached"
    run = lab.measure(way.command, way.rows, {**way.environment, REACHED: str(reached)})
    way.check(run)
    assert reached.exists()
