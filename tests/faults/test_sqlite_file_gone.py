"""A SQLite file that is removed or replaced while something is at work in it: nothing of that work counts."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from backing_up import Backups
from loading import Tables, counts
from restoring import Restores
from rowferry.bootstrap import Service
from rowferry.errors import DatabaseFileGone
from rowferry.events import BackupWritten, Event, PublishStarted

pytestmark = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)

Spoil = Callable[[Path], None]
NewService = Callable[..., Service]


def remove(database: Path) -> None:
    database.unlink()


def replace(database: Path) -> None:
    shutil.copy(database, database.with_name("copy"))
    database.with_name("copy").rename(database)


def remove_log(database: Path) -> None:
    database.with_name(database.name + "-wal").unlink()


def at(kind: type[Event], spoil: Spoil, database: Path) -> Callable[[Event], None]:
    """Spoil the file when something happens."""

    def observe(event: Event) -> None:
        if isinstance(event, kind) and database.exists():
            spoil(database)

    return observe


@pytest.fixture
def database(service: Service) -> Path:
    return Path(str(service.settings.url.database))


@pytest.mark.parametrize("spoil", [remove, replace, remove_log])
def test_loads_and_restores(tables: Tables, database: Path, spoil: Spoil) -> None:
    tables.with_parents()
    restores = Restores(tables)
    kept = restores.back_up("jobs")
    with pytest.raises(DatabaseFileGone):
        tables.load(tables.write("jobs.csv", "9,New\n"), observe=at(PublishStarted, spoil, database))
    if spoil is not remove_log:
        assert database.exists() == (spoil is replace)
        return
    assert tables.count("jobs") == 3
    with pytest.raises(DatabaseFileGone):
        restores.restore(kept, observe=at(PublishStarted, spoil, database))
    assert tables.count("jobs") == 3
    assert counts(tables.put("jobs.csv", "9,New\n")) == (1, 1, 0, 0, 0)


@pytest.mark.parametrize("spoil", [remove, replace])
def test_backups(tables: Tables, backups: Backups, database: Path, spoil: Spoil) -> None:
    tables.with_parents()
    with pytest.raises(DatabaseFileGone):
        backups.take("jobs", observe=at(BackupWritten, spoil, database))
    assert backups.files() == []


def test_a_name_that_leads_to_another_file_by_now(new_service: NewService, tmp_path: Path) -> None:
    for name in ("one", "two"):
        new_service(url=f"sqlite:///{tmp_path}/{name}.db")
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "one.db")
    tables = Tables(new_service(url=f"sqlite:///{link}"), tmp_path)
    tables.put("jobs.csv", "1,One\n")
    link.unlink()
    link.symlink_to(tmp_path / "two.db")
    tables.put("jobs.csv", "2,Two\n")
    assert tables.rows("jobs") == [(2, "Two")]


def test_a_file_that_is_given_as_a_uri(new_service: NewService, tmp_path: Path) -> None:
    tables = Tables(new_service(url=f"sqlite:///file:{tmp_path}/a%20b.db?uri=true&mode=rwc"), tmp_path)
    assert counts(tables.put("jobs.csv", "1,One\n")) == (1, 1, 0, 0, 0)
    (tmp_path / "a b.db").unlink()
    with pytest.raises(DatabaseFileGone, match=r"a b\.db was removed"):
        tables.put("jobs.csv", "2,Two\n")
