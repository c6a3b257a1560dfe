"""Decimal numbers of a given precision and scale."""

import math
import re
from decimal import Decimal as Number
from types import NoneType
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import types as sql

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import of_equal_width, validity_of
from rowferry.arrow.masks import Mask, only
from rowferry.kinds.digits import NUMBER, Digits, fraction_of
from rowferry.kinds.integers import IN_POSTGRESQL
from rowferry.kinds.kind import InSqlite, Kind, between, cast_or_keep, is_number
from rowferry.kinds.unfit import OutOfRangeError, UnfitError

_GRAMMAR = re.compile(NUMBER, re.ASCII)
_SHORT_DIGITS, MOST_DIGITS = 38, 76
"""So many digits fit into decimals of 128 and of 256 bits."""

_NUMERIC = re.compile(r"numeric(?:\(\d+,(-?\d+)\))?")

_LONG_BYTES = 32

_STORED = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_MOST_STORED_DIGITS = 400
"""No number of 64 bits has more of them."""


class Decimal(Kind):
    """A decimal number, kept to its last digit."""

    name = "decimal"
    noun = "a decimal number"
    sql_types = (sql.Numeric,)
    json_types = ("whole", "fractional")
    json_schema = Number
    example = "12.50"
    sample = sql.Numeric(12, 2)
    kept = "All digits; SQLite up to 15 of them."
    sqlite = InSqlite(
        classes=frozenset({float, int, NoneType}),
        spoiled_by=(),
        left_alone_by=("TEXT", "BLOB"),
        unusual="typeof({0}) <> 'null'",
        joined=None,
    )

    def covers(self, column_type: Any, dialect: str) -> bool:
        return super().covers(column_type, dialect) and 0 < (column_type.precision or 0) <= MOST_DIGITS

    def arrow(self, column_type: Any) -> pa.DataType:
        sort = pa.decimal128 if column_type.precision <= _SHORT_DIGITS else pa.decimal256
        return sort(column_type.precision, column_type.scale or 0)

    def avro(self, arrow: pa.DataType) -> dict[str, Any]:
        return {"type": "bytes", "logicalType": "decimal", "precision": arrow.precision, "scale": arrow.scale}

    def avro_default(self, value: Any, arrow: pa.DataType) -> str:
        unscaled = int(format(pa.scalar(value, arrow).as_py(), "f").replace(".", ""))
        return unscaled.to_bytes((unscaled.bit_length() + 8) // 8, "big", signed=True).decode("latin-1")

    def to_avro(self, values: pa.Array) -> pa.Array:
        """What takes 256 bits is spelled as bytes, the highest first, which the encoder does not do."""
        if not pa.types.is_decimal256(values.type):
            return values
        places = np.frombuffer(values.buffers()[1] or b"", dtype=np.uint8).reshape(-1, _LONG_BYTES)
        spelled = places[values.offset : values.offset + len(values), ::-1]
        return of_equal_width(spelled, pa.binary(), validity_of(values))

    def promoted(self, values: pa.Array, arrow: pa.DataType) -> pa.Array:
        exact = pa.types.is_integer(values.type) or pa.types.is_decimal(values.type)
        return cast_or_keep(values, arrow) if exact else values

    def parse(self, text: str) -> Number:
        found = _GRAMMAR.fullmatch(text)
        if not found:
            raise UnfitError
        # Arrow miscounts a value of more digits than it can hold, though those at the end be zeros.
        return Number(f"{found['sign']}{found['whole'] or '0'}.{fraction_of(found)}")

    def read(self, texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
        """Sure of digits with or without a point, and with or without a minus sign, that fit as they stand."""
        digits = Digits.of(texts)
        fits = (digits.before <= arrow.precision - arrow.scale) & (digits.behind <= arrow.scale)
        sure = digits.is_number & fits
        return pc.cast(only(texts, sure), arrow), sure

    def holds(self, value: Number, arrow: pa.DataType) -> bool:
        before, _, behind = format(value.copy_abs(), "f").partition(".")
        fits = len(before.lstrip("0")) <= arrow.precision - arrow.scale
        return bool(fits and len(behind.rstrip("0")) <= arrow.scale)

    def limits(self, arrow: pa.DataType) -> str:
        before = arrow.precision - arrow.scale
        return f"have at most {before} digits before and {arrow.scale} after the decimal point"

    def fitting(self, values: pa.Array, arrow: pa.DataType, *, present: bool) -> pa.BooleanArray | None:
        if values.type != arrow:
            return None
        most = Number((0, (9,) * arrow.precision, -arrow.scale))
        return between(values, most.copy_negate(), most)

    def takes(self, value: object, arrow: pa.DataType) -> bool:
        return is_number(value)

    def spell(self, value: Any) -> str:
        if isinstance(value, float) and math.isfinite(value):
            value = Number(repr(value))
        return format(value, "f") if isinstance(value, Number) else str(value)

    def to_json(self, value: Any) -> str:
        return format(value, "f")

    def kept_by_postgresql(self, column_type: str, arrow: pa.DataType) -> bool:
        if found := _NUMERIC.fullmatch(column_type):
            return found[1] is None or int(found[1]) >= int(arrow.scale)
        return not arrow.scale and column_type in IN_POSTGRESQL.values()

    def widest(self, *size: int) -> pa.DataType:
        return (pa.decimal128 if size[0] <= _SHORT_DIGITS else pa.decimal256)(*size)

    def spell_sqlite(self, stored: Any) -> str:
        if isinstance(stored, bytes) or not _STORED.fullmatch(str(stored)):
            return super().spell_sqlite(stored)
        number = Number(str(stored))
        if abs(number.adjusted()) > _MOST_STORED_DIGITS:
            raise OutOfRangeError
        return format(number, "f")

    def read_sqlite(self, stored: tuple[Any, ...], arrow: pa.DataType) -> pa.Array:
        texts = [None if value is None else repr(value) for value in stored]
        return pc.cast(pa.array(texts, pa.string()), arrow)


DECIMAL = Decimal()
