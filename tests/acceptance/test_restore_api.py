"""`POST /restore-table/{table}` and the history of restores, as a client of the API meets them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_server import serve

from rowferry.backups.manifest import Manifest
from rowferry.backups.store import BackupStore
from rowferry.bootstrap import Service
from rowferry.operations.backup_table import BackupOptions, backup_table
from rowferry.settings import read_settings

COUNTS = ("added", "changed", "removed", "unchanged", "rejected")


@pytest.fixture
def client(database_url: str, globant: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    monkeypatch.setenv("BACKUP_DIR", str(tmp_path / "backups"))
    with serve(database_url, globant, tmp_path / "logs") as client:
        client.post("/full-bulk-insert").raise_for_status()
        yield client


def back_up(database_url: str, tmp_path: Path, *tables: str) -> list[Manifest]:
    service = Service(read_settings(database_url))
    rules = [rules_of_table for rules_of_table in service.catalog if not tables or rules_of_table.name in tables]
    try:
        store, options = BackupStore(tmp_path / "backups"), BackupOptions("test")
        return backup_table(service.backend, store, rules, options, lambda _event: None)
    finally:
        service.backend.engine.dispose()


def counts(answer: dict[str, Any]) -> list[int]:
    return [answer[count] for count in COUNTS]


def test_restore_by_http(client: httpx.Client, database_url: str, tmp_path: Path) -> None:
    backups = {manifest.table: manifest.backup_id for manifest in back_up(database_url, tmp_path)}
    client.post("/batch-transactions?on_conflict=update", json={"jobs": [{"id": 1, "job": "Pilot"}]})
    client.post("/batch-transactions", json={"jobs": [{"id": 500, "job": "Stoker"}]})
    rehearsed = client.post("/restore-table/jobs?dry_run=true").raise_for_status().json()
    assert counts(rehearsed) == [0, 1, 1, 182, 0]
    assert rehearsed["tables"][0]["examples"]["removed"] == [{"id": 500}]
    done = client.post("/restore-table/jobs").raise_for_status().json()
    assert counts(done) == counts(rehearsed)
    assert done["tables"][0]["backup_id"] == backups["jobs"]
    assert counts(client.post(f"/restore-table/jobs?backup_id={backups['jobs']}").json()) == [0, 0, 0, 183, 0]
    listed = client.get("/restores?limit=1").json()
    assert len(listed["items"]) == 1
    assert client.get(listed["next"]).json()["items"][0]["restore_id"] == done["restore_id"]
    assert counts(client.get(f"/restores/{done['restore_id']}").json()) == counts(done)
    assert client.get(f"/restores/{done['restore_id']}/rejects").json() == {"items": [], "next": None}


def test_what_stands_in_the_way_is_a_problem(client: httpx.Client, database_url: str, tmp_path: Path) -> None:
    back_up(database_url, tmp_path, "jobs")
    employee = {"id": 9000, "name": "New", "datetime": "2021-01-01T00:00Z", "department_id": 1, "job_id": 500}
    batch = {"jobs": [{"id": 500, "job": "Stoker"}], "hired_employees": [employee]}
    assert client.post("/batch-transactions", json=batch).status_code == 201
    rehearsed = client.post("/restore-table/jobs?dry_run=true")
    assert (rehearsed.status_code, rehearsed.json()["status"]) == (200, "refused")
    answer = client.post("/restore-table/jobs")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "restore.blocked")
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["obstacles"][0]["examples"] == [{"id": 500}]
    assert client.get(f"/restores/{problem['restore_id']}").json()["status"] == "refused"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/restore-table/nothing", 404, "table.unknown"),
        ("POST", "/restore-table/jobs", 404, "restore.no_backup"),
        ("POST", "/restore-table/jobs?backup_id=%2Fetc%2Fpasswd", 404, "backup.unknown"),
        ("POST", "/restore-table/jobs?backup_id=..%2Fx.avro", 404, "backup.unknown"),
        ("POST", "/restore-table/jobs?backup_id=%00", 404, "backup.unknown"),
        ("POST", "/restore-table/jobs?backup_id=jobs-20260101T000000000000-00000000", 404, "backup.unknown"),
        ("POST", "/restore-table/jobs?unverified=true", 422, "request.invalid"),
        ("GET", "/restores/nope", 404, "restore.unknown"),
        ("GET", "/restores/%00/rejects", 404, "restore.unknown"),
        ("GET", "/restores?before=%00", 422, "request.invalid"),
    ],
)
def test_mistakes_are_problems(client: httpx.Client, method: str, path: str, status: int, code: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
