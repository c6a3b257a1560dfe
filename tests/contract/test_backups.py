"""Backups: what is written, what is proven, what is found damaged, and what stays."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import fastavro
import pytest
import sqlalchemy as sa

from avro_rows import read_avro
from backing_up import Backups, flip
from loading import Tables
from rowferry.avro.codecs import CODECS
from rowferry.avro.container import Header, spell_header
from rowferry.backups.manifest import spell_manifest
from rowferry.backups.store import UnfinishedSnapshot
from rowferry.bootstrap import Service
from rowferry.dictionary.avro_schema import schema_sha256
from rowferry.errors import (
    BackupDamaged,
    BackupUnknown,
    BackupUnrestorable,
    FileUnwritable,
    OptionInvalid,
)
from rowferry.events import (
    BackupFailed,
    BackupFinished,
    BackupStarted,
    BackupVerified,
    BackupWritten,
    RowsBackedUp,
    RowsVerified,
)
from rowferry.operations.list_backups import list_backups

EMPLOYEES = "hired_employees"
CONTRACT = [
    "format_version", "backup_id", "snapshot_id", "table", "created_at", "rowferry_version", "database",
    "schema_sha256", "codec", "rows", "bytes", "sha256",
]  # fmt: skip


@pytest.mark.parametrize("codec", sorted(CODECS))
def test_a_backup_has_every_row_by_key_and_proves_itself(filled: Tables, backups: Backups, codec: str) -> None:
    (manifest,) = backups.take(EMPLOYEES, codec=codec)
    rules = filled.service.catalog.table(EMPLOYEES)
    found = [tuple(row.values()) for row in read_avro(backups.path(manifest), rules, manifest.seal)]
    assert found == filled.rows(EMPLOYEES)
    assert manifest.rows == 5_000
    assert backups.verify(manifest).manifest == manifest


def test_files_are_where_the_contract_says(filled: Tables, backups: Backups) -> None:
    manifests = backups.take()
    assert [manifest.table for manifest in manifests] == filled.service.catalog.names
    assert len({manifest.snapshot_id for manifest in manifests}) == 1
    for manifest in manifests:
        path = backups.folder / manifest.table / f"{manifest.backup_id}.avro"
        assert path.stat().st_size == manifest.bytes
        written = json.loads(backups.manifest_path(manifest).read_text())
        assert list(written)[: len(CONTRACT)] == CONTRACT
        assert {**manifest.as_dict(), "block_crc32s": manifest.block_crc32s} == written
        assert manifest.as_dict()["format_version"] == 1
    assert len(backups.files()) == 6


def test_all_tables_are_of_one_moment(filled: Tables, backups: Backups) -> None:
    def write_meanwhile(event: object) -> None:
        if isinstance(event, BackupWritten) and event.table == "departments":
            filled.execute("INSERT INTO departments VALUES (9, 'New')")
            filled.execute("INSERT INTO hired_employees VALUES (9999, 'x', '2021-07-01 10:00:00', 9, 1)")

    rows = {manifest.table: manifest.rows for manifest in backups.take(observe=write_meanwhile)}
    assert rows == {"departments": 3, "jobs": 3, EMPLOYEES: 5_000}
    assert filled.count(EMPLOYEES) == 5_001


def test_an_empty_table_has_a_backup_too(service: Service, backups: Backups) -> None:
    (manifest,) = backups.take("jobs")
    assert manifest.rows == 0
    backups.verify(manifest)
    with backups.path(manifest).open("rb") as file:
        assert list(fastavro.reader(file)) == []


def test_what_happens_is_told(filled: Tables, backups: Backups) -> None:
    (manifest,) = backups.take("jobs")
    backups.verify(manifest)
    told = [event for event in backups.events if not isinstance(event, RowsBackedUp | RowsVerified)]
    assert [type(event) for event in told] == [BackupStarted, BackupWritten, BackupFinished, BackupVerified]
    assert told[1].rows == 3  # type: ignore[union-attr]
    assert told[2] == BackupFinished(manifest.snapshot_id, (manifest.backup_id,))


def test_a_failed_backup_leaves_nothing(filled: Tables, backups: Backups, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rowferry.avro.sink.MAX_INFLATED_BYTES", 1_000)
    with pytest.raises(Exception, match="longer than 1,000 bytes"):
        backups.take()
    assert backups.files() == []
    assert isinstance(backups.events[-1], BackupFailed)


def test_a_codec_that_is_not_known_is_refused(service: Service, backups: Backups) -> None:
    with pytest.raises(OptionInvalid):
        backups.take(codec="lzma")


def test_a_folder_that_cannot_be_written_is_told(service: Service, backups: Backups, tmp_path: Path) -> None:
    backups.folder.write_text("a file")
    with pytest.raises(FileUnwritable):
        backups.take("jobs")


def test_a_linked_folder_is_not_followed(service: Service, backups: Backups, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    backups.folder.mkdir()
    (backups.folder / "jobs").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileUnwritable, match="link"):
        backups.take("jobs")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_damage_is_named_by_file_byte_and_block(filled: Tables, backups: Backups) -> None:
    (manifest,) = backups.take(EMPLOYEES)
    path = backups.path(manifest)
    flip(path, path.stat().st_size // 2)
    with pytest.raises(BackupDamaged) as caught:
        backups.verify(manifest)
    assert path.name in caught.value.message
    assert caught.value.details["block"] == 1
    assert "at byte" in caught.value.message


def test_the_outcome_of_each_verification_is_kept(filled: Tables, backups: Backups) -> None:
    (manifest,) = backups.take("jobs")
    never, _ = list_backups(filled.service.backend, backups.store)
    assert (never[0]["verified_at"], never[0]["damage"]) == (None, None)
    backups.verify(manifest)
    good, _ = list_backups(filled.service.backend, backups.store)
    assert good[0]["verified_at"] is not None
    assert good[0]["damage"] is None
    flip(backups.path(manifest), -20)
    with pytest.raises(BackupDamaged):
        backups.verify(manifest)
    bad, _ = list_backups(filled.service.backend, backups.store)
    assert "block" in bad[0]["damage"]


def test_a_missing_file_is_damage(filled: Tables, backups: Backups) -> None:
    (manifest,) = backups.take("jobs")
    backups.path(manifest).unlink()
    with pytest.raises(BackupDamaged, match="No such file"):
        backups.verify(manifest)


@pytest.mark.parametrize(
    ("old", "new"),
    [('"rows": 3', '"rows": 4'), ('"table": "jobs"', '"table": "departments"'),
     ('"codec": "deflate"', '"codec": "null"'),
     ("{", "["), ('"rows": 3', '"rows": "3"'), ('"format_version": 1', '"format_version": 2'),
     ('"codec"', '"kodec"'), ('"rows": 3', '"rows": -3')],
)  # fmt: skip
def test_an_edited_manifest_is_damage(filled: Tables, backups: Backups, old: str, new: str) -> None:
    (manifest,) = backups.take("jobs")
    path = backups.manifest_path(manifest)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(BackupDamaged, match="manifest"):
        backups.verify(manifest)
    assert backups.store.listing().backups == []
    assert len(backups.store.listing().damaged) == 1


def test_a_manifest_that_was_written_anew_is_not_the_one_of_the_ledger(filled: Tables, backups: Backups) -> None:
    (manifest,) = backups.take("jobs")
    path = backups.manifest_path(manifest)
    text = path.read_text()
    forged = type(manifest)(**{**json.loads(text), "rows": 4}).sealed()
    values = {**forged.as_dict(), "block_crc32s": forged.block_crc32s}
    path.write_text(json.dumps(values))
    with pytest.raises(BackupDamaged, match="not the one that was written"):
        backups.verify(manifest)


@pytest.mark.parametrize(
    "backup_id",
    ["", "jobs", "../jobs", "jobs/../../x-20261122T235812027590-1ae96b3b", "..-20261122T235812027590-1ae96b3b",
     "jobs-20261122T235812027590-1ae96b3b", "jobs-20261122T235812027590-1ae96b3b\0", "j" * 5_000],
)  # fmt: skip
def test_an_id_leads_nowhere_else(service: Service, backups: Backups, backup_id: str) -> None:
    with pytest.raises(BackupUnknown):
        backups.store.find(backup_id)


def test_a_linked_file_is_not_followed(filled: Tables, backups: Backups, tmp_path: Path) -> None:
    (manifest,) = backups.take("jobs")
    path = backups.path(manifest)
    path.rename(tmp_path / "elsewhere.avro")
    path.symlink_to(tmp_path / "elsewhere.avro")
    with pytest.raises(BackupDamaged, match="link"):
        backups.verify(manifest)


def test_a_pipe_is_no_backup(filled: Tables, backups: Backups) -> None:
    (manifest,) = backups.take("jobs")
    path = backups.path(manifest)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(BackupDamaged, match="not a file"):
        backups.verify(manifest)


def test_left_overs_are_cleared_and_nothing_else(filled: Tables, backups: Backups) -> None:
    (manifest,) = backups.take("jobs")
    folder = backups.folder / "jobs"
    orphan = "jobs-20200101T000000000000-00000000"
    for name in (f"{orphan}.avro", f".{orphan}.avro.part", f".{orphan}.manifest.json-x_y"):
        (folder / name).write_text("left over")
    (folder / "notes.txt").write_text("somebody's")
    unfinished = UnfinishedSnapshot(backups.folder)
    with unfinished.writing():
        running = unfinished.add("jobs")
        running.file.write(b"under way")
        assert len(backups.store.clear()) == 3
        running.keep()
        assert backups.store.clear() == []
        assert f"{running.backup_id}.avro" in backups.files()
    assert backups.files() == sorted([f"{manifest.backup_id}.avro", f"{manifest.backup_id}.manifest.json", "notes.txt"])


def test_names_that_are_no_identifiers_are_spelled_out(new_service: Callable[..., Service], tmp_path: Path) -> None:
    service = new_service("odd_names")
    rules = service.catalog.table("odd names/ü")
    rows: list[dict[str, Any]] = [{"the key": "a", "100 %": 1}, {"the key": "b", "100 %": None}]
    with service.backend.engine.begin() as connection:
        connection.execute(sa.insert(rules.table), rows)
    backups = Backups(service, tmp_path / "backups")
    (manifest,) = backups.take()
    assert backups.path(manifest).parent.name == "odd_x20_names_x2f__xfc_"
    assert read_avro(backups.path(manifest), rules, manifest.seal) == rows
    backups.verify(manifest)


def test_the_right_seal_of_a_wrong_file_does_not_help(filled: Tables, backups: Backups) -> None:
    """A file that was no table's from the beginning: hash and schema are right, and still it cannot be restored."""
    (manifest,) = backups.take("jobs")
    schema = {"type": "record", "name": "jobs", "fields": [{"name": "x", "type": "int"}]}
    data = spell_header(Header(schema, "null", bytes(16)))
    backups.path(manifest).write_bytes(data)
    sha256, of_schema = hashlib.sha256(data).hexdigest(), schema_sha256(schema)
    forged = replace(manifest, bytes=len(data), sha256=sha256, schema_sha256=of_schema, rows=0).sealed()
    backups.manifest_path(manifest).write_bytes(spell_manifest(forged))
    filled.execute(f"DELETE FROM {filled.of_ledger('backups')}")
    with pytest.raises(BackupUnrestorable, match="it has no id, which jobs requires"):
        backups.verify(manifest)


@pytest.mark.parametrize("change", [{"created_at": "yesterday"}, {"backup_id": "jobs-20200101T000000000000-00000000"}])
def test_a_manifest_must_make_sense(filled: Tables, backups: Backups, change: dict[str, str]) -> None:
    (manifest,) = backups.take("jobs")
    backups.manifest_path(manifest).write_bytes(spell_manifest(replace(manifest, **change).sealed()))  # type: ignore[arg-type]  # texts
    with pytest.raises(BackupDamaged, match="manifest is not valid"):
        backups.store.find(manifest.backup_id)
