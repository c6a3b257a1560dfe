"""Locks that processes hold by files and folders."""

import errno
import fcntl
import os
import threading
from pathlib import Path

import pytest

from rowferry.backends.file_lock import hold_file, hold_file_alone, hold_folder
from rowferry.errors import FileUnwritable


@pytest.mark.parametrize("only_files", [False, True])
def test_one_after_the_other_holds_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, only_files: bool
) -> None:
    lock = fcntl.flock

    def lock_files(file: int, kind: int) -> None:
        if only_files and isinstance(file, int) and Path(f"/dev/fd/{file}").is_dir():
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        lock(file, kind)

    monkeypatch.setattr(fcntl, "flock", lock_files)
    got_it = threading.Event()

    def wait_for_it() -> None:
        with hold_folder(tmp_path):
            got_it.set()

    other = threading.Thread(target=wait_for_it)
    with hold_folder(tmp_path):
        other.start()
        assert not got_it.wait(0.2)
    assert got_it.wait(10)
    other.join()
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_held_is_told(tmp_path: Path) -> None:
    nowhere = tmp_path / "gone" / "x.lock"
    for hold in (hold_file, hold_file_alone, hold_folder):
        with (
            pytest.raises(FileUnwritable, match=r"Cannot write .*x\.lock: No such file or directory"),
            hold(nowhere),
        ):
            pass
