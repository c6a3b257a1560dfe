"""The hash that is taken of a backup while the database is being opened: it counts only for the file as it was then."""

import os
from pathlib import Path

import pytest

from backing_up import Backups, flip
from loading import Tables
from rowferry.avro.reader import AvroReader, FileState, KnownHash
from rowferry.backups.hashed_ahead import hashed_ahead
from rowferry.backups.store import BackupStore
from rowferry.errors import BackupMissing
from rowferry.operations.restore_receipt import RestoreOptions
from rowferry.operations.restore_sources import RestoreFinder

MORE_THAN_IS_HASHED_IN_TIME = 1 << 40


@pytest.fixture
def backups(tables: Tables, tmp_path: Path) -> Backups:
    tables.with_parents()
    return Backups(tables.service, tmp_path / "backups")


def state_of(path: Path) -> FileState:
    with AvroReader(path) as reader:
        return reader.state


def find(backups: Backups, known: KnownHash) -> str | None:
    service = backups.service
    finder = RestoreFinder(service.backend, backups.store, service.catalog, known)
    return finder.find(service.catalog.table("jobs"), None, RestoreOptions())[-1].backup_id


def test_it_is_that_of_the_backup_that_a_restore_takes(backups: Backups) -> None:
    (old,), (new,) = backups.take("jobs"), backups.take("jobs")
    with hashed_ahead(backups.store, "jobs", None) as known:
        assert known(state_of(backups.path(new))) == new.seal.sha256
        assert known(state_of(backups.path(old))) is None
        assert find(backups, known) == new.backup_id
    with hashed_ahead(backups.store, "jobs", old.backup_id) as known:
        assert known(state_of(backups.path(old))) == old.seal.sha256


def test_a_backup_that_is_damaged_or_replaced_once_it_was_hashed_is_passed_over(backups: Backups) -> None:
    for damage in (flip, replace):
        (old,), (new,) = backups.take("jobs"), backups.take("jobs")
        with hashed_ahead(backups.store, "jobs", None) as known:
            assert known(state_of(backups.path(new)))
            damage(backups.path(new), 100)
            assert find(backups, known) == old.backup_id


def replace(path: Path, at: int) -> None:
    """Put another file in the place of one, as large and as old."""
    stood = path.stat()
    other = path.with_suffix(".other")
    other.write_bytes(path.read_bytes())
    flip(other, at)
    os.utime(other, ns=(stood.st_atime_ns, stood.st_mtime_ns))
    other.replace(path)


def test_where_there_is_nothing_to_hash_the_restore_says_so(backups: Backups, tmp_path: Path) -> None:
    (only,) = backups.take("jobs")
    for store, backup_id in ((BackupStore(tmp_path / "nowhere"), None), (backups.store, "jobs-of-another-time")):
        with hashed_ahead(store, "jobs", backup_id) as known:
            assert known(state_of(backups.path(only))) is None
    backups.path(only).unlink()
    with hashed_ahead(backups.store, "jobs", None) as known, pytest.raises(BackupMissing):
        find(backups, known)


def test_who_leaves_does_not_wait_for_it(backups: Backups) -> None:
    (huge,) = backups.take("jobs")
    os.truncate(backups.path(huge), MORE_THAN_IS_HASHED_IN_TIME)
    with pytest.raises(KeyboardInterrupt), hashed_ahead(backups.store, "jobs", None):
        raise KeyboardInterrupt
