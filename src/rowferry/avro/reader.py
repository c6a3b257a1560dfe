"""The rows of an Avro file as its writer meant them: checked against what is known of the file, block after block."""

import hashlib
import os
import stat
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import pyarrow as pa

from rowferry.avro.codecs import INFLATES, UnsoundBlockError
from rowferry.avro.container import Block, Container, damage
from rowferry.avro.fields import BlockDecoder, Field, UnfitSchemaError, fields_of
from rowferry.dictionary.avro_schema import schema_sha256
from rowferry.errors import AvroUnfit, SourceUnreadable

_HASHED_BYTES = 1024 * 1024
_THREADS, _AHEAD = 2, 3
_CHANGED = "it changed while it was being read"


@dataclass(frozen=True)
class Seal:
    """What is known of a file from elsewhere: its size in bytes, its hash, that of its schema, and its rows.

    `crc32s` are the checksums of its header and of each block: they tell where damage is, and that a file that was
    hashed once is still the same when it is read.
    """

    bytes: int
    sha256: str
    schema_sha256: str
    rows: int
    crc32s: tuple[int, ...]


@dataclass(frozen=True)
class FileState:
    """Which file it is and when it was changed last: while that stays the same, so does what is in it."""

    device: int
    inode: int
    bytes: int
    modified_ns: int
    changed_ns: int


KnownHash = Callable[[FileState], str | None]
"""The SHA-256 of a file in this very state, if it is known."""


def none_known(_state: FileState) -> None:
    """No file was hashed before."""


class AvroReader:
    """One open file, so that what is checked is what is read, whatever is put in its place meanwhile.

    Raises:
        SourceUnreadable: It is no regular file (a link is not followed), or must not be read.
    """

    def __init__(self, path: Path, shown: str | None = None, seal: Seal | None = None) -> None:
        self.shown = shown or str(path)
        self.seal = seal
        self._file = _open(path, self.shown)
        self.size = self.state.bytes
        self._container: Container | None = None
        self.rows_read = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def fileno(self) -> int:
        return self._file.fileno()

    @property
    def state(self) -> FileState:
        found = os.fstat(self._file.fileno())
        return FileState(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    @property
    def bytes_read(self) -> int:
        return self._container.offset if self._container else 0

    def check_seal(self, known: KnownHash = none_known) -> None:
        """Compare size, hash and schema with the seal, if there is one; before anything is decoded.

        It need not be hashed again if the hash of a file in this state is `known`.

        Raises:
            BackupDamaged: The file is not what was sealed.
        """
        if self.seal is None:
            return
        self.check_size()
        if (known(self.state) or self.sha256()) != self.seal.sha256:
            self._find_damage()
            raise damage(self.shown, "its SHA-256 is not the one in its manifest")
        if schema_sha256(self._opened().header.schema) != self.seal.schema_sha256:
            raise damage(self.shown, "its schema is not the one in its manifest")

    def check_size(self) -> None:
        """Compare only the size with the seal.

        Raises:
            BackupDamaged: The file is longer or shorter.
        """
        if self.seal and self.size != self.seal.bytes:
            self._find_damage()
            raise damage(self.shown, f"it has {self.size:,} bytes, not {self.seal.bytes:,}", self.seal.bytes)

    @cached_property
    def fields(self) -> list[Field]:
        """The fields of its rows, as declared.

        Raises:
            AvroUnfit: They are not those of a table.
        """
        try:
            return fields_of(self._opened().header.schema)
        except UnfitSchemaError as error:
            raise AvroUnfit(path=self.shown, reason=str(error)) from error

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows of each block in order, decoded ahead in threads; may be called again.

        Raises:
            BackupDamaged: A block is not sound, or in all they are not what was sealed.
        """
        decoder, container = BlockDecoder(self.fields), self._opened(anew=True)
        self.rows_read = 0
        if not self._is_sealed(0, container.header_crc32):
            raise damage(self.shown, _CHANGED, 0)
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="rowferry-avro") as workers:
            waiting: deque[tuple[Block, Future[pa.RecordBatch]]] = deque()
            try:
                for block in container.blocks():
                    if not self._is_sealed(block.number, block.crc32):
                        raise damage(self.shown, _CHANGED, block.offset, block.number)
                    waiting.append((block, workers.submit(_decode, container.header.codec, decoder, block)))
                    if len(waiting) >= _AHEAD:
                        yield self._decoded(*waiting.popleft())
                while waiting:
                    yield self._decoded(*waiting.popleft())
            finally:
                workers.shutdown(wait=True, cancel_futures=True)
        if self.seal and self.rows_read != self.seal.rows:
            raise damage(self.shown, f"it has {self.rows_read:,} rows, not {self.seal.rows:,}")

    def _decoded(self, block: Block, result: Future[pa.RecordBatch]) -> pa.RecordBatch:
        try:
            batch = result.result()
        except UnsoundBlockError as error:
            raise damage(self.shown, str(error), block.offset, block.number) from error
        self.rows_read += batch.num_rows
        return batch

    def _is_sealed(self, number: int, crc32: int) -> bool:
        """Whether a block, or the header with number 0, is the one that was sealed, as far as that is known."""
        return self.seal is None or self.seal.crc32s[number : number + 1] == (crc32,)

    def _opened(self, *, anew: bool = False) -> Container:
        if self._container is None or anew:
            self._file.seek(0)
            self._container = Container(self._file, self.shown)
        return self._container

    def sha256(self, ended: Callable[[], bool] = lambda: False) -> str:
        """The hash of the file; of less of it if that is not needed any more."""
        self._file.seek(0)
        found = hashlib.sha256()
        while not ended() and (block := self._file.read(_HASHED_BYTES)):
            found.update(block)
        self._container = None
        return found.hexdigest()

    def _find_damage(self) -> None:
        """Raise what is wrong first in a file that is not the sealed one, as far as that can be found."""
        container = self._opened(anew=True)
        if not self._is_sealed(0, container.header_crc32):
            raise damage(self.shown, "its header was changed", 0)
        for block in container.blocks():
            if not self._is_sealed(block.number, block.crc32):
                raise damage(self.shown, "a block was changed", block.offset, block.number)


def _decode(codec: str, decoder: BlockDecoder, block: Block) -> pa.RecordBatch:
    return decoder.decode(block.rows, INFLATES[codec](block.data))


def _open(path: Path, shown: str) -> BinaryIO:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        reason = "it is a link" if path.is_symlink() else error.strerror or str(error)
        raise SourceUnreadable(path=shown, reason=reason) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise SourceUnreadable(path=shown, reason="it is not a file")
    return os.fdopen(descriptor, "rb", 256 * 1024)
