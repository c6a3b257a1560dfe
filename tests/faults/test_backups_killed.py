"""A backup that is killed at any moment leaves nothing that is listed but good backups, and the next one clears up."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from backing_up import Backups
from databases import NewDatabase
from loading import Tables, employees
from rowferry.backups.store import UnfinishedSnapshot
from rowferry.bootstrap import Service
from rowferry.operations.prune_backups import remove_backup

PROGRAM = Path(__file__).with_name("backing_up_process.py")
KILLS = int(os.environ.get("ROWFERRY_TORTURE_KILLS", "6"))


def kill_while_backing_up(url: str, folder: Path, delay: float) -> None:
    with subprocess.Popen([sys.executable, PROGRAM, url, folder], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(delay)
        process.kill()


@pytest.mark.timeout(1200)
def test_what_is_listed_is_good(new_database: NewDatabase, new_service: Callable[..., Service], tmp_path: Path) -> None:
    url = new_database()
    service = new_service(url=url)
    Tables(service, tmp_path).with_parents().put("hired_employees.csv", employees(40_000))
    backups, chance, unfinished = Backups(service, tmp_path / "backups"), random.Random(3), 0
    for _ in range(KILLS):
        kill_while_backing_up(url, backups.folder, chance.random() / 4)
        listing = backups.store.listing()
        assert listing.damaged == {}
        for manifest in listing.backups:
            backups.verify(manifest)
            remove_backup(backups.store, manifest.backup_id, backups.events.append, even_last=True)
        unfinished += len(backups.files())
    backups.take("jobs")
    assert len(backups.files()) == 2
    assert unfinished > 0


def test_a_backup_that_is_under_way_is_left_alone(service: Service, tmp_path: Path) -> None:
    backups = Backups(service, tmp_path / "backups")
    unfinished = UnfinishedSnapshot(backups.folder)
    with unfinished.writing():
        running = unfinished.add("jobs")
        running.file.write(b"under way")
        backups.take("jobs")
        assert f".{running.backup_id}.avro.part" in backups.files()
    assert len(backups.files()) == 2
