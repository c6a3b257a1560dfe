"""A log file that any number of processes append whole lines to, and that is rotated when it is large."""

import fcntl
import os
import sys
from contextlib import suppress
from io import FileIO
from pathlib import Path
from threading import Lock

from rowferry.errors import SettingInvalid

MOST_BYTES = 64 * 1024 * 1024
"""A file that would get larger is put aside; a line on each of a million rejected rows stays within what is kept."""

KEPT_FILES = 4


class LogFile:
    """Appends lines; threads may share it, and processes may open the same one.

    Whether a file has been put aside by another process is looked at before each write; what is written at that very
    moment goes to the file that is put aside, which gets larger by that. Where the disk is full, or the folder is gone,
    that is said once, and work goes on without its log until it can be written again: the ledger keeps what matters.

    Raises:
        SettingInvalid: The folder cannot be written to, and it is required.
    """

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES, *, required: bool = True) -> None:
        self.path, self._most_bytes = path, most_bytes
        self._lock = Lock()
        self._complained = False
        self._file: FileIO | None = None
        try:
            if required:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._open()
        except OSError as error:
            if not required:
                self._complain(error)
                return
            reason = f"cannot write to {path.parent}: {error.strerror}; choose another folder, or permit access"
            raise SettingInvalid(name="LOG_DIR", reason=reason) from error

    def write(self, lines: str) -> None:
        """Append lines, each with its end."""
        with self._lock:
            try:
                self._append(lines.encode("utf-8", "backslashreplace"))
            except OSError as error:
                self._complain(error)

    def close(self) -> None:
        if self._file:
            self._file.close()

    def _append(self, data: bytes) -> None:
        file = self._in_place() or self._reopen()
        if os.fstat(file.fileno()).st_size + len(data) > self._most_bytes:
            file = self._rotate(len(data))
        while data:
            data = data[file.write(data) :]

    def _open(self) -> FileIO:
        return self.path.open("ab", buffering=0)

    def _reopen(self) -> FileIO:
        before, self._file = self._file, self._open()  # which may fail; then the one before stays
        if before:
            before.close()
        return self._file

    def _in_place(self) -> FileIO | None:
        """The open file, if it is the one of its name."""
        with suppress(FileNotFoundError):
            if self._file and os.fstat(self._file.fileno()).st_ino == self.path.stat().st_ino:
                return self._file
        return None

    def _rotate(self, more: int) -> FileIO:
        """Put the file aside, unless another process has just done so."""
        with self.path.with_name(f".{self.path.name}.lock").open("a") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            file = self._reopen()
            size = os.fstat(file.fileno()).st_size
            if size and size + more > self._most_bytes:
                for number in range(KEPT_FILES - 1, 0, -1):
                    if (older := self._aside(number)).exists():
                        older.replace(self._aside(number + 1))
                self.path.replace(self._aside(1))
                file = self._reopen()
        return file

    def _aside(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            # Where nobody hears it, work goes on as well.
            with suppress(OSError, ValueError):
                sys.stderr.write(f"Warning: cannot write the log {self.path}: {error}. Work continues.\n")
