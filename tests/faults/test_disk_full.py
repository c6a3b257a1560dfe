"""A disk without room left: one clear error, and nothing changed. Needs the right to mount a tiny file system."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loading import Tables, counts, employees
from rowferry.bootstrap import Service
from rowferry.errors import DiskFull

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a tiny disk")


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "tiny"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("filled", [True, False])
def test_the_disk_of_the_database_is_full(
    new_service: Callable[..., Service], tmp_path: Path, tiny_disk: Path, *, filled: bool
) -> None:
    tables = Tables(new_service(url=f"sqlite:///{tiny_disk}/full.db"), tmp_path).with_parents()
    if filled:
        tables.put("hired_employees.csv", "-1,Kept,2021-01-01 00:00,1,1\n")
    tables.fail(DiskFull, tables.write("hired_employees.csv", employees(40_000)))
    assert tables.loads()[0]["status"] == "failed"
    assert tables.loads()[0]["error"]["code"] == "disk.full"
    assert counts(tables.put("hired_employees.csv", employees(10)))[1] == 10


def test_there_is_no_room_for_temporary_files(tables: Tables, tiny_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables.with_parents().put("hired_employees.csv", "-1,Kept,2021-01-01 00:00,1,1\n")
    path = tables.write("hired_employees.csv", employees(200_000))
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tiny_disk))
        tables.fail(DiskFull, path)
    assert tables.loads()[0]["error"]["code"] == "disk.full"
    assert counts(tables.load(path)) == (200_000, 200_000, 0, 0, 0)
