"""A manifest that is a link, or no file, is named wherever its backup is asked for, and never passed over."""

import os
from pathlib import Path

import httpx
import pytest
from api_server import serve

KINDS = ["link", "dangling link", "folder", "pipe"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_manifest_that_is_no_file_is_named(tmp_path: Path, kind: str) -> None:
    with serve(f"sqlite:///{tmp_path}/a.db", tmp_path, tmp_path / "logs") as client:
        backup_id = client.post("/backup-table/jobs").json()["backup_id"]
        manifest = tmp_path / "backups" / "jobs" / f"{backup_id}.manifest.json"
        replace(manifest, kind)
        for answer in (client.get(f"/backups/{backup_id}"), client.post(f"/backups/{backup_id}/verify")):
            assert_named(answer, backup_id, kind)
        assert_named(client.post("/restore-table/jobs", params={"backup_id": backup_id}), backup_id, kind)


def replace(manifest: Path, kind: str) -> None:
    """Put something else where a manifest is."""
    if kind == "link":
        manifest.symlink_to(manifest.rename(manifest.with_name("elsewhere.json")))
        return
    manifest.unlink()
    if kind == "dangling link":
        manifest.symlink_to("nowhere")
    elif kind == "folder":
        manifest.mkdir()
    else:
        os.mkfifo(manifest)


def assert_named(answer: httpx.Response, backup_id: str, kind: str) -> None:
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "backup.damaged")
    assert f"{backup_id}.manifest.json" in problem["detail"]
    assert ("is a link" if "link" in kind else "is not a file") in problem["detail"]
