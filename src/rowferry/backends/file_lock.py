"""Names that processes hold by a locked file; the lock goes with the process, whatever ends it."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TextIO

from rowferry.errors import FileUnwritable

_LOCKS_ONLY_FILES = (errno.EBADF, errno.EINVAL, errno.EOPNOTSUPP)
"""What network file systems answer to the lock of a folder."""


@contextmanager
def hold_folder(path: Path) -> Iterator[None]:
    """Hold the lock of a folder, which needs no room on a full disk; where only files have locks, that of one in it.

    Raises:
        FileUnwritable: It cannot be opened, or not be written to.
    """
    with ExitStack() as held:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            held.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _LOCKS_ONLY_FILES:
                raise FileUnwritable(path=path, reason=error.strerror or str(error)) from error
            held.enter_context(hold_file(path / ".lock"))
        yield


@contextmanager
def hold_file(path: Path) -> Iterator[None]:
    """Hold the lock of a file, which is there only meanwhile.

    Raises:
        FileUnwritable: It cannot be made.
    """
    while True:
        with _opened(path) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not _is_still_there(path, file.fileno()):
                continue  # it was swept away before we had it
            try:
                yield
            finally:
                _remove(path)
            return


@contextmanager
def hold_file_alone(path: Path) -> Iterator[bool]:
    """Hold the lock of a file unless somebody else has it; gives whether we do.

    Raises:
        FileUnwritable: It cannot be made.
    """
    with _opened(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            ours = _is_still_there(path, file.fileno())
        except BlockingIOError:
            ours = False
        try:
            yield ours
        finally:
            if ours:
                _remove(path)


def is_held(path: Path) -> bool:
    """Whether a process holds the lock of a file; a file that none holds is removed.

    Raises:
        FileUnwritable: Nobody knows.
    """
    try:
        with path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES):
            return True
        raise FileUnwritable(path=path, reason=error.strerror or str(error)) from error
    return False


def _opened(path: Path) -> TextIO:
    try:
        return path.open("a")
    except OSError as error:
        raise FileUnwritable(path=path, reason=error.strerror or str(error)) from error


def _remove(path: Path) -> None:
    # Where that cannot be done, what was held is over all the same; somebody sweeps it away later.
    with suppress(OSError):
        path.unlink()


def _is_still_there(path: Path, descriptor: int) -> bool:
    with suppress(FileNotFoundError, NotADirectoryError):
        return os.fstat(descriptor).st_ino == path.stat().st_ino
    return False
