"""Backups that are interrupted, cut off or out of room: no backup is listed, nothing is left, and it is told why."""

import gc
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import sqlalchemy as sa
from test_disk_full import ALONE, ROWFERRY, SMALL

from backing_up import Backups
from loading import Tables, employees
from rowferry.bootstrap import Service
from rowferry.errors import DatabaseUnavailable, RowferryError
from rowferry.events import BackupFailed, Event, RowsBackedUp
from rowferry.streams.backup_store import BackupStore

ROWS = 40_000


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture
def backups(url: str, new_service: Callable[..., Service], tmp_path: Path) -> Iterator[Backups]:
    service = new_service(url=url)
    Tables(service, tmp_path).with_parents().put("hired_employees.csv", employees(ROWS))
    yield Backups(service, tmp_path / "backups")


def test_ctrl_c_leaves_nothing(backups: Backups, url: str, tmp_path: Path) -> None:
    environment = os.environ | {"SQLALCHEMY_DATABASE_URL": url, "LOG_DIR": str(tmp_path / "logs")}
    environment["BACKUP_DIR"] = str(backups.folder)
    command = [str(ROWFERRY), "backup", "--json"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not backups.folder.exists() and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signal.SIGINT)
        told, errors = process.communicate(timeout=60)
    assert errors == b""
    if process.returncode == 0:  # it was quicker
        assert len(backups.files()) == 6
        return
    assert process.returncode == 3
    assert json.loads(told)["error"]["code"] == "interrupted"
    assert backups.files() == []


def test_wherever_it_is_interrupted_nothing_is_left(backups: Backups) -> None:
    interrupted = 0
    while _interrupted_at(interrupted, lambda: backups.take("departments", "jobs")):
        # Whatever is listed already is a whole backup, and no other file is there.
        listed = backups.store.listing().backups
        assert len(backups.files()) == 2 * len(listed)
        for manifest in listed:
            backups.verify(manifest)
            backups.store.remove(manifest)
        interrupted += 1
    assert interrupted > 50
    assert len(backups.files()) == 4


def _interrupted_at(line: int, work: Callable[[], object]) -> bool:
    """Press Ctrl-C when so many lines of the code that writes files were run; whether there were so many."""
    seen = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal seen
        # A second Ctrl-C, while the first one's leftovers are removed, leaves them to the next backup.
        if Path(frame.f_code.co_filename).name not in {"backup_store.py", "whole_file.py"} or (
            frame.f_code.co_name in {"close", "clear"}
        ):
            return None
        if event == "line":
            seen += 1
            if seen == line + 1:
                raise KeyboardInterrupt
        return trace

    def traced() -> bool:
        sys.settrace(trace)
        try:
            work()
        except KeyboardInterrupt:
            return True
        return False

    # A file that was just about to be closed is closed as it is dropped. In a thread of its own, since what a trace
    # raises stays in the context of all that its thread raises later.
    with warnings.catch_warnings(action="ignore", category=ResourceWarning), ThreadPoolExecutor(1) as alone:
        interrupted = alone.submit(traced).result()
        gc.collect()
    return interrupted


def test_a_cut_connection_is_told(backups: Backups) -> None:
    engine = backups.service.backend.engine
    if engine.dialect.name == "sqlite":
        return
    killer = sa.create_engine(engine.url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")

    def cut(event: Event) -> None:
        backups.events.append(event)
        if isinstance(event, RowsBackedUp) and event.table == "departments":
            with killer.connect() as connection:
                connection.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

    with pytest.raises(DatabaseUnavailable):
        backups.take(observe=cut)
    killer.dispose()
    assert backups.files() == []
    assert isinstance(backups.events[-1], BackupFailed)
    assert len(backups.take()) == 3


def test_what_the_ledger_cannot_note_is_no_backup(backups: Backups) -> None:
    Tables(backups.service, backups.folder).execute("DROP TABLE backups")
    with pytest.raises(RowferryError):
        backups.take("jobs")
    assert backups.files() == []


def test_a_full_disk_is_told(backups: Backups, url: str, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    Tables(backups.service, tmp_path).execute(f"INSERT INTO jobs SELECT id + {ROWS}, name || 'x' FROM hired_employees")
    environment = os.environ | {"SQLALCHEMY_DATABASE_URL": url, "LOG_DIR": str(tmp_path / "logs"), "SMALL": str(small)}
    environment["BACKUP_DIR"] = str(small / "backups")
    listed = f'"$@"; code=$?; find "{small}/backups" -type f; exit $code'
    small_disk = SMALL.replace("size=3m", "size=1m").replace('exec "$@"', listed)
    ran = subprocess.run(
        [*ALONE, "sh", "-c", small_disk, "sh", ROWFERRY, "backup", "--codec", "null", "--json"],
        capture_output=True, text=True, env=environment, check=False, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 3
    (told,) = ran.stdout.splitlines()  # and no file is left
    error = json.loads(told)["error"]
    assert error["code"] == "disk.full"
    assert str(small / "backups") in error["message"]


def test_a_folder_that_is_missing_has_no_backups(tmp_path: Path) -> None:
    store = BackupStore(tmp_path / "nowhere")
    assert store.listing().backups == []
    assert store.ids() == []
    assert store.clear() == []
