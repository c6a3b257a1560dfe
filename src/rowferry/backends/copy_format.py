"""Rows in the forms that PostgreSQL's COPY reads: binary where the encoder knows all types, else CSV."""

import io
from typing import Protocol

import pgpq
import pyarrow as pa
import pyarrow.csv as pc


class CopyFormat(Protocol):
    """How batches of one schema are spelled; `options` is what COPY is told."""

    options: str

    def begin(self) -> bytes: ...
    def rows(self, batch: pa.RecordBatch) -> bytes: ...
    def end(self) -> bytes: ...


def copy_format(schema: pa.Schema) -> CopyFormat:
    """The fastest form that can spell every column of the schema."""
    if any(pa.types.is_decimal(field.type) for field in schema):
        return _Csv()
    return _Binary(schema)


class _Binary:
    options = "FORMAT binary"

    def __init__(self, schema: pa.Schema) -> None:
        self._encoder = pgpq.ArrowToPostgresBinaryEncoder(schema)

    def begin(self) -> bytes:
        return bytes(self._encoder.write_header())

    def rows(self, batch: pa.RecordBatch) -> bytes:
        return bytes(self._encoder.write_batch(batch))

    def end(self) -> bytes:
        return bytes(self._encoder.finish())


class _Csv:
    """Texts are always quoted, missing values never, which is how COPY tells them apart."""

    options = "FORMAT csv"

    def begin(self) -> bytes:
        return b""

    def rows(self, batch: pa.RecordBatch) -> bytes:
        text = io.BytesIO()
        pc.write_csv(batch, text, pc.WriteOptions(include_header=False, quoting_style="needed"))
        return text.getvalue()

    def end(self) -> bytes:
        return b""
