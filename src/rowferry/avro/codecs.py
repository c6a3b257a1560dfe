"""The codecs of Avro blocks: compression by fast libraries, decompression that never gives more than it was allowed."""

import bz2
import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
from isal import igzip_lib, isal_zlib

MAX_INFLATED_BYTES = 64 * 1024 * 1024
"""How large a block may be without its compression."""

DEFAULT_CODEC: Final = "deflate"

_RAW = -15
_LEVEL = 2
_CHECKSUM_BYTES = 4
_MOST_XZ_BYTES = 128 * 1024 * 1024
"""How much memory xz may take to inflate a block; what it takes at its highest level is 65 MiB."""


class UnsoundBlockError(ValueError):
    """A block is not what its codec, its schema or its length says."""


@dataclass(frozen=True)
class Codec:
    """How blocks are compressed; both ways may be used by several threads at once."""

    compress: Callable[[bytes], bytes]
    inflate: Callable[[bytes], bytes]
    """Raises UnsoundBlockError for damaged blocks and those that inflate to more than MAX_INFLATED_BYTES."""


def _as_it_is(block: bytes) -> bytes:
    return block


def _deflate(block: bytes) -> bytes:
    return isal_zlib.compress(block, _LEVEL, wbits=_RAW)


def _inflate(block: bytes) -> bytes:
    inflater = isal_zlib.decompressobj(wbits=_RAW)
    try:
        data = inflater.decompress(block, MAX_INFLATED_BYTES + 1)
    except igzip_lib.error as error:  # type: ignore[misc]  # its stubs take the class for an instance
        raise UnsoundBlockError("its compressed data is damaged") from error
    _require_fit(len(data))
    # Some writers leave a part of zlib's checksum behind the block, which raw deflate has not; fastavro is one of them.
    if not inflater.eof or len(inflater.unused_data) >= _CHECKSUM_BYTES:
        raise UnsoundBlockError("its compressed data ends too early or too late")
    return data


def _snap(block: bytes) -> bytes:
    packed = pa.compress(block, codec="snappy", asbytes=True)
    return bytes(packed) + zlib.crc32(block).to_bytes(_CHECKSUM_BYTES, "big")


def _unsnap(block: bytes) -> bytes:
    packed, checksum = block[:-_CHECKSUM_BYTES], block[-_CHECKSUM_BYTES:]
    size = _snappy_size(packed)
    _require_fit(size)
    try:
        data = bytes(pa.decompress(packed, size, codec="snappy", asbytes=True)) if size else b""
    except (OSError, pa.ArrowException) as error:
        raise UnsoundBlockError("its compressed data is damaged") from error
    if zlib.crc32(data).to_bytes(_CHECKSUM_BYTES, "big") != checksum:
        raise UnsoundBlockError("its checksum is wrong")
    return data


def _snappy_size(packed: bytes) -> int:
    """How large it says it is: a varint in front, of 5 bytes at most."""
    size = 0
    for at, byte in enumerate(packed[:5]):
        size |= (byte & 0x7F) << (7 * at)
        if byte < 0x80:
            return size
    raise UnsoundBlockError("its compressed data is damaged")


def _zstandard(block: bytes) -> bytes:
    return bytes(pa.compress(block, codec="zstd", asbytes=True))


def _unzstandard(block: bytes) -> bytes:
    try:
        with pa.CompressedInputStream(pa.BufferReader(block), "zstd") as stream:
            data = bytes(stream.read(MAX_INFLATED_BYTES + 1))
    except (OSError, pa.ArrowException) as error:
        raise UnsoundBlockError("its compressed data is damaged") from error
    _require_fit(len(data))
    return data


def _unbzip2(block: bytes) -> bytes:
    return _inflated(bz2.BZ2Decompressor(), block)


def _unxz(block: bytes) -> bytes:
    return _inflated(lzma.LZMADecompressor(lzma.FORMAT_XZ, _MOST_XZ_BYTES), block)


def _inflated(inflater: bz2.BZ2Decompressor | lzma.LZMADecompressor, block: bytes) -> bytes:
    try:
        data = inflater.decompress(block, MAX_INFLATED_BYTES + 1)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise UnsoundBlockError("its compressed data is damaged") from error
    _require_fit(len(data))
    if not inflater.eof or inflater.unused_data:
        raise UnsoundBlockError("its compressed data ends too early or too late")
    return data


def _require_fit(size: int) -> None:
    if size > MAX_INFLATED_BYTES:
        raise UnsoundBlockError(f"it inflates to more than {MAX_INFLATED_BYTES:,} bytes")


def _fitting(block: bytes) -> bytes:
    _require_fit(len(block))
    return block


CODECS = {
    "deflate": Codec(_deflate, _inflate),
    "snappy": Codec(_snap, _unsnap),
    "zstandard": Codec(_zstandard, _unzstandard),
    "null": Codec(_as_it_is, _fitting),
}
"""What backups are written with, by the names that the specification gives them."""

INFLATES = {name: codec.inflate for name, codec in CODECS.items()} | {"bzip2": _unbzip2, "xz": _unxz}
"""How blocks are read, also those of other writers."""
