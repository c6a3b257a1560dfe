"""Which backup a restore takes where nobody says which: clocks that were wrong, and backups removed meanwhile."""

import datetime as dt
from pathlib import Path

import pytest

from backing_up import Backups
from loading import Tables, employees
from rowferry import ledger
from rowferry.errors import ParentsNotBackedUp
from rowferry.operations.restore_receipt import RestoreOptions
from rowferry.operations.restore_sources import RestoreFinder, RestoreSource
from rowferry.streams.backup_store import BackupStore
from rowferry.streams.manifest import Manifest

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
            store.remove(next(one for one in old if one.table == removed))
        return found

    monkeypatch.setattr(BackupStore, "listing", take_and_remove)
    found = find(backups, EMPLOYEES, with_parents=True)
    assert {one.backup_id for one in found}.isdisjoint(one.backup_id for one in old)


def test_parents_of_the_newest_that_were_not_backed_up_are_told(backups: Backups) -> None:
    backups.take()
    backups.take(EMPLOYEES)
    with pytest.raises(ParentsNotBackedUp):
        find(backups, EMPLOYEES, with_parents=True)
