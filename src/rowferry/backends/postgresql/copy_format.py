"""Rows in the forms that PostgreSQL's COPY reads: binary where that says all there is to say, else CSV."""

import io
from typing import Protocol

import pgpq
import pyarrow as pa
from pyarrow import csv

from rowferry.arrow import compute as pc
from rowferry.backends.postgresql.binary_numeric import numerics
from rowferry.dictionary.rules import KIND
from rowferry.kinds.arrays import ARRAY
from rowferry.kinds.kind import Kind, SpelledInPostgresql
from rowferry.kinds.registry import BY_NAME


class CopyFormat(Protocol):
    """How batches of one schema are spelled; `options` is what COPY is told."""

    options: str

    def begin(self) -> bytes: ...
    def rows(self, batch: pa.RecordBatch) -> bytes: ...
    def end(self) -> bytes: ...


def copy_format(schema: pa.Schema) -> CopyFormat:
    """The fastest form that can spell every column of the schema.

    A decimal without decimal places may stand in a column of integers, which only a text fits as well. So do values
    of types whose binary form is their own.
    """
    for field in schema:
        own = own_type(field)
        if (pa.types.is_decimal(field.type) and field.type.scale <= 0) or (own and own.binary is None):
            return _Csv()
    return _Binary(schema)


def own_type(field: pa.Field) -> SpelledInPostgresql | None:
    """How the values of a field stand in a type of PostgreSQL's own; no column of our own tables has such a one."""
    kind = _kind_of(field)
    return kind.spelled_in_postgresql if kind else None


def as_read(field: pa.Field, column: pa.Array) -> pa.Array:
    """A column as PostgreSQL reads its texts."""
    if (kind := _kind_of(field)) is None or type(kind).for_postgresql is Kind.for_postgresql:
        return column
    return pa.array((None if text is None else kind.for_postgresql(text) for text in column.to_pylist()), pa.string())


def _kind_of(field: pa.Field) -> Kind | None:
    name = (field.metadata or {}).get(KIND.encode(), b"").decode()
    return ARRAY if name.endswith("[]") else BY_NAME.get(name)


class _Binary:
    options = "FORMAT binary"

    def __init__(self, schema: pa.Schema) -> None:
        # The encoder knows no decimals; but bytes it sends as they are, whatever the column takes them for.
        self._decimals = {at for at, field in enumerate(schema) if pa.types.is_decimal(field.type)}
        self._before = {at: own.binary for at, field in enumerate(schema) if (own := own_type(field)) and own.binary}
        as_bytes = {*self._decimals, *self._before}
        fields = [field.with_type(pa.binary()) if at in as_bytes else field for at, field in enumerate(schema)]
        self._schema = pa.schema(fields)
        self._encoder = pgpq.ArrowToPostgresBinaryEncoder(self._schema)

    def begin(self) -> bytes:
        return bytes(self._encoder.write_header())

    def rows(self, batch: pa.RecordBatch) -> bytes:
        columns = [self._encoded(at, column) for at, column in enumerate(batch.columns)]
        return bytes(self._encoder.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema)))

    def end(self) -> bytes:
        return bytes(self._encoder.finish())

    def _encoded(self, at: int, column: pa.Array) -> pa.Array:
        """A column as bytes, where the encoder does not know its type."""
        if before := self._before.get(at):
            texts = pc.cast(column, pa.binary())
            return pc.binary_join_element_wise(pa.scalar(before, pa.binary()), texts, pa.scalar(b"", pa.binary()))
        return numerics(column) if at in self._decimals else column


class _Csv:
    """Texts are always quoted, missing values never, which is how COPY tells them apart."""

    options = "FORMAT csv"

    def begin(self) -> bytes:
        return b""

    def rows(self, batch: pa.RecordBatch) -> bytes:
        text = io.BytesIO()
        columns = [as_read(field, column) for field, column in zip(batch.schema, batch.columns, strict=True)]
        spelled = pa.RecordBatch.from_arrays(columns, batch.schema.names)
        csv.write_csv(spelled, text, csv.WriteOptions(include_header=False, quoting_style="needed"))
        return text.getvalue()

    def end(self) -> bytes:
        return b""
