"""Names that processes hold by a locked file; the lock goes with the process, whatever ends it."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def hold_file(path: Path) -> Iterator[None]:
    """Hold the lock of a file, which is there only meanwhile."""
    while True:
        with path.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not _is_still_there(path, file.fileno()):
                continue  # it was swept away before we had it
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


@contextmanager
def hold_file_alone(path: Path) -> Iterator[bool]:
    """Hold the lock of a file unless somebody else has it; gives whether we do."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            ours = _is_still_there(path, file.fileno())
        except BlockingIOError:
            ours = False
        try:
            yield ours
        finally:
            if ours:
                path.unlink(missing_ok=True)


def is_held(path: Path) -> bool:
    """Whether a process holds the lock of a file; a file that none holds is removed."""
    try:
        with path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES):
            return True
        raise
    return False


def _is_still_there(path: Path, descriptor: int) -> bool:
    with suppress(FileNotFoundError):
        return os.fstat(descriptor).st_ino == path.stat().st_ino
    return False
