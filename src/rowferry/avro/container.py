"""The framing of Avro object container files (specification 1.12): a header, then blocks that stand by themselves."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from isal import isal_zlib

from rowferry.avro.codecs import INFLATES, MAX_INFLATED_BYTES
from rowferry.errors import BackupDamaged

SYNC_BYTES = 16
MAX_HEADER_BYTES = 1024 * 1024
MAX_BLOCK_BYTES = MAX_INFLATED_BYTES + 1024 * 1024
"""What a block may take in a file; what does not compress grows a little."""

_MAGIC = b"Obj\x01"
_LONGEST_VARINT = 10
_READ_BYTES = 256 * 1024


@dataclass(frozen=True)
class Header:
    """What a file says of itself: the schema of its rows, how its blocks are compressed, and what ends each of them."""

    schema: Any
    codec: str
    sync: bytes


@dataclass(frozen=True)
class Block:
    """One block as it stands in a file: its number from 1, where it begins, how many rows it says it has.

    `crc32` is that of all its bytes, its framing included.
    """

    number: int
    offset: int
    rows: int
    data: bytes
    crc32: int


def spell_header(header: Header) -> bytes:
    entries = {"avro.schema": json.dumps(header.schema, ensure_ascii=False), "avro.codec": header.codec}
    spelled = b"".join(_spell_text(key) + _spell_text(value) for key, value in entries.items())
    return _MAGIC + spell_varint(len(entries)) + spelled + b"\0" + header.sync


def spell_block(rows: int, data: bytes, sync: bytes, before: bytes = b"") -> bytes:
    """A block out of the compressed encoding of so many rows, behind what stands `before` it."""
    return b"".join((before, spell_varint(rows), spell_varint(len(data)), data, sync))


def spell_varint(value: int) -> bytes:
    """A whole number of 64 bits as Avro has it: zigzag, 7 bits a byte, the lowest first."""
    rest, spelled = (value << 1) ^ (value >> 63), bytearray()
    while rest > 0x7F:
        spelled.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*spelled, rest])


def _spell_text(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    return spell_varint(len(data)) + data


class Container:
    """A file that is read from its beginning to its end; `offset` is how far.

    Checksums are only there if it is `summed`.

    Raises:
        BackupDamaged: Right away where the header is not sound, later where a block is not; it says where.
    """

    def __init__(self, file: BinaryIO, shown: str, *, summed: bool = True) -> None:
        self.shown = shown
        self._summed = summed
        self.offset = 0
        self._file = io.BufferedReader(file, _READ_BYTES) if isinstance(file, io.RawIOBase) else file
        self._number = 0
        self._crc32 = 0
        self.header = self._read_header()
        self.header_crc32 = self._crc32

    def blocks(self) -> Iterator[Block]:
        """All blocks in order."""
        while True:
            offset = self.offset
            self._number += 1
            self._crc32 = 0
            first = self._take(1, "", may_end=True)
            if not first:
                return
            rows = self._varint(first)
            size = self._varint()
            if rows < 0 or not 0 <= size <= MAX_BLOCK_BYTES:
                raise self.damage("a block claims an impossible length", offset)
            data = self._take(size, "the file ends within a block")
            if self._take(SYNC_BYTES, "the file ends within a block") != self.header.sync:
                raise self.damage("a block does not end where it should", offset)
            yield Block(self._number, offset, rows, data, self._crc32)

    def damage(self, reason: str, offset: int | None = None, block: int | None = None) -> BackupDamaged:
        """What is wrong, and where."""
        return damage(self.shown, reason, self.offset if offset is None else offset, block or self._number)

    def _read_header(self) -> Header:
        if self._take(len(_MAGIC), "", may_end=True) != _MAGIC:
            raise self.damage("it is not an Avro file", 0)
        entries: dict[bytes, bytes] = {}
        while count := self._varint():
            if count < 0:
                self._varint()
            for _ in range(abs(count)):
                key = self._header_bytes()
                entries[key] = self._header_bytes()
        sync = self._take(SYNC_BYTES, "the file ends within its header")
        return Header(self._schema(entries.get(b"avro.schema", b"")), self._codec(entries), sync)

    def _header_bytes(self) -> bytes:
        size = self._varint()
        if size < 0 or self.offset + size > MAX_HEADER_BYTES:
            raise self.damage(f"its header is longer than {MAX_HEADER_BYTES:,} bytes")
        return self._take(size, "the file ends within its header")

    def _schema(self, text: bytes) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise self.damage("its schema cannot be read") from error

    def _codec(self, entries: dict[bytes, bytes]) -> str:
        codec = entries.get(b"avro.codec", b"null").decode("ascii", "replace")
        if codec not in INFLATES:
            raise self.damage(f"its codec {codec[:20]!r} is not one of {', '.join(INFLATES)}")
        return codec

    def _varint(self, first: bytes = b"") -> int:
        value = 0
        for at in range(_LONGEST_VARINT):
            byte = (first if first and not at else self._take(1, "the file ends within a number"))[0]
            value |= (byte & 0x7F) << (7 * at)
            if byte < 0x80:
                return (value >> 1) ^ -(value & 1)
        raise self.damage("a number is too long")

    def _take(self, size: int, otherwise: str, *, may_end: bool = False) -> bytes:
        data = self._file.read(size)
        if self._summed:
            self._crc32 = isal_zlib.crc32(data, self._crc32)
        self.offset += len(data)
        if len(data) < size and not may_end:
            raise self.damage(otherwise)
        return data


def damage(shown: str, reason: str, offset: int | None = None, block: int | None = None) -> BackupDamaged:
    """The error that says what is wrong with a file, and where: byte from 0, block from 1."""
    where = "" if offset is None else f", at byte {offset}" + (f", in block {block}" if block else "")
    return BackupDamaged(path=shown, reason=reason + where, offset=offset, block=block)
