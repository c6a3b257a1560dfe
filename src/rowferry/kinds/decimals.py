"""Decimal numbers of a given precision and scale."""

import math
import re
from decimal import Decimal as Number
from types import NoneType
from typing import Any

import pyarrow as pa
from sqlalchemy import types as sql

from rowferry.arrow import compute as pc
from rowferry.arrow.masks import Mask, only
from rowferry.kinds.digits import NUMBER, Digits, fraction_of
from rowferry.kinds.integers import IN_POSTGRESQL
from rowferry.kinds.kind import InSqlite, Kind, between, cast_or_keep, is_number
from rowferry.kinds.unfit import OutOfRangeError, UnfitError

_GRAMMAR = re.compile(NUMBER, re.ASCII)
_MOST_DIGITS = 38
_NUMERIC = re.compile(r"numeric(?:\(\d+,(-?\d+)\))?")

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
    sqlite = InSqlite(
        classes=frozenset({float, int, NoneType}),
        spoiled_by=(),
        left_alone_by=("TEXT", "BLOB"),
        unusual="typeof({0}) <> 'null'",
        joined=None,
    )

    def arrow(self, column_type: Any) -> pa.DataType:
        if column_type.precision is None or column_type.precision > _MOST_DIGITS:
            raise LookupError(f"{column_type!r}: give its precision, at most {_MOST_DIGITS} digits")
        return pa.decimal128(column_type.precision, column_type.scale or 0)

    def avro(self, arrow: pa.DataType) -> dict[str, Any]:
        return {"type": "bytes", "logicalType": "decimal", "precision": arrow.precision, "scale": arrow.scale}

    def avro_default(self, value: Any, arrow: pa.DataType) -> str:
        unscaled = int(pa.scalar(value, arrow).as_py().scaleb(arrow.scale))
        return unscaled.to_bytes((unscaled.bit_length() + 8) // 8, "big", signed=True).decode("latin-1")

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
        most = Number(10**arrow.precision - 1).scaleb(-arrow.scale)
        return between(values, -most, most)

    def takes(self, value: object, arrow: pa.DataType) -> bool:
        return is_number(value)

    def spell(self, value: Any) -> str:
        if isinstance(value, float) and math.isfinite(value):
            value = Number(repr(value))
        return format(value, "f") if isinstance(value, Number) else str(value)

    def to_json(self, value: Any) -> str:
        return str(value)

    def kept_by_postgresql(self, column_type: str, arrow: pa.DataType) -> bool:
        if found := _NUMERIC.fullmatch(column_type):
            return found[1] is None or int(found[1]) >= int(arrow.scale)
        return not arrow.scale and column_type in IN_POSTGRESQL.values()

    def widest(self, *size: int) -> pa.DataType:
        return pa.decimal128(*size)

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
