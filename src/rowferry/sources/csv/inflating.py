"""Compressed files as the bytes that are in them: gzip, bzip2, xz, Zstandard, and a ZIP archive of one file.

A file of gzip, bzip2 or xz may be several streams one behind the other, and zeros may fill it up behind the last:

    stream stream … 00 00 00

Anything else behind a stream is damage. Readers of Python's own pass it over, and with it a stream behind zeros.
"""

import bz2
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pyarrow as pa
from isal import igzip_lib

from rowferry.errors.sources import SourceBroken, SourceNotCsv

Read = Callable[[int], bytes]
"""Reads up to so many of the bytes that are next in the file."""

_READ_BYTES = 1 << 16

_ZIPS = (b"PK\x03\x04", b"PK\x05\x06")
_ZSTANDARD = b"\x28\xb5\x2f\xfd"


class _Decompressor(Protocol):
    """What inflates one stream."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes: ...


_STREAMS: dict[bytes, Callable[[], _Decompressor]] = {
    b"\x1f\x8b": lambda: igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP),
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ\x00": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ),
}

_IsalError: type[Exception] = igzip_lib.error  # type: ignore[assignment]  # its stub has it wrong
_FAILURES = (
    OSError,
    EOFError,
    ValueError,
    lzma.LZMAError,
    _IsalError,
    zlib.error,
    zipfile.BadZipFile,
    NotImplementedError,
)


_BZIP2 = re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)")
"""How bzip2 begins, and an empty stream of it; a text may well begin with the first letters."""


def is_compressed(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a compressed one."""
    if head.startswith(b"BZh"):
        return _BZIP2.match(head) is not None
    return head.startswith((*_STREAMS, *_ZIPS, _ZSTANDARD))


def inflated(path: Path, name: str, head: bytes, read: Read, sizes: Iterator[int]) -> Iterator[bytes]:
    """What is in a compressed file whose first bytes `head` were read already; `sizes` are those of the blocks.

    Raises:
        SourceBroken: The file is damaged or cut off.
        SourceNotCsv: It is an archive of something else than one file.
    """
    try:
        if head.startswith(_ZIPS):
            yield from _only_member(path, name, head, read, sizes)
        elif head.startswith(_ZSTANDARD):
            yield from _zstandard(head, read, sizes)
        else:
            yield from _streams(head, read, sizes)
    except _FAILURES as error:
        if getattr(error, "errno", None):
            raise
        raise SourceBroken(path=name, reason=str(error) or "it is incomplete") from error


def _streams(head: bytes, read: Read, sizes: Iterator[int]) -> Iterator[bytes]:
    magic = next(magic for magic in _STREAMS if head.startswith(magic))
    data = head
    while data:
        if not data.startswith(magic[: len(data)]):
            raise EOFError("there is something else after its end")
        stream, size = _STREAMS[magic](), next(sizes)
        while not stream.eof:
            if stream.needs_input and not data and not (data := read(size)):
                raise EOFError("it is incomplete")
            if block := stream.decompress(data, size):
                yield block
                size = next(sizes)
            data = b""
        data = _behind_zeros(stream.unused_data, read, len(magic))


def _behind_zeros(data: bytes, read: Read, wanted: int) -> bytes:
    """What follows the zeros that `data` and the rest of the file begin with: at least so much, if there is more."""
    data = data.lstrip(b"\0")
    while len(data) < wanted and (more := read(_READ_BYTES)):
        data = (data + more).lstrip(b"\0")
    return data


def _zstandard(head: bytes, read: Read, sizes: Iterator[int]) -> Iterator[bytes]:
    with pa.CompressedInputStream(pa.PythonFile(_Chained(head, read), mode="r"), "zstd") as stream:
        while block := stream.read(next(sizes)):
            yield block


class _Chained:
    """A file whose first bytes were read already, for Arrow to read from."""

    closed = False

    def __init__(self, head: bytes, read: Read) -> None:
        self._head, self._read = head, read

    def read(self, size: int) -> bytes:
        if self._head:
            part, self._head = self._head[:size], self._head[size:]
            return part
        return self._read(size)

    def close(self) -> None:
        """Leave the file to its owner."""


def _only_member(path: Path, name: str, head: bytes, read: Read, sizes: Iterator[int]) -> Iterator[bytes]:
    """The one file of an archive; the archive itself is read as far as that file was, to be counted and hashed."""
    with path.open("rb") as file, zipfile.ZipFile(file) as archive, archive.open(_member(archive, name)) as member:
        counted = len(head)
        while block := member.read(next(sizes)):
            counted += len(read(max(file.tell() - counted, 0)))
            yield block


def _member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    names = [member.filename for member in archive.infolist() if not member.is_dir()]
    for sign, kind, advice in _DOCUMENTS:
        if any(sign in name for name in names):
            raise SourceNotCsv(path=name, reason=f"it is {kind}", advice=advice)
    files = [member for member in archive.infolist() if not member.is_dir() and not _is_hidden(member.filename)]
    if len(files) != 1:
        reason = f"it is a ZIP archive with {len(files)} files"
        raise SourceNotCsv(path=name, reason=reason, advice="Unpack it and load the folder or the files in it.")
    if files[0].flag_bits & 1:
        reason = "it is a password-protected ZIP archive"
        raise SourceNotCsv(path=name, reason=reason, advice="Unpack it and load the file in it.")
    return files[0]


def _is_hidden(name: str) -> bool:
    """Whether a member is what macOS adds beside a file."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")


_DOCUMENTS = (
    ("xl/workbook", "an Excel workbook (.xlsx)", "In Excel, save the sheet as “CSV UTF-8” and load that file."),
    ("word/document", "a Word document", "Load a CSV file."),
    (
        "content.xml",
        "an OpenDocument file",
        "In LibreOffice, save the sheet as “Text CSV” in UTF-8 and load that file.",
    ),
)
"""Archives that are documents: a name in them, what they are, and what to do."""
