"""The bytes of a file: what cannot be read is refused by name."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rowferry.errors import SourceNotText, SourceUnreadable
from rowferry.sources.csv.byte_source import ByteSource


@contextmanager
def as_anybody() -> Iterator[None]:
    """Work without the rights of root, if we have them."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    for folder in [tmp_path, tmp_path.parent, tmp_path.parent.parent]:
        folder.chmod(0o755)
    path = tmp_path / "jobs.csv"
    path.write_text("1,a\n")
    path.chmod(0o000)
    with as_anybody(), pytest.raises(SourceUnreadable, match=r"(?i)permission denied"):
        list(ByteSource(path).blocks())


@pytest.mark.parametrize("kind", ["folder", "pipe", "absent"])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "jobs.csv"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(SourceUnreadable, match=r"jobs\.csv"):
        list(ByteSource(path).blocks())


def test_size_and_hash_are_those_of_the_file_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "jobs.csv"
    path.write_bytes(b"\xef\xbb\xbf" + 700_000 * b"1,abc\n")
    source = ByteSource(path)
    assert source.size == path.stat().st_size
    assert b"".join(source.blocks()) == 700_000 * b"1,abc\n"
    assert source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert source.bytes_read == source.size


@pytest.mark.parametrize("size", [16, 10_000, 3_000_000])
def test_one_row_full_of_nul_makes_no_binary_file(tmp_path: Path, size: int) -> None:
    path = tmp_path / "jobs.csv"
    path.write_bytes(b"1,a\n2," + bytes(size) + b"\n3,c\n")
    assert sum(map(len, ByteSource(path).blocks())) == path.stat().st_size


@pytest.mark.parametrize(
    "content", [bytes(range(256)), 40 * b"\x01\x02\n", "1,a\n2,b\n3,c\n4,d\n5,e".encode("utf-16-le")]
)
def test_a_file_whose_lines_are_full_of_control_characters_is_no_text(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "jobs.csv"
    path.write_bytes(content)
    with pytest.raises(SourceNotText, match="control characters"):
        list(ByteSource(path).blocks())
