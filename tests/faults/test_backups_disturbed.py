"""Backups that are interrupted, cut off or out of room: no backup is listed, nothing is left, and it is told why."""

import errno
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
from enum import Enum
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import sqlalchemy as sa
from test_disk_full import ALONE, ROWFERRY, SMALL

from backing_up import Backups
from loading import Tables, employees
from rowferry.backups import store as backup_store
from rowferry.backups.manifest import Manifest
from rowferry.backups.store import BackupStore, UnfinishedBackup
from rowferry.bootstrap import Service
from rowferry.errors import DatabaseUnavailable, FileUnwritable, FolderFull, RowferryError
from rowferry.events import BackupFailed, BackupFinished, Event, RowsBackedUp
from rowferry.files import atomic_write
from speaking import only_postgresql

ROWS = 40_000

WRITERS = {Path(str(module.__file__)) for module in (backup_store, atomic_write)}


@pytest.fixture
def backups(database_url: str, new_service: Callable[..., Service], tmp_path: Path) -> Iterator[Backups]:
    service = new_service(url=database_url)
    Tables(service, tmp_path).with_parents().put("hired_employees.csv", employees(ROWS))
    yield Backups(service, tmp_path / "backups")


def test_ctrl_c_leaves_nothing(backups: Backups, database_url: str, tmp_path: Path) -> None:
    environment = os.environ | {"SQLALCHEMY_DATABASE_URL": database_url, "LOG_DIR": str(tmp_path / "logs")}
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


@pytest.fixture
def quick_collection() -> Iterator[None]:
    """What is there already is not looked at whenever garbage is collected."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("quick_collection")
def test_wherever_it_is_interrupted_nothing_is_left(backups: Backups) -> None:
    """Nothing, or the whole snapshot, and then it is not called interrupted."""
    line, taken_back, too_late = 0, 0, 0
    while (interruption := _interrupted_at(line, lambda: backups.take("departments", "jobs"))) is not Interruption.NONE:
        listed = backups.store.listing().backups
        assert len(listed) == (2 if interruption is Interruption.TOO_LATE else 0)
        assert len(backups.files()) == 2 * len(listed)
        assert len({manifest.snapshot_id for manifest in listed}) <= 1
        for manifest in listed:
            backups.verify(manifest)
            backups.store.remove(manifest)
        taken_back += interruption is Interruption.TOLD
        too_late += interruption is Interruption.TOO_LATE
        line += 1
    assert taken_back > 50
    assert too_late > 5
    assert len(backups.files()) == 4


@pytest.mark.parametrize("number", [1, 2, 3])
def test_ctrl_c_after_a_manifest_leaves_all_or_none(
    backups: Backups, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    work, listed = UnfinishedBackup.list, 0

    def interrupt(backup: UnfinishedBackup, manifest: Manifest) -> None:
        nonlocal listed
        work(backup, manifest)
        listed += 1
        if listed == number:
            raise KeyboardInterrupt

    monkeypatch.setattr(UnfinishedBackup, "list", interrupt)
    if number < 3:
        with pytest.raises(KeyboardInterrupt):
            backups.take()
        assert backups.files() == []
    else:
        assert {backup.backup_id for backup in backups.take()} == set(backups.store.ids())
        assert len(backups.files()) == 6


def test_an_interrupt_while_the_end_is_told_does_not_deny_it(backups: Backups) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, BackupFinished) and not backups.events:
            backups.events.append(event)
            raise KeyboardInterrupt

    taken = backups.take(observe=interrupt)
    assert {backup.backup_id for backup in taken} == set(backups.store.ids())


class Interruption(Enum):
    """What becomes of Ctrl-C: work ends by it, or is done already, or it was not pressed."""

    TOLD = 1
    TOO_LATE = 2
    NONE = 3


def _interrupted_at(line: int, work: Callable[[], object]) -> Interruption:
    """Press Ctrl-C when so many lines of the code that writes files were run."""
    seen = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal seen
        if Path(frame.f_code.co_filename) not in WRITERS:
            return None
        if event == "line":
            seen += 1
            if seen == line + 1:
                raise KeyboardInterrupt
        return trace

    def traced() -> Interruption:
        sys.settrace(trace)
        try:
            work()
        except KeyboardInterrupt:
            return Interruption.TOLD
        return Interruption.TOO_LATE if seen > line else Interruption.NONE

    # A file that was just about to be closed is closed as it is dropped. In a thread of its own, since what a trace
    # raises stays in the context of all that its thread raises later.
    with warnings.catch_warnings(action="ignore", category=ResourceWarning), ThreadPoolExecutor(1) as alone:
        interrupted = alone.submit(traced).result()
        gc.collect()
    return interrupted


@only_postgresql
def test_a_cut_connection_is_told(backups: Backups) -> None:
    engine = backups.service.backend.engine
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
    tables = Tables(backups.service, backups.folder)
    tables.execute(f"DROP TABLE {tables.of_ledger('backups')}")
    with pytest.raises(RowferryError):
        backups.take("jobs")
    assert backups.files() == []


def test_a_full_disk_is_told(backups: Backups, database_url: str, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    Tables(backups.service, tmp_path).execute(f"INSERT INTO jobs SELECT id + {ROWS}, name || 'x' FROM hired_employees")
    environment = os.environ | {
        "SQLALCHEMY_DATABASE_URL": database_url,
        "LOG_DIR": str(tmp_path / "logs"),
        "SMALL": str(small),
    }
    environment |= {"BACKUP_DIR": str(small / "backups"), "SIZE": "1m"}
    listed = f'"$@"; code=$?; find "{small}/backups" -type f; exit $code'
    small_disk = SMALL.replace('exec "$@"', listed)
    ran = subprocess.run(
        [*ALONE, "sh", "-c", small_disk, "sh", ROWFERRY, "backup", "--codec", "null", "--json"],
        capture_output=True, text=True, env=environment, check=False, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 3
    (told,) = ran.stdout.splitlines()  # and no file is left
    error = json.loads(told)["error"]
    assert error["code"] == "disk.full"
    assert str(small / "backups") in error["message"]


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("step", ["write_atomically", "_sync_folder"])
def test_a_snapshot_that_cannot_be_listed_whole_is_not_listed(
    backups: Backups, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> None:
    """No room for a manifest, or a disk that fails when it is to keep its name."""
    work, seen = getattr(backup_store, step), 0

    def run_out(path: Path, *parts: object) -> None:
        nonlocal seen
        counts = step == "write_atomically" or any(path.glob("*.manifest.json"))
        seen += counts
        if counts and seen == number:
            raise OSError(errno.ENOSPC, "No space left on device")
        work(path, *parts)

    monkeypatch.setattr(backup_store, step, run_out)
    with pytest.raises(FolderFull):
        backups.take()
    assert seen >= number
    assert backups.files() == []
    assert isinstance(backups.events[-1], BackupFailed)


def test_a_backup_that_cannot_be_taken_back_does_not_keep_the_others(
    backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove = UnfinishedBackup.remove

    def remove_others(backup: UnfinishedBackup) -> None:
        if backup.backup_id.startswith("jobs"):
            raise PermissionError(errno.EACCES, "Permission denied")
        remove(backup)

    def write_none(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(UnfinishedBackup, "remove", remove_others)
    monkeypatch.setattr(backup_store, "write_atomically", write_none)
    with pytest.raises(FileUnwritable):
        backups.take()
    monkeypatch.undo()
    assert [name.partition("-")[0] for name in backups.files()] == ["jobs"]
    assert len(backups.store.clear()) == 1


def test_a_folder_that_is_missing_has_no_backups(tmp_path: Path) -> None:
    store = BackupStore(tmp_path / "nowhere")
    assert store.listing().backups == []
    assert store.ids() == []
    assert store.clear() == []
