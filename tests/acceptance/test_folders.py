"""Folders that vanish, must not be used or fill under a service: it says which, and goes on once they are back."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from serving import Served, served

from batching import company, employee
from command_server import run_text
from rowferry.backups.store import UnfinishedSnapshot
from rowferry.errors import FileUnwritable

ROWFERRY = str(Path(sys.executable).with_name("rowferry"))

AS_OTHERS = [] if os.geteuid() else ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]

# Whoever is not root may mount something as the root of a name space of users.
ALONE = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else [])]
ON_SMALL_DISK = [*ALONE, "sh", "-c", 'mount -t tmpfs -o size=4m none "$SMALL" && mkdir "$SMALL/tmp" && exec "$@"', "sh"]

FOLDERS = {"BACKUP_DIR": "backups", "TMPDIR": "tmp", "DATA_DIR": "data", "LOG_DIR": "logs", "database": "db"}


def batch(client: httpx.Client, number: int = 1) -> httpx.Response:
    return client.post("/batch-transactions", json=company([employee(number)]), params={"on_conflict": "skip"})


PRUNE = ["backups", "prune", "--keep-last", "1"]

WORK: dict[str, Callable[[httpx.Client], httpx.Response]] = {
    "BACKUP_DIR": lambda client: client.post("/backup-table/jobs"),
    "TMPDIR": lambda client: client.post("/full-bulk-insert/jobs", content="9,New\n"),
    "DATA_DIR": lambda client: client.post("/full-bulk-insert"),
    "LOG_DIR": batch,
    "database": batch,
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "place"
    for name in ("data", "db"):
        (place / name).mkdir(parents=True)
    (place / "data" / "jobs.csv").write_text("1,Clerk\n")
    return place


@pytest.fixture
def running(place: Path) -> Iterator[Served]:
    with served(f"sqlite:///{place}/db/a.db", place, through=AS_OTHERS, BACKUP_DIR=str(place / "backups")) as service:
        for work in WORK.values():
            assert work(service.client).is_success, service.log
        yield service
        assert "Traceback" not in service.log


@pytest.fixture
def environment(place: Path) -> dict[str, str]:
    folders = {"BACKUP_DIR": str(place / "backups"), "LOG_DIR": str(place / "logs")}
    return os.environ | folders | {"SQLALCHEMY_DATABASE_URL": f"sqlite:///{place}/db/a.db"}


def assert_told(answer: httpx.Response, folder: Path, *statuses: int) -> None:
    told = answer.json()
    assert answer.status_code in (statuses or (503,)), told
    assert str(folder) in told["detail"], told
    assert told["hint"], told


def assert_told_by(service: Served, name: str, folder: Path) -> None:
    """What does not need the folder goes on; what does says which it is, and so does /readyz, until it is back."""
    assert_told(service.client.get("/readyz"), folder)
    answer = WORK[name](service.client)
    if name == "LOG_DIR":
        assert answer.is_success
        at = f"/backups/{service.client.get('/backups').json()['items'][0]['backup_id']}"
        assert service.client.post(f"{at}/verify").is_success  # whose log was never opened before
    else:
        assert_told(answer, folder)


def assert_back(service: Served, *names: str) -> None:
    service.wait_until_ready()
    for name in names:
        answer = WORK[name](service.client)
        assert answer.is_success, answer.text


@pytest.mark.parametrize("left", ["nothing", "a file"])
def test_folders_that_vanish_are_named_until_they_are_back(running: Served, place: Path, left: str) -> None:
    for name, path in FOLDERS.items():
        folder, aside = place / path, place / "aside"
        folder.rename(aside)
        if left == "a file":
            folder.touch()
        assert_told_by(running, name, folder)
        assert left == "a file" or not folder.exists()
        folder.unlink(missing_ok=True)
        aside.rename(folder)
        assert_back(running, name)


@pytest.mark.parametrize("mode", [0, 0o500])
def test_folders_without_permission_are_named_until_it_is_given(running: Served, place: Path, mode: int) -> None:
    for name in FOLDERS if mode == 0 else ("TMPDIR", "database"):
        folder = place / FOLDERS[name]
        folder.chmod(mode)
        try:
            assert_told(running.client.get("/readyz"), folder)
            if mode == 0:
                assert_told_by(running, name, folder)
            else:  # files that are there may be written, and a load needs new ones
                assert_told(WORK["TMPDIR"](running.client), folder)
        finally:
            folder.chmod(0o700)
        assert_back(running, name)


def test_folders_that_are_full_are_named_until_there_is_room(tmp_path: Path, place: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    backups, tmp, logs = (str(small / name) for name in ("backups", "tmp", "logs"))
    database = f"sqlite:///{small}/a.db"
    with served(
        database, place, through=ON_SMALL_DISK, SMALL=str(small), BACKUP_DIR=backups, TMPDIR=tmp, LOG_DIR=logs
    ) as service:
        assert_back(service, *WORK)
        seen = Path(f"/proc/{service.process.pid}/root{small}")  # it is mounted for that process alone
        fill(seen / "fill")
        for folder in (backups, tmp, logs):
            assert_told(service.client.get("/readyz"), Path(folder))
        assert_told(WORK["BACKUP_DIR"](service.client), small / "backups", 507)
        assert_told(WORK["TMPDIR"](service.client), small / "tmp", 507)
        assert_told(service.client.post("/batch-transactions", json=many_jobs()), small, 507)
        (seen / "fill").unlink()
        assert_back(service, *WORK)
        assert service.client.post("/batch-transactions", json=many_jobs()).status_code == 201
        assert "Traceback" not in service.log


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def many_jobs() -> dict[str, object]:
    """More than what is left of a page."""
    return {"jobs": [{"id": number, "job": f"{number} {'x' * 200}"} for number in range(100, 1_000)]}


def run(environment: dict[str, str], *words: str) -> tuple[int, dict[str, Any]]:
    ran = run_text(*words, "--json", env=environment)
    assert ran.stderr == ""
    return ran.returncode, json.loads(ran.stdout)


@pytest.mark.parametrize("left", ["nothing", "an empty folder", "another volume"])
def test_a_folder_of_backups_that_is_lost_is_not_made_anew(running: Served, place: Path, left: str) -> None:
    folder, client = place / "backups", running.client
    [backup] = client.get("/backups").json()["items"]
    folder.rename(place / "aside")
    if left != "nothing":
        (folder / "lost+found" if left == "another volume" else folder).mkdir(parents=True)
    before = list(place.glob("backups/*"))
    at = f"/backups/{backup['backup_id']}"
    for answer in (
        client.get("/readyz"),
        client.post("/backup-table"),
        client.get("/backups"),
        client.get(at),
        client.get(f"{at}/file"),
        client.post(f"{at}/verify"),
        client.delete(at, params={"even_last": True}),
        client.post("/restore-table/jobs"),
        client.post("/restore-table/jobs", params={"backup_id": backup["backup_id"]}),
    ):
        assert_told(answer, folder)
        assert answer.json()["code"] == "backup.gone"
        assert f"mkdir -p {folder}/jobs" in answer.json()["hint"]
    assert list(place.glob("backups/*")) == before
    (folder / "jobs").mkdir(parents=True)  # as the hint says
    assert client.post("/backup-table").status_code == 201
    running.wait_until_ready()


def test_commands_do_not_make_a_folder_anew_that_is_lost(place: Path, environment: dict[str, str]) -> None:
    folder = place / "backups"
    [backup] = run(environment, "backup", "jobs")[1]["backups"]
    folder.rename(place / "aside")
    for words in (
        ["backup"],
        ["backups"],
        PRUNE,
        ["verify", "--all"],
        ["verify", backup["backup_id"]],
        ["restore", "jobs"],
    ):
        code, told = run(environment, *words)
        assert (code, told["error"]["code"]) == (3, "backup.gone")
        assert f"mkdir -p {folder}/jobs" in told["error"]["hint"]
    assert not folder.exists()
    (folder / "jobs").mkdir(parents=True)
    assert run(environment, "backup")[0] == 0


@pytest.fixture
def another(environment: dict[str, str], place: Path) -> dict[str, str]:
    """The environment of another database, with the same folder of backups."""
    another = environment | {"SQLALCHEMY_DATABASE_URL": f"sqlite:///{place}/db/b.db"}
    for surroundings in (environment, another):
        assert run(surroundings, "db", "upgrade")[0] == 0
    return another


def test_the_volume_of_another_database_is_not_taken_for_ours(
    running: Served, environment: dict[str, str], another: dict[str, str], place: Path
) -> None:
    folder, client = place / "backups", running.client
    [backup] = client.get("/backups").json()["items"]
    folder.rename(place / "aside")
    assert run(another, "backup")[0] == 0  # all of its tables, so that ours have folders, too
    before = sorted(folder.rglob("*"))
    for answer in (client.get("/readyz"), client.post("/backup-table"), client.post("/restore-table/jobs")):
        assert_told(answer, folder)
        assert answer.json()["code"] == "backup.of_another_database"
    for words in (["backup"], ["backups"], ["verify", "--all"], ["restore", "jobs"]):
        code, told = run(environment, *words)
        assert (code, told["error"]["code"]) == (3, "backup.of_another_database")
    assert sorted(folder.rglob("*")) == before
    hint = told["error"]["hint"].partition("adding a line to ")[2].partition(": ")[2]
    assert hint == f"echo {backup['backup_id']} >> {folder}/.databases"
    subprocess.run(hint, shell=True, check=True, timeout=60)
    assert client.post("/backup-table").status_code == 201
    running.wait_until_ready()
    assert run(another, "backup")[0] == 0


def test_databases_share_a_folder(environment: dict[str, str], another: dict[str, str], place: Path) -> None:
    named = place / "backups" / ".databases"
    ids = [
        run(surroundings, "backup", "jobs")[1]["backups"][0]["backup_id"] for surroundings in (environment, another) * 2
    ]
    assert named.read_text().splitlines()[1:] == ids[:2]
    # A version that named no database made these backups; then one of them makes another.
    named.unlink()
    [backup] = run(environment, "backup", "jobs")[1]["backups"]
    assert named.read_text().splitlines()[1:] == [backup["backup_id"]]
    assert len(run(another, "backups")[1]["backups"]) == 5
    [two] = run(another, "backup", "jobs")[1]["backups"]
    assert named.read_text().splitlines()[1:] == [backup["backup_id"], two["backup_id"]]


def test_databases_that_cannot_be_read_are_told(environment: dict[str, str], place: Path) -> None:
    assert run(environment, "backup", "jobs")[0] == 0
    named = place / "backups" / ".databases"
    named.rename(place / "aside")
    named.symlink_to(place / "aside")
    code, told = run(environment, "backups")
    assert (code, told["error"]["code"]) == (3, "backup.unreadable")
    assert str(named) in told["error"]["message"]


def test_backups_that_were_all_removed_are_not_lost(running: Served, environment: dict[str, str]) -> None:
    for backup in running.client.get("/backups").json()["items"]:
        assert running.client.delete(f"/backups/{backup['backup_id']}", params={"even_last": True}).status_code == 204
    assert running.client.get("/backups").json()["items"] == []
    running.wait_until_ready()
    assert run(environment, "backup", "jobs")[0] == 0


def test_a_folder_that_is_lost_in_the_middle_of_a_backup_is_not_made_anew(tmp_path: Path) -> None:
    folder, snapshot = tmp_path / "backups", UnfinishedSnapshot(tmp_path / "backups")
    with pytest.raises(FileUnwritable, match=r"Cannot write .*backups"), snapshot.writing():
        snapshot.add("departments")
        folder.rename(tmp_path / "aside")
        snapshot.add("jobs")
    assert not folder.exists()
