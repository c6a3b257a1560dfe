"""What is written is there whole, and whatever stood in its place stays what it was."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from rowferry.errors import FileUnwritable
from rowferry.files.atomic_write import write_atomically


def test_a_file_keeps_its_mode_and_a_link_stays_one(tmp_path: Path) -> None:
    file, link = tmp_path / "file.csv", tmp_path / "link.csv"
    file.write_bytes(b"old")
    file.chmod(0o600)
    link.symlink_to(file)
    write_atomically(link, [b"n", b"ew"])
    assert link.is_symlink()
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file.csv", "link.csv"]


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    read: list[bytes] = []
    os.mkfifo(pipe)
    reader = Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_atomically(pipe, [b"1,2\r\n", b"3,4\r\n"])
    reader.join(30)
    assert read == [b"1,2\r\n3,4\r\n"]
    assert pipe.is_fifo()


def test_what_fails_half_way_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "file.csv"
    file.write_bytes(b"old")

    def parts() -> Iterator[bytes]:
        yield b"new"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(file, parts())
    assert file.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file.csv"]


def test_a_folder_is_no_place_for_it(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing" / "file.csv"):
        with pytest.raises(FileUnwritable):
            write_atomically(path, [b"new"])
