"""Files that are damaged, or made to do harm, are refused: quickly, in little memory, before a row is used."""

import bz2
import json
import lzma
import os
import random
import subprocess
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from avro_rows import Row, write_avro
from rowferry.avro.codecs import CODECS
from rowferry.avro.container import Container, Header, spell_block, spell_header, spell_varint
from rowferry.avro.reader import AvroReader, Seal
from rowferry.dictionary.catalog import load_catalog
from rowferry.errors import AvroUnfit, BackupDamaged, RowferryError, SourceUnreadable
from rowferry.sources.avro.source import AvroSource

JOBS = load_catalog("rowferry.models").table("jobs")
KINDS = load_catalog("kind_tables").table("kinds")
COPIES = int(os.environ.get("ROWFERRY_TORTURE_BACKUPS", "400"))
SYNC = b"sixteen bytes ok"
PROGRAM = Path(__file__).with_name("hostile_reading.py")
MOST_MIB = 600


def rows(first: int, count: int = 40) -> list[Row]:
    return [{"id": at, "job": f"Keeper of lighthouse {at}"} for at in range(first, first + count)]


def read(path: Path, seal: Seal | None = None) -> int:
    """Read a file as restore does: check everything, then decode; how many rows."""
    with AvroSource(path, JOBS, seal=seal) as source:
        source.check()
        for batch in source.batches():
            batch.raw(0)
        return source.rows_read


def must_be_detected(path: Path, seal: Seal) -> None:
    """Damage is found by the seal, before anything is decoded; without one, reading ends well or with our own error."""
    with AvroReader(path, seal=seal) as reader, pytest.raises(BackupDamaged):
        reader.check_seal()
    with suppress(BackupDamaged, AvroUnfit):
        read(path)


def flipped(data: bytes, chance: random.Random) -> bytes:
    """Up to four bits are changed."""
    damaged = bytearray(data)
    for at in chance.sample(range(len(data)), chance.randint(1, 4)):
        damaged[at] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def cut(data: bytes, chance: random.Random) -> bytes:
    """The end, the beginning or a piece from the middle is missing."""
    first, last = sorted(chance.sample(range(len(data) + 1), 2))
    return chance.choice([data[:last], data[first:], data[:first] + data[last:]]) if last - first < len(data) else b""


def blocks_of(data: bytes, path: Path) -> list[bytes]:
    """The header and each block, as they stand."""
    with path.open("rb") as file:
        offsets = [block.offset for block in Container(file, "").blocks()]
    ends = [*offsets[1:], len(data)]
    return [data[: offsets[0]], *(data[a:b] for a, b in zip(offsets, ends, strict=True))]


def swapped(path: Path, other: Path, chance: random.Random) -> bytes:
    """A block stands at another's place, or one of another file does."""
    parts, others = blocks_of(path.read_bytes(), path), blocks_of(other.read_bytes(), other)
    at, to = chance.sample(range(1, len(parts)), 2)
    if chance.random() < 0.5:
        parts[at], parts[to] = parts[to], parts[at]
    else:
        parts[at] = others[chance.randrange(1, len(others))]
    return b"".join(parts)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("codec", sorted(CODECS))
def test_every_damaged_copy_is_detected(tmp_path: Path, codec: str) -> None:
    chance = random.Random(codec)
    path, other, copy = (tmp_path / f"{name}.avro" for name in ("one", "other", "copy"))
    seal = write_avro(path, JOBS, [rows(1), rows(100), rows(200)], codec)
    write_avro(other, JOBS, [rows(300), rows(400)], codec)
    sound = path.read_bytes()
    made = 0
    while made < COPIES // len(CODECS):
        damage: list[Callable[[], bytes]] = [
            lambda: flipped(sound, chance),
            lambda: cut(sound, chance),
            lambda: swapped(path, other, chance),
        ]
        damaged = chance.choice(damage)()
        if damaged == sound:
            continue
        copy.write_bytes(damaged)
        must_be_detected(copy, seal)
        made += 1
    assert read(path, seal) == 120


@pytest.mark.parametrize("codec", ["deflate", "null"])
def test_a_file_cut_at_any_length_is_detected(tmp_path: Path, codec: str) -> None:
    path, copy = tmp_path / "one.avro", tmp_path / "copy.avro"
    seal = write_avro(path, JOBS, [rows(1, 3), rows(10, 3)], codec)
    sound = path.read_bytes()
    for length in range(len(sound)):
        copy.write_bytes(sound[:length])
        must_be_detected(copy, seal)


def test_kinds_of_all_sorts_survive_damage(tmp_path: Path) -> None:
    """Without a seal, anything may come out of a damaged file but an error that is not ours, or no end."""
    chance = random.Random(5)
    path = tmp_path / "kinds.avro"
    full = {"id": 1, "note": "n", "essay": "é", "small": 3, "middle": -4, "large": 5, "ratio": 0.5, "flag": True}
    write_avro(path, KINDS, [[full, {"id": 2, "note": "m"}] * 20], "null")
    sound = path.read_bytes()
    for _ in range(COPIES):
        path.write_bytes(flipped(sound, chance))
        try:
            with AvroSource(path, KINDS) as source:
                for batch in source.batches():
                    batch.raw(0)
        except (BackupDamaged, AvroUnfit):
            pass


def file_of(schema: object, *blocks: bytes, codec: str = "null") -> bytes:
    return spell_header(Header(schema, codec, SYNC)) + b"".join(blocks)


def record(*fields: Any) -> dict[str, Any]:
    return {
        "type": "record",
        "name": "jobs",
        "fields": [{"name": f"f{at}", "type": avro_type} for at, avro_type in enumerate(fields)],
    }


GOOD: Any = {
    "type": "record",
    "name": "jobs",
    "fields": [{"name": "id", "type": "int"}, {"name": "job", "type": "string"}],
}
RECURSIVE: Any = {**GOOD, "fields": [*GOOD["fields"], {"name": "next", "type": ["null", "jobs"]}]}
ROW = spell_varint(1) + spell_varint(4) + b"Cook"
EMPTY_DEFLATED = zlib.compress(b"", 9, wbits=-15)

_XZ_OF_MUCH = [
    {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30, "mode": lzma.MODE_FAST, "mf": lzma.MF_HC3, "nice_len": 9}
]

HOSTILE: dict[str, bytes] = {
    "nothing at all": b"",
    "only the first letters": b"Obj",
    "not Avro": b"PK\x03\x04" + bytes(500),
    "text": b"id,job\n1,Cook\n",
    "no schema": b"Obj\x01\x00" + SYNC,
    "a schema that is no JSON": file_of(GOOD).replace(b'"record"', b'"record\x00'),
    "a schema that is no record": file_of("string"),
    "a schema that is an array of records": file_of({"type": "array", "items": GOOD}),
    "a recursive schema": file_of(RECURSIVE, spell_block(1, ROW + b"\x02" * 100_000, SYNC)),
    "a schema nested deeply": b"Obj\x01" + spell_varint(1) + spell_varint(11) + b"avro.schema"
    + spell_varint(200_000) + b"[" * 200_000 + b"\0" + SYNC,
    "a schema of many fields": file_of(record(*["int"] * 20_000)),
    "a header that is endless": b"Obj\x01" + spell_varint(1) + spell_varint(11) + b"avro.schema" + spell_varint(2**40),
    "a header of 10**12 entries": b"Obj\x01" + spell_varint(10**12),
    "a header of negative length": b"Obj\x01" + spell_varint(1) + spell_varint(-5),
    "a number that never ends": b"Obj\x01" + b"\xff" * 1_000,
    "two fields of one name": file_of({**GOOD, "fields": GOOD["fields"] * 2}),
    "symbols that are none": file_of(record({"type": "enum", "name": "e", "symbols": "abc"})),
    "a symbol that is none": file_of(
        {"type": "record", "name": "r", "fields": [{"name": "id", "type": "int"},
         {"name": "job", "type": {"type": "enum", "name": "e", "symbols": ["a"]}}]},
        spell_block(1, spell_varint(1) + spell_varint(7), SYNC)),
    "a fixed of no size": file_of(record({"type": "fixed", "name": "f", "size": -1})),
    "a decimal of 99 digits": file_of(record({"type": "bytes", "logicalType": "decimal", "precision": 99})),
    "a decimal of 40 bytes": file_of(
        {"type": "record", "name": "r", "fields": [{"name": "id", "type": "int"}, {"name": "job", "type":
         {"type": "bytes", "logicalType": "decimal", "precision": 9}}]},
        spell_block(1, spell_varint(1) + spell_varint(40) + bytes(40), SYNC)),
    "an unknown codec": file_of(GOOD, codec="lzma9"),
    "10**12 rows of nothing": file_of(record(), spell_block(10**12, b"", SYNC)),
    "10**12 rows of null": file_of(record("null"), spell_block(10**12, b"", SYNC)),
    "10**12 rows in no bytes": file_of(GOOD, spell_block(10**12, ROW, SYNC)),
    "fewer rows than it says": file_of(GOOD, spell_block(2, ROW, SYNC)),
    "more rows than it says": file_of(GOOD, spell_block(1, ROW * 2, SYNC)),
    "no row, but bytes": file_of(GOOD, spell_block(0, ROW, SYNC)),
    "a negative number of rows": file_of(GOOD, spell_block(-1, ROW, SYNC)),
    "a block of 2**60 bytes": file_of(GOOD, spell_varint(1) + spell_varint(2**60)),
    "a block of negative length": file_of(GOOD, spell_varint(1) + spell_varint(-7)),
    "a text of 2**60 bytes": file_of(GOOD, spell_block(1, spell_varint(1) + spell_varint(2**60) + b"x", SYNC)),
    "a text of negative length": file_of(GOOD, spell_block(1, spell_varint(1) + spell_varint(-3) + b"xyz", SYNC)),
    "an integer of 11 bytes": file_of(GOOD, spell_block(1, b"\xff" * 11 + ROW, SYNC)),
    "an integer of 64 bits": file_of(GOOD, spell_block(1, spell_varint(2**40) + ROW[1:], SYNC)),
    "another mark behind a block": file_of(GOOD, spell_block(1, ROW, b"another mark 16!")),
    "deflate that is cut": file_of(GOOD, spell_block(1, EMPTY_DEFLATED[:-1], SYNC), codec="deflate"),
    "bytes behind deflate": file_of(GOOD, spell_block(1, EMPTY_DEFLATED + b"12345", SYNC), codec="deflate"),
    "snappy of 4 GiB": file_of(GOOD, spell_block(1, b"\xff\xff\xff\xff\x0f" + bytes(8), SYNC), codec="snappy"),
    "snappy without a size": file_of(GOOD, spell_block(1, b"\xff" * 12, SYNC), codec="snappy"),
    "snappy that is noise": file_of(GOOD, spell_block(1, b"\x05noise1234", SYNC), codec="snappy"),
    "zstandard that is noise": file_of(GOOD, spell_block(1, b"noise", SYNC), codec="zstandard"),
    "bzip2 that is noise": file_of(GOOD, spell_block(1, b"BZh9noise", SYNC), codec="bzip2"),
    "bzip2 that ends early": file_of(GOOD, spell_block(1, bz2.compress(ROW)[:-4], SYNC), codec="bzip2"),
    "bzip2 with something behind": file_of(GOOD, spell_block(1, bz2.compress(ROW) + b"x", SYNC), codec="bzip2"),
    "xz that is noise": file_of(GOOD, spell_block(1, b"\xfd7zXZ\0noise", SYNC), codec="xz"),
    "xz that ends early": file_of(GOOD, spell_block(1, lzma.compress(ROW)[:-4], SYNC), codec="xz"),
}  # fmt: skip


@pytest.mark.timeout(10)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "jobs.avro"
    path.write_bytes(HOSTILE[name])
    with pytest.raises((BackupDamaged, AvroUnfit)) as caught:
        read(path)
    assert str(path) in caught.value.message


def long_text(codec: str) -> bytes:
    """A text of 100 MiB."""
    zeros = bytes(100 * 1024 * 1024)
    row = spell_varint(1) + spell_varint(len(zeros)) + zeros
    data = zlib.compress(row, 9, wbits=-15) if codec == "deflate" else CODECS[codec].compress(row)
    return file_of(GOOD, spell_block(1, data, SYNC), codec=codec)


def many_nulls() -> bytes:
    """Ten blocks of 60 MiB, in which each byte is a null that takes eight in memory."""
    nulls = zlib.compress(bytes(60 * 1024 * 1024), 9, wbits=-15)
    fields = [{"name": f"f{at}", "type": ["null", "long"]} for at in range(100)]
    schema = {**GOOD, "fields": [*GOOD["fields"], *fields]}
    return file_of(schema, *[spell_block(600_000, nulls, SYNC)] * 10, codec="deflate")


BOMBS: dict[str, Callable[[], bytes]] = {
    "a text by deflate": lambda: long_text("deflate"),
    "a text by zstandard": lambda: long_text("zstandard"),
    "nulls": many_nulls,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_take_little_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / "jobs.avro"
    path.write_bytes(BOMBS[name]())
    assert path.stat().st_size < 2 * 1024 * 1024
    ran = subprocess.run([sys.executable, PROGRAM, path], capture_output=True, text=True, check=True)
    peak, told = ran.stdout.splitlines()
    assert told.startswith("backup.damaged")
    assert int(peak) < MOST_MIB


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    pipe, link, folder = tmp_path / "pipe", tmp_path / "link", tmp_path / "folder"
    os.mkfifo(pipe)
    folder.mkdir()
    target = tmp_path / "jobs.avro"
    write_avro(target, JOBS, [rows(1)])
    link.symlink_to(target)
    for path in (pipe, link, folder, Path("/dev/zero"), tmp_path / "missing"):
        with pytest.raises(SourceUnreadable):
            read(path)


def test_a_file_that_changes_while_it_is_read_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "jobs.avro"
    seal = write_avro(path, JOBS, [rows(at, 4_000) for at in range(0, 40_000, 4_000)], "null")
    with AvroSource(path, JOBS, seal=seal) as source:
        source.check()
        batches = source.batches()
        next(batches)
        data = path.read_bytes()
        with path.open("r+b") as file:
            file.write(data.replace(b"lighthouse 35", b"lighthouse 45"))
        with pytest.raises(RowferryError, match="changed while it was being read"):
            list(batches)


def test_a_file_with_another_ones_rows_under_its_own_hash_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "jobs.avro"
    seal = write_avro(path, JOBS, [rows(1)])
    for wrong in (replace(seal, rows=41), replace(seal, schema_sha256="0" * 64)):
        with pytest.raises(BackupDamaged):
            read(path, wrong)


def test_json_of_a_row_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "jobs.avro"
    write_avro(path, JOBS, [[{"id": 1, "job": "x" * 1_000_000}]])
    with AvroSource(path, JOBS) as source:
        batch = next(source.batches())
        assert len(batch.raw(0)) < 100_000
        assert json.dumps(batch.raw(0))
