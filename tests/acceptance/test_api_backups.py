"""Backups over HTTP, as a client meets them."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import fastavro
import httpx
import pytest
from api_server import serve

from backing_up import flip
from loading import DEPARTMENTS, JOBS, employees


@pytest.fixture
def client(database_url: str, tmp_path: Path) -> Iterator[httpx.Client]:
    data = tmp_path / "data"
    data.mkdir()
    files = {"departments": DEPARTMENTS, "jobs": JOBS, "hired_employees": employees(100)}
    for table, content in files.items():
        (data / f"{table}.csv").write_text(content)
    with serve(database_url, data, tmp_path / "logs") as client:
        assert client.post("/full-bulk-insert").status_code == 200
        yield client


def test_back_up_verify_download_and_remove(client: httpx.Client) -> None:
    answer = client.post("/backup-table/hired_employees")
    assert answer.status_code == 201
    manifest = answer.json()
    assert manifest.pop("notes") == []
    assert (manifest["table"], manifest["rows"], manifest["codec"]) == ("hired_employees", 100, "deflate")
    place = answer.headers["Location"]
    assert client.get(place).json() == {**manifest, "verified_at": None, "damage": None}

    verified = client.post(f"{place}/verify").json()
    assert verified["damage"] is None
    assert client.get(place).json()["verified_at"] == verified["verified_at"]

    file = client.get(f"{place}/file")
    assert hashlib.sha256(file.content).hexdigest() == manifest["sha256"]
    assert file.headers["content-type"] == "application/vnd.apache.avro"
    assert len(list(fastavro.reader(io.BytesIO(file.content)))) == 100
    assert client.get(f"{place}/file", headers={"Range": "bytes=0-3"}).content == b"Obj\x01"

    for asked in ("bytes=999999-", "bytes=x", "rows=1-2"):
        answer = client.get(f"{place}/file", headers={"Range": asked})
        assert (answer.status_code, answer.json()["code"]) == (416, "request.range"), asked
        assert answer.headers["Content-Range"] == f"bytes */{manifest['bytes']}"

    refused = client.delete(place)
    assert (refused.status_code, refused.json()["code"]) == (409, "backup.needed")
    assert client.delete(place, params={"even_last": True}).status_code == 204
    assert client.get(place).json()["code"] == "backup.unknown"


def test_all_tables_come_from_one_snapshot(client: httpx.Client) -> None:
    answer = client.post("/backup-table", params={"codec": "zstandard"})
    assert answer.status_code == 201
    backups = answer.json()["backups"]
    assert [(backup["table"], backup["rows"]) for backup in backups] == [
        ("departments", 3), ("jobs", 3), ("hired_employees", 100)
    ]  # fmt: skip
    assert len({backup["snapshot_id"] for backup in backups}) == 1


def test_the_list_is_paged(client: httpx.Client) -> None:
    for _ in range(2):
        client.post("/backup-table")
    seen, url = [], "/backups?limit=4"
    while url:
        page = client.get(url).json()
        seen.append([backup["backup_id"] for backup in page["items"]])
        url = page["next"]
    assert [len(ids) for ids in seen] == [4, 2]
    assert len({backup_id for ids in seen for backup_id in ids}) == 6
    assert len(client.get("/backups", params={"table": "jobs"}).json()["items"]) == 2


def test_damage_is_answered_and_kept(client: httpx.Client, tmp_path: Path) -> None:
    place = client.post("/backup-table/hired_employees").headers["Location"]
    flip(next((tmp_path / "backups" / "hired_employees").glob("*.avro")), -30)
    problem = client.post(f"{place}/verify")
    assert (problem.status_code, problem.json()["code"]) == (409, "backup.damaged")
    assert "in block 1" in problem.json()["detail"]
    assert "in block 1" in client.get(place).json()["damage"]


@pytest.mark.parametrize("backup_id", ["x", "..%2F..%2Fetc%2Fpasswd", "jobs-20200101T000000000000-00000000", "%00"])
def test_what_is_no_backup_is_not_found(client: httpx.Client, backup_id: str) -> None:
    for method, path in [("GET", ""), ("GET", "/file"), ("POST", "/verify"), ("DELETE", "")]:
        assert client.request(method, f"/backups/{backup_id}{path}").status_code == 404


def test_wrong_requests_are_refused(client: httpx.Client) -> None:
    assert client.post("/backup-table/nothing").json()["code"] == "table.unknown"
    assert client.post("/backup-table/jobs", params={"codec": "lzma"}).status_code == 422
    assert client.get("/backups", params={"before": "x"}).status_code == 404
    assert client.get("/backups", params={"table": "nothing"}).status_code == 404


def test_all_methods_of_a_path_are_named_where_another_is_tried(client: httpx.Client) -> None:
    refused = client.put("/backups/x")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "DELETE, GET")
