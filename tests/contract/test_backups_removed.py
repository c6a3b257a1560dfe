"""Backups that are removed: what stays, who may do it at once, and what becomes of those who read one meanwhile."""

import asyncio
import datetime as dt
import errno
import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backing_up import Backups, flip
from loading import Tables
from rowferry import ledger
from rowferry.api.routers.backups import download_backup
from rowferry.backends.file_lock import hold_folder
from rowferry.backups.manifest import Manifest
from rowferry.backups.store import BackupStore
from rowferry.bootstrap import Service
from rowferry.errors import (
    BackupNeeded,
    BackupsUnreadable,
    BackupUnknown,
    FileUnwritable,
    OptionInvalid,
)
from rowferry.events import BackupVerified, BackupWritten, Event
from rowferry.operations import prune_backups as pruning
from rowferry.operations.list_backups import list_backups
from rowferry.operations.prune_backups import PruneOptions, prune_backups, remove_backup
from rowferry.operations.verify_backup import verify_every

EMPLOYEES = "hired_employees"


def test_prune_keeps_what_is_asked_for(filled: Tables, backups: Backups) -> None:
    taken = [backups.take("jobs")[0] for _ in range(4)]
    other = backups.take("departments")[0]
    assert prune_backups(backups.store, PruneOptions(keep_days=1), backups.events.append) == []
    would = prune_backups(backups.store, PruneOptions(keep_last=2, dry_run=True), backups.events.append)
    assert would == [taken[1], taken[0]]
    assert len(backups.store.listing().backups) == 5
    assert prune_backups(backups.store, PruneOptions(keep_last=2), backups.events.append) == would
    assert backups.store.listing().backups == [other, taken[3], taken[2]]
    assert len(backups.files()) == 6


def test_a_snapshot_stays_whole_as_long_as_one_of_its_backups(filled: Tables, backups: Backups) -> None:
    backups.take()
    whole, newer = backups.take(), [backups.take("jobs")[0] for _ in range(2)]
    removed = prune_backups(backups.store, PruneOptions(keep_last=1), backups.events.append)
    assert {backup.backup_id for backup in backups.store.listing().backups} == {
        backup.backup_id for backup in (*whole, newer[-1])
    }
    assert len(removed) == 4


def test_prune_needs_to_be_told(backups: Backups) -> None:
    with pytest.raises(OptionInvalid):
        prune_backups(backups.store, PruneOptions(), backups.events.append)


@pytest.mark.parametrize("options", [PruneOptions(keep_last=0), PruneOptions(keep_days=0), PruneOptions(keep_last=1)])
def test_the_last_good_backup_stays(filled: Tables, backups: Backups, options: PruneOptions) -> None:
    good, damaged = (backups.take("jobs")[0] for _ in range(2))
    flip(backups.path(damaged), -20)
    prune_backups(backups.store, options, backups.events.append)
    assert good in backups.store.listing().backups


@pytest.mark.parametrize("year", [1970, 2400])
def test_a_wrong_clock_does_not_remove_the_last_good_backup(
    filled: Tables, backups: Backups, monkeypatch: pytest.MonkeyPatch, year: int
) -> None:
    taken = [backups.take("jobs")[0] for _ in range(2)]
    monkeypatch.setattr(ledger, "now", lambda: taken[0].created.replace(year=year))
    wrong = backups.take("jobs")[0]
    monkeypatch.undo()
    prune_backups(backups.store, PruneOptions(keep_days=0), backups.events.append)
    left = backups.store.listing().backups
    assert left == ([taken[1], taken[0]] if year == 1970 else [wrong, taken[1], taken[0]])


def test_days_are_not_counted_by_one_reading_of_a_clock(
    filled: Tables, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prune() -> list[Manifest]:
        return prune_backups(backups.store, PruneOptions(keep_days=30), backups.events.append)

    start = ledger.now()
    for day in (1, 20, 40):
        monkeypatch.setattr(ledger, "now", lambda at=start + dt.timedelta(day): at)
        backups.take("jobs")
    first, *later = reversed(backups.store.listing().backups)
    monkeypatch.setattr(ledger, "now", lambda: start.replace(year=2400))
    assert prune() == []
    far = backups.take("jobs")[0]
    assert prune() == [first], "the one of day 40 is the newest but one"
    assert backups.store.listing().backups == [far, *reversed(later)]
    backups.take("jobs")
    assert prune() == list(reversed(later)), "a clock that two backups were made by is that of the time"


def test_one_backup_can_be_removed_but_not_the_last_good_one(filled: Tables, backups: Backups) -> None:
    first, second = (backups.take("jobs")[0] for _ in range(2))
    remove_backup(backups.store, first.backup_id, backups.events.append)
    with pytest.raises(BackupNeeded):
        remove_backup(backups.store, second.backup_id, backups.events.append)
    assert backups.store.listing().backups == [second]
    remove_backup(backups.store, second.backup_id, backups.events.append, even_last=True)
    assert backups.files() == []


def test_a_backup_that_cannot_be_removed_is_told(filled: Tables, backups: Backups) -> None:
    (manifest,) = backups.take("jobs")
    backups.path(manifest).unlink()
    backups.path(manifest).mkdir()
    with pytest.raises(FileUnwritable):
        backups.store.remove(manifest)
    assert backups.store.listing().backups == []


def test_prune_does_not_count_what_is_dated_in_the_future(
    filled: Tables, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = backups.take("jobs")[0]
    monkeypatch.setattr(ledger, "now", lambda: before.created.replace(year=2400))
    wrong = backups.take("jobs")[0]
    monkeypatch.undo()
    after = backups.take("jobs")[0]
    assert prune_backups(backups.store, PruneOptions(keep_last=1), backups.events.append) == [before]
    assert backups.store.listing().backups == [wrong, after]


def test_two_who_remove_at_once_leave_the_last_good_one(
    filled: Tables, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each begins when both could have found that the other's backup stays."""
    taken = [backups.take("jobs")[0] for _ in range(2)]
    look, both = pruning.is_good, threading.Barrier(2)

    def look_together(store: BackupStore, manifest: Manifest) -> bool:
        with suppress(threading.BrokenBarrierError):
            both.wait(1)
        return look(store, manifest)

    monkeypatch.setattr(pruning, "is_good", look_together)
    with ThreadPoolExecutor(2) as workers:
        removals = [workers.submit(remove_backup, backups.store, backup.backup_id, lambda _: None) for backup in taken]
        refused = [removal.exception() for removal in removals]
    assert [type(removal) for removal in refused if removal] == [BackupNeeded]
    assert len(backups.store.listing().backups) == 1


def test_what_is_removed_while_all_are_verified_is_no_damage(filled: Tables, backups: Backups) -> None:
    manifests = backups.take()

    def remove_others(event: Event) -> None:
        if isinstance(event, BackupVerified):
            for manifest in manifests:
                if manifest.backup_id != event.id:
                    backups.store.remove(manifest)

    found = verify_every(filled.service.backend, backups.store, filled.service.catalog, "test", remove_others)
    assert len(found) == 1


@pytest.mark.parametrize("moment", ["manifest", "file"])
def test_a_backup_that_is_removed_while_it_is_verified_is_unknown(
    filled: Tables, backups: Backups, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    (manifest,) = backups.take("jobs")
    inner = BackupStore._read if moment == "manifest" else BackupStore.path

    def remove_first(self: BackupStore, of: Any) -> Any:
        monkeypatch.undo()
        self.remove(manifest)
        return inner(self, of)

    monkeypatch.setattr(BackupStore, inner.__name__, remove_first)
    with pytest.raises(BackupUnknown):
        backups.verify(manifest)
    assert list_backups(filled.service.backend, backups.store) == ([], [])


def test_a_folder_that_cannot_be_read_is_no_empty_one(filled: Tables, backups: Backups, tmp_path: Path) -> None:
    backups.take()
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    (tmp_path / "file").touch()
    for name in ("nowhere", "file"):
        with pytest.raises(BackupsUnreadable):
            BackupStore(tmp_path / name).ids()


def test_what_other_users_left_keeps_nobody_from_backing_up(
    filled: Tables, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that this user must not read, and a file that it must not remove."""
    (kept,) = backups.take("jobs")
    (backups.folder / "departments").mkdir()
    left = backups.folder / "jobs" / ".jobs-20200101T000000000000-00000000.avro.part"
    left.touch()
    read, remove = Path.iterdir, Path.unlink

    def read_none(path: Path) -> Any:
        if path.name == "departments":
            raise PermissionError(errno.EACCES, "Permission denied")
        return read(path)

    def remove_none(path: Path, **how: bool) -> None:
        if path == left:
            raise PermissionError(errno.EACCES, "Permission denied")
        remove(path, **how)

    monkeypatch.setattr(Path, "iterdir", read_none)
    monkeypatch.setattr(Path, "unlink", remove_none)
    (taken,) = backups.take("jobs")
    assert backups.store.listing("jobs").backups == [taken, kept]
    for look in (backups.store.ids, backups.store.listing):
        with pytest.raises(BackupsUnreadable, match=r"Cannot read .*departments: Permission denied"):
            look()


def test_a_backup_that_is_removed_before_it_is_sent_is_sent_whole(filled: Tables, tmp_path: Path) -> None:
    settings = replace(filled.service.settings, backup_dir=tmp_path / "backups")
    service = Service(settings)
    backups = Backups(filled.service, settings.backup_dir)
    (manifest,) = backups.take(EMPLOYEES)
    answer = download_backup(manifest.backup_id, service)
    backups.store.remove(manifest)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nobody asks")

    asyncio.run(
        answer({"type": "http", "method": "GET", "headers": [], "asgi": {"spec_version": "2.4"}}, receive, send)
    )
    assert hashlib.sha256(b"".join(message.get("body", b"") for message in sent)).hexdigest() == manifest.sha256
    service.backend.engine.dispose()


def test_a_snapshot_is_listed_whole_where_backups_are_removed(filled: Tables, backups: Backups) -> None:
    old = backups.take()
    written = threading.Event()

    def tell(event: Event) -> None:
        if isinstance(event, BackupWritten) and event.table == EMPLOYEES:
            written.set()

    with ThreadPoolExecutor(1) as worker:
        with hold_folder(backups.folder):
            new = worker.submit(backups.take, observe=tell)
            assert written.wait(30)
            assert len(backups.store.ids()) == len(old)
        assert len(new.result(30)) == len(old)
    assert len(backups.store.ids()) == 2 * len(old)
