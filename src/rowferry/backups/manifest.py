"""The manifest of a backup: what its file must be, and a hash of that, so that no part of it can be changed alone."""

import datetime as dt
import hashlib
import json
import re
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

import numpy as np

from rowferry.avro.codecs import CODECS
from rowferry.avro.reader import Seal
from rowferry.dictionary.avro_schema import avro_name, canonical

FORMAT_VERSION = 1

_CHECKSUMS = re.compile(r"(?:[0-9a-f]{8})+")
_HASH = re.compile(r"[0-9a-f]{64}")
_SNAPSHOT_ID = re.compile(r"snapshot-[0-9]{8}T[0-9]{12}-[0-9a-f]{8}")
_BACKUP_ID = re.compile(r"(?P<table>[A-Za-z_][A-Za-z0-9_]*)-[0-9]{8}T[0-9]{12}-[0-9a-f]{8}")
_MOST = 2**63 - 1

_MOST_LETTERS = 192
"""So long is the name of a folder at most: those of its files are up to 63 letters longer."""


class UnsoundManifestError(ValueError):
    """A manifest is not one, or was changed; the message says why."""


@dataclass(frozen=True)
class Manifest:
    """What a backup is: of which table, from which moment, and what its file must be.

    `block_crc32s` are the checksums of the file's header and of each of its blocks, 8 hexadecimal digits each: they
    tell where a file is damaged.
    """

    backup_id: str
    snapshot_id: str
    table: str
    created_at: str
    rowferry_version: str
    database: str
    schema_sha256: str
    codec: str
    rows: int
    bytes: int
    sha256: str
    block_crc32s: str
    format_version: int = FORMAT_VERSION
    manifest_sha256: str = ""

    @property
    def seal(self) -> Seal:
        crc32s = np.frombuffer(bytearray.fromhex(self.block_crc32s), dtype=">u4")
        return Seal(self.bytes, self.sha256, self.schema_sha256, self.rows, tuple(crc32s.tolist()))

    @property
    def created(self) -> dt.datetime:
        return dt.datetime.fromisoformat(self.created_at)

    def as_dict(self) -> dict[str, Any]:
        """What people and programs are shown: all fields but the checksums of the blocks."""
        values = asdict(self)
        del values["block_crc32s"]
        return {"format_version": values.pop("format_version"), **values}

    def sealed(self) -> Self:
        """The same with its own hash."""
        return replace(self, manifest_sha256=self.own_hash)

    @property
    def own_hash(self) -> str:
        values = asdict(self)
        del values["manifest_sha256"]
        return hashlib.sha256(canonical(values).encode()).hexdigest()


def spell_manifest(manifest: Manifest) -> bytes:
    """The text of its file."""
    values = {**manifest.as_dict(), "block_crc32s": manifest.block_crc32s}
    return (json.dumps(values, indent=1, ensure_ascii=False) + "\n").encode()


def read_manifest(text: bytes, backup_id: str) -> Manifest:
    """The manifest of the backup with this id.

    Raises:
        UnsoundManifestError: It is another one's, or has been changed, or is none at all.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnsoundManifestError("it is not JSON") from error
    if not isinstance(values, dict) or values.get("format_version") != FORMAT_VERSION:
        raise UnsoundManifestError(f"its format version is not {FORMAT_VERSION}")
    _require_types(values)
    found = Manifest(**values)
    _require_sense(found)
    if found.backup_id != backup_id:
        raise UnsoundManifestError(f"it belongs to {found.backup_id}")
    if found.own_hash != found.manifest_sha256:
        raise UnsoundManifestError("it was changed: its hash does not match the rest")
    return found


def folder_of(table: str) -> str:
    """The folder of a table, by which its backups are called: its name as Avro spells it.

    Where file systems do not take what follows from that (255 bytes), its end is a hash of the name instead.
    """
    name = avro_name(table)
    if len(name) <= _MOST_LETTERS:
        return name
    mark = hashlib.sha256(table.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{name[: _MOST_LETTERS - len(mark) - 1]}_{mark}"


def table_of(backup_id: str) -> str | None:
    """The folder of the table in a backup's id; None if it is no such id."""
    found = _BACKUP_ID.fullmatch(backup_id) if len(backup_id) <= 300 else None
    return found["table"] if found else None


def _require_types(values: dict[str, Any]) -> None:
    wanted = {field.name: field.type for field in fields(Manifest)}
    if values.keys() != wanted.keys():
        raise UnsoundManifestError("a field is missing or not expected")
    for name, kind in wanted.items():
        if type(values[name]) is not kind:
            raise UnsoundManifestError(f"{name} has the wrong type")


def _require_sense(found: Manifest) -> None:
    hashes = (found.schema_sha256, found.sha256, found.manifest_sha256)
    checks = {
        "backup_id": table_of(found.backup_id) is not None and table_of(found.backup_id) == folder_of(found.table),
        "snapshot_id": bool(_SNAPSHOT_ID.fullmatch(found.snapshot_id)),
        "created_at": _is_instant(found.created_at),
        "codec": found.codec in CODECS,
        "rows": 0 <= found.rows <= _MOST,
        "bytes": 0 <= found.bytes <= _MOST,
        "block_crc32s": bool(_CHECKSUMS.fullmatch(found.block_crc32s)),
        "sha256": all(_HASH.fullmatch(value) for value in hashes),
    }
    if wrong := [name for name, good in checks.items() if not good]:
        raise UnsoundManifestError(f"{', '.join(wrong)} cannot be right")


def _is_instant(text: str) -> bool:
    try:
        return dt.datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
