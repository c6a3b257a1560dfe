"""The bytes of a file as text in UTF-8: read in blocks, decompressed, transcoded, counted and hashed on the way."""

import codecs
import errno
import hashlib
import os
import re
import stat
from collections.abc import Generator, Iterator
from contextlib import closing
from functools import partial
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from rowferry.errors import OptionInvalid, SourceBroken, SourceChanged, SourceNotText, SourceUnreadable
from rowferry.errors.sources import SourceNotCsv
from rowferry.sources.csv.inflating import inflated, is_compressed

BLOCK_BYTES = 2 * 1024 * 1024
"""How much is read at a time: large enough for speed, small enough for the processor's cache."""

_FIRST_BYTES = 128 * 1024
"""How much is read at first: little, then twice as much each time, so that those who wait for rows soon have some."""

_SAVE_AS_CSV = "Open it and save it as CSV in UTF-8."
_NAME_ENCODING = "Name its character set: --encoding utf-16, in a URL ?encoding=utf-16."
_BINARY = {
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook (.xls) or another Office document", _SAVE_AS_CSV),
    b"%PDF-": ("a PDF", "Export the data that it shows as CSV."),
    b"\x89PNG": ("a picture", "Load a CSV file."),
    b"\xff\xd8\xff": ("a picture", "Load a CSV file."),
    b"PAR1\x15": ("a Parquet file", "Convert it to CSV, for instance with DuckDB: COPY 'FILE.parquet' TO 'TABLE.csv'."),
    b"ARROW1\0\0": ("an Arrow or Feather file", "Convert it to CSV."),
    b"Obj\x01": (
        "an Avro file",
        "If it contains all rows of a table: rowferry restore TABLE --backup FILE --unverified.",
    ),
    b"SQLite format 3\0": ("a SQLite database", "Export each table as CSV: sqlite3 -csv FILE 'SELECT * FROM TABLE'."),
    b"\x7fELF": ("a program", "Load a CSV file."),
}
"""What files begin with that are no text: what they are, and what to do."""

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SNIFFED = 8192
_UNREADABLE = "rowferry-unreadable"
_SPELLED = re.compile(rb"\xff([0-9a-f]{2})")


class ByteSource:
    """One file; `size` and `sha256` are those of the file as it stands on disk, the latter once it was read."""

    def __init__(self, path: Path, encoding: str = "utf-8", name: str | None = None) -> None:
        self.path = path
        self.name = name or str(path)
        self.bytes_read = 0
        self._encoding = text_encoding(encoding)
        self._hash = hashlib.sha256()
        try:
            self._state = _state(path)
        except OSError as error:
            raise SourceUnreadable(path=self.name, reason=error.strerror) from error
        self.size = self._state[1]

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def as_it_stood(self, text: bytes) -> bytes:
        r"""Some of what `blocks` gave, in which \xNN stands for a byte that is no text in the file's encoding."""
        return text if self._encoding == "utf-8" else _SPELLED.sub(rb"\\x\1", text)

    def remaining(self) -> float:
        """How much of the file is still to be read, from 1 to 0."""
        return 1 - min(1.0, self.bytes_read / self.size) if self.size else 0.0

    def blocks(self) -> Generator[bytes, None, None]:
        """Blocks of UTF-8 without byte order mark; may be called again, to read the file again.

        Raises:
            SourceUnreadable: No permission, or not a file.
            SourceBroken: Damaged compression.
            SourceNotText: The file is something else than text.
            SourceChanged: The file is not the same at the end as it was at the start.
        """
        self._hash, self.bytes_read = hashlib.sha256(), 0
        try:
            with self.path.open("rb", buffering=0) as file:
                yield from _without_mark(self._decoded(self._inflated(file)))
                while self._read(file, BLOCK_BYTES):
                    pass
            if _state(self.path) != self._state:
                raise SourceChanged(path=self.name)
        except OSError as error:
            # What is wrong with the file and not with reading it, the library that inflates it says, without a number.
            kind = SourceUnreadable if error.errno else SourceBroken
            raise kind(path=self.name, reason=error.strerror or str(error)) from error

    def _read(self, file: BinaryIO, size: int) -> bytes:
        data = file.read(size)
        self._hash.update(data)
        self.bytes_read += len(data)
        return data

    def _inflated(self, file: BinaryIO) -> Iterator[bytes]:
        sizes = _block_sizes()
        head = self._read(file, next(sizes))
        if is_compressed(head):
            yield from inflated(self.path, self.name, head, partial(self._read, file), sizes)
            return
        yield head
        while block := self._read(file, next(sizes)):
            yield block

    def _decoded(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        head = next(blocks, b"")
        _refuse_other_formats(self.name, head)
        if self._encoding == "utf-8":
            _refuse_binary(self.name, head[:_SNIFFED])
            yield head
            yield from blocks
            return
        decoder = codecs.getincrementaldecoder(self._encoding)(_UNREADABLE)
        try:
            for block in chain([head], blocks):
                yield decoder.decode(block).encode("utf-8", "surrogateescape")
            yield decoder.decode(b"", final=True).encode("utf-8", "surrogateescape")
        except UnicodeError as error:
            raise SourceNotText(path=self.name, reason=f"it cannot be read as {self._encoding} ({error})") from error


def require_text_format(path: Path) -> None:
    """Raise SourceNotCsv if a file is of a format that is no text, or SourceUnreadable; in any character set."""
    with closing(ByteSource(path, "latin-1").blocks()) as blocks:
        next(blocks, None)


def _block_sizes() -> Iterator[int]:
    size = _FIRST_BYTES
    while True:
        yield min(size, BLOCK_BYTES)
        size = min(2 * size, BLOCK_BYTES)


def _unreadable(error: UnicodeError) -> tuple[str, int]:
    """Put a byte that is not UTF-8 before each one that cannot be decoded, so that its row is rejected as such."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(f"\udcff{byte:02x}" for byte in error.object[error.start : error.end]), error.end


codecs.register_error(_UNREADABLE, _unreadable)


def text_encoding(name: str) -> str:
    """The usual name of a character set that Python can decode bit by bit; OptionInvalid if there is none."""
    try:
        codec = codecs.lookup(name)
        codecs.getincrementaldecoder(name)(_UNREADABLE).decode("a,b\n".encode(name) + b"\xff")
    except (LookupError, ValueError, TypeError, AssertionError) as error:
        allowed = "Use a name such as utf-8, utf-16, latin-1 or cp1252."
        raise OptionInvalid(option="encoding", value=name, allowed=allowed) from error
    return codec.name


def _state(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is not a file")
    if not os.access(path, os.R_OK):
        raise PermissionError(errno.EACCES, "permission denied")
    return found.st_ino, found.st_size, found.st_mtime_ns


def _without_mark(blocks: Iterator[bytes]) -> Iterator[bytes]:
    yield next(blocks, b"").removeprefix(codecs.BOM_UTF8)
    yield from blocks


def _refuse_other_formats(path: str, head: bytes) -> None:
    if is_compressed(head):
        raise SourceNotCsv(
            path=path, reason="it is compressed twice", advice="Decompress it once, and load the result."
        )
    for magic, (kind, advice) in _BINARY.items():
        if head.startswith(magic):
            raise SourceNotCsv(path=path, reason=f"it is {kind}", advice=advice)


def _refuse_binary(path: str, head: bytes) -> None:
    if head.startswith(_UTF16):
        raise SourceNotCsv(path=path, reason="it is UTF-16", advice=_NAME_ENCODING)
    # A text may have some rows that are full of them, which are rejected one by one; others are a binary file's lines.
    lines = head.splitlines()
    control = [sum(byte < 32 and byte not in b"\t\f\x01\x1e\x1f" for byte in line) for line in lines]
    if sum(control) > max(len(head) // 20, 8) and 2 * sum(map(bool, control)) > len(lines):
        raise SourceNotText(path=path, reason="it is full of control characters")
