"""What the API answers about backups, as Pydantic models."""

import datetime as dt
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

BACKUP_ID = "hired_employees-20260722T120000123456-1f3c5d7e"

_MANIFEST = {
    "format_version": 1,
    "backup_id": BACKUP_ID,
    "snapshot_id": "snapshot-20260722T120000120000-0a1b2c3d",
    "table": "hired_employees",
    "created_at": "2026-07-22T12:00:00.223456Z",
    "rowferry_version": "0.1.0",
    "database": "postgresql",
    "schema_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "codec": "deflate",
    "rows": 1929,
    "bytes": 31349,
    "sha256": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    "manifest_sha256": "fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9",
}
_NOTES: dict[str, Any] = {"notes": []}
_VERIFIED = {"verified_at": "2026-07-23T03:00:00.000000+00:00", "damage": None}


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [values]})


class ManifestAnswer(BaseModel):
    """What a backup contains, when it was taken, and what its file must be."""

    model_config = _example(**_MANIFEST)

    format_version: int
    backup_id: str
    snapshot_id: str = Field(description="Backups with the same snapshot id are of the same moment")
    table: str
    created_at: dt.datetime
    rowferry_version: str
    database: str
    schema_sha256: str = Field(description="The hash of the file's Avro schema in canonical form")
    codec: str
    rows: int
    bytes: int
    sha256: str = Field(description="The hash of the whole file")
    manifest_sha256: str = Field(description="The hash of the manifest's other fields")


class BackupAnswer(ManifestAnswer):
    """A backup, and the result of its last verification."""

    model_config = _example(**_MANIFEST, **_VERIFIED)

    verified_at: dt.datetime | None = Field(description="Null if it has never been verified")
    damage: str | None = Field(description="What was wrong with the file; null if nothing was")


class WrittenAnswer(ManifestAnswer):
    """A backup that was just written, and what should be known of it."""

    model_config = _example(**_MANIFEST, **_NOTES)

    notes: list[str] = Field(default=[], description="Remarks about the table, such as columns that its class lacks")


class BackupsAnswer(BaseModel):
    """The backups of one snapshot, parents first."""

    model_config = _example(backups=[_MANIFEST | _NOTES])

    backups: list[WrittenAnswer]
