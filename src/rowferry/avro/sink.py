"""Rows into an Avro file: encoded and compressed in threads, block after block."""

import hashlib
import io
import secrets
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import chain, islice
from typing import BinaryIO

import pyarrow as pa
from isal import isal_zlib

from rowferry.avro import library
from rowferry.avro.codecs import CODECS, MAX_INFLATED_BYTES
from rowferry.avro.container import SYNC_BYTES, Container, Header, spell_block, spell_header
from rowferry.dictionary.avro_schema import avro_name, avro_schema
from rowferry.dictionary.rules import ColumnRule, TableRules
from rowferry.errors import RowTooLong

BLOCK_BYTES = 1024 * 1024
"""About how large a block is before its compression."""

_THREADS, _AHEAD = 2, 4


class AvroSink:
    """Writes the rows of one table; `rows`, `bytes`, `sha256` and `crc32s` say what was written so far.

    `crc32s` has one checksum for the header and one for each block, all of its bytes included.

    Raises:
        RowTooLong: A row does not fit into a block.
    """

    def __init__(self, file: BinaryIO, rules: TableRules, codec: str) -> None:
        self.header = Header(avro_schema(rules), codec, secrets.token_bytes(SYNC_BYTES))
        self.rows = self.bytes = 0
        self.crc32s: list[int] = []
        self._rules = rules
        self._file = file
        self._hash = hashlib.sha256()
        self._schema = pa.schema(
            [pa.field(avro_name(c.name), _encoded(c), nullable=not c.required) for c in rules.columns],
            metadata={"avro.name": avro_name(rules.name)},
        )

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def write(self, batches: Iterable[pa.RecordBatch]) -> Iterator[int]:
        """Write all rows; yields how many are in the file after each block."""
        parts = _parts(batches)
        first = list(islice(parts, 1))
        if not first:  # without a block, there is nothing to compress; not every reader takes that as it is
            self.header = replace(self.header, codec="null")
        self._append(spell_header(self.header))
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="rowferry-avro") as workers:
            waiting: deque[Future[tuple[int, bytes]]] = deque()
            try:
                for part in chain(first, parts):
                    waiting.append(workers.submit(self._block, part))
                    if len(waiting) >= _AHEAD:
                        yield self._take(waiting.popleft())
                while waiting:
                    yield self._take(waiting.popleft())
            finally:
                workers.shutdown(wait=True, cancel_futures=True)

    def _take(self, made: Future[tuple[int, bytes]]) -> int:
        rows, block = made.result()
        self._append(block)
        self.rows += rows
        return self.rows

    def _append(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self.crc32s.append(isal_zlib.crc32(data))
        self.bytes += len(data)

    def _block(self, rows: pa.RecordBatch) -> tuple[int, bytes]:
        both = zip(self._rules.columns, rows.columns, strict=True)
        data = encode(pa.RecordBatch.from_arrays([c.kind.to_avro(of) for c, of in both], schema=self._schema))
        if len(data) > MAX_INFLATED_BYTES:
            raise RowTooLong(table=self._rules.name, limit=f"{MAX_INFLATED_BYTES:,}")
        compressed = CODECS[self.header.codec].compress(data)
        return rows.num_rows, spell_block(rows.num_rows, compressed, self.header.sync)


def _encoded(column: ColumnRule) -> pa.DataType:
    """What a column is to the encoder."""
    return column.kind.to_avro(pa.array([], column.arrow)).type


def encode(rows: pa.RecordBatch) -> bytes:
    """Rows as they stand in a block, without compression; the encoder's own framing is taken off."""
    buffer = io.BytesIO()
    table = pa.Table.from_batches([rows])
    sink = library.AvroBuffSink(buffer, table.slice(0, 0), None)
    sink.write(table)
    sink.close()
    buffer.seek(0)
    return b"".join(block.data for block in Container(buffer, "rows", summed=False).blocks())


def _parts(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches that make blocks of about the right size."""
    for batch in batches:
        many = max(1, batch.num_rows * BLOCK_BYTES // max(1, batch.nbytes))
        for first in range(0, batch.num_rows, many):
            yield batch.slice(first, many)
