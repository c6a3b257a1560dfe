"""Universally unique identifiers: 128 bits, spelled in hexadecimal digits in groups of 8, 4, 4, 4 and 12."""

import re
from types import NoneType
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
from sqlalchemy import types as sql

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow, bits_of, letters_of, of_equal_width, validity_of
from rowferry.arrow.masks import Mask, mask_of
from rowferry.kinds import hexadecimal
from rowferry.kinds.kind import InSqlite, Kind, SentByPostgresql
from rowferry.kinds.unfit import UnfitError

_GRAMMAR = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
_BYTES, _DIGITS, _LETTERS = 16, 32, 36
_DASHES = np.array([8, 13, 18, 23])
_PLACES = np.array([place for place in range(_LETTERS) if place not in _DASHES])
"""Where digits stand in the usual spelling."""


class Uuid(Kind):
    """An identifier of 128 bits."""

    name = "uuid"
    noun = "a UUID (8-4-4-4-12 hexadecimal digits)"
    sql_types = (sql.Uuid,)
    json_schema = UUID
    example = "0190a5e8-3c4d-7b2a-9f61-0d2f5c1b7a94"
    kept = "The identifier; SQLite as 32 digits in small letters, as SQLAlchemy has it. Capitals become small letters."
    sent_by_postgresql = SentByPostgresql("uuid_send({})", f"V{_BYTES}")
    sqlite = InSqlite(
        classes=frozenset({str, NoneType}),
        spoiled_by=("INTEGER", "REAL", "NUMERIC"),
        left_alone_by=("TEXT", "BLOB"),
        unusual=f"(typeof({{0}}) = 'text' AND (length({{0}}) <> {_DIGITS} OR {{0}} GLOB '*[A-F]*'))",
        joined="texts",
    )

    def arrow(self, column_type: Any) -> pa.DataType:
        return pa.binary(_BYTES)

    def avro(self, arrow: pa.DataType) -> dict[str, str]:
        return {"type": "string", "logicalType": "uuid"}

    def avro_default(self, value: Any, arrow: pa.DataType) -> str:
        return str(UUID(str(value)))

    def to_avro(self, values: pa.Array) -> pa.StringArray:
        return _spelled(values, dashes=True)

    def parse(self, text: str) -> UUID:
        if not _GRAMMAR.fullmatch(text):
            raise UnfitError
        return UUID(text)

    def read(self, texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
        """Sure of all that fits the grammar."""
        sure = np.asarray(np.diff(letters_of(texts)[0]) == _LETTERS)
        grid = letters_of(texts if sure.all() else pc.where(texts, as_arrow(sure)))[1].reshape(-1, _LETTERS)
        digits = hexadecimal.values_of(grid[:, _PLACES])
        right = (grid[:, _DASHES] == ord("-")).all(axis=1) & (digits != hexadecimal.NO_DIGIT).all(axis=1)
        data = np.zeros((len(texts), _BYTES), dtype=np.uint8)
        data[np.flatnonzero(sure)[right]] = hexadecimal.paired(digits[right].reshape(-1)).reshape(-1, _BYTES)
        sure[sure] = right
        return _uuids(data, sure), sure

    def fitting(self, values: pa.Array, arrow: pa.DataType, *, present: bool) -> pa.BooleanArray | None:
        return pc.is_valid(values) if values.type == arrow else None

    def takes(self, value: object, arrow: pa.DataType) -> bool:
        return isinstance(value, UUID)

    def to_json(self, value: Any) -> str:
        return str(value)

    def kept_by_postgresql(self, column_type: str, arrow: pa.DataType) -> bool:
        return column_type == "uuid"

    def widest(self, *size: int) -> pa.DataType:
        return pa.binary(_BYTES)

    def spell_sqlite(self, stored: Any) -> str:
        """With or without dashes, in any case."""
        spelled = super().spell_sqlite(stored)
        return str(UUID(spelled)) if re.fullmatch(f"[0-9A-Fa-f]{{{_DIGITS}}}", spelled, re.ASCII) else spelled

    def from_sqlite(self, stored: Any, arrow: pa.DataType) -> UUID:
        return self.parse(self.spell_sqlite(stored))

    def read_joined(self, texts: pa.StringArray, arrow: pa.DataType) -> pa.Array:
        """With dashes, an identifier is unusual."""
        valid = mask_of(pc.is_valid(texts))
        offsets, letters = letters_of(texts)
        digits = hexadecimal.values_of(letters)
        if (np.diff(offsets)[valid] != _DIGITS).any() or (digits == hexadecimal.NO_DIGIT).any():
            raise pa.ArrowInvalid("not 32 digits")
        data = np.zeros((len(texts), _BYTES), dtype=np.uint8)
        data[valid] = hexadecimal.paired(digits).reshape(-1, _BYTES)
        return _uuids(data, valid)


def undashed(values: pa.Array) -> pa.StringArray:
    """Identifiers as SQLAlchemy stores them in a database that has no type for them: digits alone."""
    return _spelled(values, dashes=False)


def _uuids(data: hexadecimal.Bytes, valid: Mask) -> pa.Array:
    return pa.Array.from_buffers(pa.binary(_BYTES), len(valid), [bits_of(valid), pa.py_buffer(data.tobytes())])


def _spelled(values: pa.Array, *, dashes: bool) -> pa.StringArray:
    """Values as texts of the same length; null stays null."""
    data = np.frombuffer(values.buffers()[1], dtype=np.uint8)
    given = data[_BYTES * values.offset : _BYTES * (values.offset + len(values))]
    digits = hexadecimal.digits_of(given).reshape(-1, _DIGITS)
    grid = np.full((len(values), _LETTERS), ord("-"), dtype=np.uint8) if dashes else digits
    if dashes:
        grid[:, _PLACES] = digits
    return of_equal_width(grid, pa.string(), validity_of(values))


UUIDS = Uuid()
