"""Rows in the forms that PostgreSQL's COPY reads: binary where that says all there is to say, else CSV."""

import io
from typing import Protocol

import pgpq
import pyarrow as pa
import pyarrow.csv as pc

from rowferry.backends.postgresql.binary_numeric import numerics


class CopyFormat(Protocol):
    """How batches of one schema are spelled; `options` is what COPY is told."""

    options: str

    def begin(self) -> bytes: ...
    def rows(self, batch: pa.RecordBatch) -> bytes: ...
    def end(self) -> bytes: ...


def copy_format(schema: pa.Schema) -> CopyFormat:
    """The fastest form that can spell every column of the schema.

    A decimal without decimal places may stand in a column of integers, which only a text fits as well.
    """
    if any(pa.types.is_decimal(field.type) and field.type.scale <= 0 for field in schema):
        return _Csv()
    return _Binary(schema)


class _Binary:
    options = "FORMAT binary"

    def __init__(self, schema: pa.Schema) -> None:
        # The encoder knows no decimals; but bytes it sends as they are, whatever the column takes them for.
        self._decimals = {at for at, field in enumerate(schema) if pa.types.is_decimal(field.type)}
        fields = [field.with_type(pa.binary()) if at in self._decimals else field for at, field in enumerate(schema)]
        self._schema = pa.schema(fields)
        self._encoder = pgpq.ArrowToPostgresBinaryEncoder(self._schema)

    def begin(self) -> bytes:
        return bytes(self._encoder.write_header())

    def rows(self, batch: pa.RecordBatch) -> bytes:
        columns = [numerics(column) if at in self._decimals else column for at, column in enumerate(batch.columns)]
        return bytes(self._encoder.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema)))

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
