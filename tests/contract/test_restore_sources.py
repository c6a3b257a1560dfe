"""Which backup a restore takes where nobody says which: clocks that were wrong, and backups removed meanwhile."""

import datetime as dt
from pathlib import Path

import pytest

from backing_up import Backups, flip
from loading import Tables, employees
from rowferry import ledger
from rowferry.backups.manifest import Manifest
from rowferry.backups.store import BackupStore
from rowferry.errors import BackupMissing, ParentsNotBackedUp
from rowferry.operations.restore_receipt import RestoreOptions
from rowferry.operations.restore_sources import RestoreFinder, RestoreSource

EMPLOYEES = "hired_employees"


@pytest.fixture
def backups(tables: Tables, tmp_path: Path) -> Backups:
    tables.with_parents().put("hired_employees.csv", employees(100))
    return Backups(tables.service, tmp_path / "backups")


def find(backups: Backups, table: str = "jobs", **options: bool) -> list[RestoreSource]:
    service = backups.service
    finder = RestoreFinder(service.backend, backups.store, service.catalog)
    return finder.find(service.catalog.table(table), None, RestoreOptions(**options))


def take_at(backups: Backups, monkeypatch: pytest.MonkeyPatch, apart: dt.timedelta) -> Manifest:
    """A backup that is made while the clock is wrong."""
    with monkeypatch.context() as wrong:
        wrong.setattr(ledger, "now", lambda: dt.datetime.now(dt.UTC) + apart)
        return backups.take("jobs")[0]


def test_what_is_dated_in_the_future_is_taken_last_and_named(backups: Backups, monkeypatch: pytest.MonkeyPatch) -> None:
    later = take_at(backups, monkeypatch, dt.timedelta(days=400))
    assert (find(backups)[0].backup_id, find(backups)[0].passed_over) == (later.backup_id, {})
    (today,) = backups.take("jobs")
    found = find(backups)[0]
    assert found.backup_id == today.backup_id
    assert list(found.passed_over) == [later.backup_id]
    assert "dated in the future" in found.passed_over[later.backup_id]


def test_clocks_may_be_a_little_apart(backups: Backups, monkeypatch: pytest.MonkeyPatch) -> None:
    backups.take("jobs")
    ahead = take_at(backups, monkeypatch, dt.timedelta(minutes=1))
    assert (find(backups)[0].backup_id, find(backups)[0].passed_over) == (ahead.backup_id, {})


@pytest.mark.parametrize("removed", ["jobs", EMPLOYEES])
def test_backups_that_are_removed_meanwhile_make_way_for_newer_ones(
    backups: Backups, monkeypatch: pytest.MonkeyPatch, removed: str
) -> None:
    old = backups.take()
    look = BackupStore.listing

    def take_and_remove(store: BackupStore, table: str | None = None) -> object:
        found = look(store, table)
        if table == EMPLOYEES:
            monkeypatch.undo()
            backups.take()
            store.remove(next(backup for backup in old if backup.table == removed))
        return found

    monkeypatch.setattr(BackupStore, "listing", take_and_remove)
    found = find(backups, EMPLOYEES, with_parents=True)
    assert {backup.backup_id for backup in found}.isdisjoint(backup.backup_id for backup in old)


def test_parents_that_were_not_backed_up_are_told(backups: Backups) -> None:
    backups.take(EMPLOYEES)
    newest = backups.take("departments", EMPLOYEES)[-1]
    with pytest.raises(
        ParentsNotBackedUp, match=f"backup of jobs from the same snapshot as {newest.backup_id}"
    ) as told:
        find(backups, EMPLOYEES, with_parents=True)
    assert "backups --json" in told.value.advice
    # ... and only if nothing else is wrong with any of them
    flip(backups.path(newest), -20)
    damage(backups.manifest_path(newest))
    with pytest.raises(BackupMissing, match=f"{newest.backup_id}.*not valid.*; There is no good backup of departments"):
        find(backups, EMPLOYEES, with_parents=True)


def test_a_folder_without_backups_is_named(backups: Backups) -> None:
    with pytest.raises(BackupMissing, match=f"no good backup of jobs: there is none in {backups.store.folder}") as told:
        find(backups)
    assert "BACKUP_DIR" in told.value.advice


def test_with_parents_the_newest_snapshot_that_has_them_good_is_taken(backups: Backups) -> None:
    whole = backups.take()
    orphan = backups.take("departments", EMPLOYEES)[-1]
    unsound, _, lost = backups.take()
    damage(backups.manifest_path(unsound))
    departments, _, bereft = backups.take()
    flip(backups.path(departments), -20)
    found = find(backups, EMPLOYEES, with_parents=True)
    assert [backup.backup_id for backup in found] == [backup.backup_id for backup in whole]
    told = found[-1].passed_over
    assert list(told) == [bereft.backup_id, lost.backup_id, orphan.backup_id]
    assert told[bereft.backup_id].startswith(f"{bereft.backup_id} has no good backups of its parents: departments-")
    assert told[lost.backup_id].startswith("There is no good backup of departments from the same snapshot")
    assert told[orphan.backup_id].startswith("There is no good backup of jobs from the same snapshot")
    assert find(backups, EMPLOYEES)[0].backup_id == bereft.backup_id


def test_one_that_is_removed_while_it_is_verified_is_not_told(
    backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = (backups.take("jobs")[0] for _ in range(2))
    look = BackupStore.find

    def remove_first(store: BackupStore, backup_id: str) -> Manifest:
        monkeypatch.undo()
        store.remove(new)
        return look(store, backup_id)

    monkeypatch.setattr(BackupStore, "find", remove_first)
    found = find(backups)[0]
    assert (found.backup_id, found.passed_over) == (old.backup_id, {})


def test_a_damaged_manifest_is_told_if_its_backup_is_newer(backups: Backups) -> None:
    older, good, newer = (backups.take("jobs")[0] for _ in range(3))
    for manifest in (older, newer):
        damage(backups.manifest_path(manifest))
    found = find(backups)[0]
    assert found.backup_id == good.backup_id
    assert list(found.passed_over) == [newer.backup_id]
    assert "the manifest is not valid" in found.passed_over[newer.backup_id]
    backups.store.remove(good)
    with pytest.raises(BackupMissing, match=f"{older.backup_id}.*not valid.*; .*{newer.backup_id}.*not valid"):
        find(backups)


def test_what_may_have_come_after_a_wrong_date_is_told(backups: Backups, monkeypatch: pytest.MonkeyPatch) -> None:
    (damaged,) = backups.take("jobs")
    later = take_at(backups, monkeypatch, dt.timedelta(days=400))
    damage(backups.manifest_path(damaged))
    found = find(backups)[0]
    assert found.backup_id == later.backup_id
    assert list(found.passed_over) == [damaged.backup_id]


def damage(manifest: Path) -> None:
    """Change what a manifest says."""
    text = manifest.read_text()
    assert '"rows": ' in text
    manifest.write_text(text.replace('"rows": ', '"rows": 1'))
