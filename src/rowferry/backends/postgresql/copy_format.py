"""Rows in the forms that PostgreSQL's COPY reads: binary where that says all there is to say, else CSV."""

import io
from collections.abc import Callable
from functools import partial
from typing import Protocol

import pgpq
import pyarrow as pa
from pyarrow import csv

from rowferry.arrow import compute as pc
from rowferry.backends.postgresql.binary_numeric import numerics, numerics_of_texts
from rowferry.dictionary.rules import KIND
from rowferry.kinds.arrays import ARRAY
from rowferry.kinds.binaries import BINARY
from rowferry.kinds.intervals import spans_as_texts, spans_for_postgresql
from rowferry.kinds.kind import Kind, SpelledInPostgresql
from rowferry.kinds.registry import BY_NAME
from rowferry.kinds.uuids import undashed


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


def as_plain(schema: pa.Schema) -> pa.Schema:
    """A schema for columns of plain types, which take texts as they are."""
    has_prefix = [(own := own_type(field)) is not None and own.binary is not None for field in schema]
    both = zip(schema, has_prefix, strict=True)
    return pa.schema([field.remove_metadata() if has else field for field, has in both])


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
        # Some types the encoder does not know; but bytes it sends as they are, whatever the column takes them for.
        self._spelled = {at: spell for at, field in enumerate(schema) if (spell := _spelling(field))}
        fields = [field.with_type(pa.binary()) if at in self._spelled else field for at, field in enumerate(schema)]
        self._schema = pa.schema(fields)
        self._encoder = pgpq.ArrowToPostgresBinaryEncoder(self._schema)

    def begin(self) -> bytes:
        return bytes(self._encoder.write_header())

    def rows(self, batch: pa.RecordBatch) -> bytes:
        columns = [self._spelled[at](of) if at in self._spelled else of for at, of in enumerate(batch.columns)]
        return bytes(self._encoder.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema)))

    def end(self) -> bytes:
        return bytes(self._encoder.finish())


def _spelling(field: pa.Field) -> Callable[[pa.Array], pa.BinaryArray] | None:
    """What spells values in the binary form of PostgreSQL; None if the encoder does."""
    arrow, own = field.type, own_type(field)
    if own and own.binary:
        return partial(_behind, own.binary)
    if pa.types.is_decimal(arrow):
        return numerics
    if pa.types.is_interval(arrow):
        return spans_for_postgresql
    return numerics_of_texts if pa.types.is_large_string(arrow) else None


def _behind(before: bytes, texts: pa.StringArray) -> pa.BinaryArray:
    """Texts with some bytes before each."""
    parts = (pa.scalar(before, pa.binary()), pc.cast(texts, pa.binary()), pa.scalar(b"", pa.binary()))
    return pc.binary_join_element_wise(*parts)


def _as_text(column: pa.Array) -> pa.Array:
    """Values of a type that CSV does not know, as texts that PostgreSQL reads."""
    if pa.types.is_fixed_size_binary(column.type):
        return undashed(column)
    if pa.types.is_interval(column.type):
        return spans_as_texts(column)
    if pa.types.is_binary(column.type):
        spelled = (None if value is None else BINARY.spell(value) for value in column.to_pylist())
        return pa.array(spelled, pa.string())
    return column


class _Csv:
    """Texts are always quoted, missing values never, which is how COPY tells them apart."""

    options = "FORMAT csv"

    def begin(self) -> bytes:
        return b""

    def rows(self, batch: pa.RecordBatch) -> bytes:
        text = io.BytesIO()
        columns = [_as_text(as_read(field, of)) for field, of in zip(batch.schema, batch.columns, strict=True)]
        spelled = pa.RecordBatch.from_arrays(columns, batch.schema.names)
        csv.write_csv(spelled, text, csv.WriteOptions(include_header=False, quoting_style="needed"))
        return text.getvalue()

    def end(self) -> bytes:
        return b""
