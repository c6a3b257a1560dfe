"""Integers of 16, 32 and 64 bits."""

import re
from decimal import Decimal
from types import NoneType
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import types as sql

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow, letters_of
from rowferry.arrow.masks import Mask, only
from rowferry.kinds.kind import InSqlite, Kind, SentByPostgresql, between, cast_or_keep, is_number, whole
from rowferry.kinds.unfit import OutOfRangeError, UnfitError

_GRAMMAR = re.compile(r"[+-]?[0-9]+", re.ASCII)
_MOST_DIGITS = 19
"""No integer of 64 bits has more."""

_SURE_DIGITS = {16: 4, 32: 9, 64: 18}
"""As many digits fit a type of so many bits, whatever they are."""

IN_POSTGRESQL = {16: "smallint", 32: "integer", 64: "bigint"}


class Integer(Kind):
    """An integer of up to 64 bits."""

    name = "integer"
    noun = "an integer"
    sql_types = (sql.Integer,)
    json_types = ("whole",)
    json_schema = int
    example = 1
    sample = sql.Integer()
    sent_by_postgresql = SentByPostgresql("int8send({})", ">i8")
    sqlite = InSqlite(
        classes=frozenset({int, NoneType}),
        spoiled_by=("TEXT", "REAL"),
        left_alone_by=("BLOB",),
        unusual="typeof({0}) = 'text'",
        joined="numbers",
    )

    def arrow(self, column_type: Any) -> pa.DataType:
        if isinstance(column_type, sql.SmallInteger):
            return pa.int16()
        return pa.int64() if isinstance(column_type, sql.BigInteger) else pa.int32()

    def default(self, value: Any) -> object:
        """True counts as 1, as a member of an IntEnum counts as its number, and 1.0 as 1."""
        return int(value) if isinstance(value, int) else whole(value)

    def avro(self, arrow: pa.DataType) -> str:
        return "long" if arrow == pa.int64() else "int"

    def promoted(self, values: pa.Array, arrow: pa.DataType) -> pa.Array:
        if pa.types.is_decimal(values.type) and values.type.scale == 0:
            return cast_or_keep(values, pa.int64())
        return values

    def parse(self, text: str) -> int:
        if not _GRAMMAR.fullmatch(text):
            raise UnfitError
        digits = text.lstrip("+-").lstrip("0") or "0"
        if len(digits) > _MOST_DIGITS:
            raise OutOfRangeError
        value = -int(digits) if text[0] == "-" else int(digits)
        if not self.holds(value, pa.int64()):
            raise OutOfRangeError
        return value

    def read(self, texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
        """Sure of digits, with or without a minus sign before them, that fit the type."""
        sure = _digits_only(texts)
        long = sure & (np.diff(letters_of(texts)[0]) > _SURE_DIGITS[arrow.bit_width])
        if long.any():
            sure[long] = _fits(pc.where(texts, as_arrow(long)), arrow)
        return pc.cast(only(texts, sure), arrow), sure

    def bounds(self, arrow: pa.DataType) -> tuple[int, int]:
        return -(2 ** (arrow.bit_width - 1)), 2 ** (arrow.bit_width - 1) - 1

    def holds(self, value: int, arrow: pa.DataType) -> bool:
        least, greatest = self.bounds(arrow)
        return least <= value <= greatest

    def limits(self, arrow: pa.DataType) -> str:
        least, greatest = self.bounds(arrow)
        return f"be between {least} and {greatest}"

    def fitting(self, values: pa.Array, arrow: pa.DataType, *, present: bool) -> pa.BooleanArray | None:
        if not pa.types.is_integer(values.type) or values.type == pa.uint64():
            return None
        return between(pc.cast(values, pa.int64()), *self.bounds(arrow))

    def takes(self, value: object, arrow: pa.DataType) -> bool:
        is_whole = pa.types.is_integer(arrow) or (pa.types.is_decimal(arrow) and arrow.scale == 0)
        return bool(is_whole) and is_number(value)

    def spell(self, value: Any) -> str:
        return format(value, "f") if isinstance(value, Decimal) else str(value)

    def kept_by_postgresql(self, column_type: str, arrow: pa.DataType) -> bool:
        return column_type == IN_POSTGRESQL[arrow.bit_width]

    def widest(self, *size: int) -> pa.DataType:
        return pa.int64()

    def spell_sqlite(self, stored: Any) -> str:
        return super().spell_sqlite(whole(stored))


def _fits(texts: pa.StringArray, arrow: pa.DataType) -> Mask:
    """Which whole numbers fit a type; silent about all of them if one does not fit 64 bits."""
    try:
        values = pc.cast(texts, pa.int64()).to_numpy()
    except pa.ArrowInvalid:
        return np.zeros(len(texts), dtype=np.bool_)
    least, most = INTEGER.bounds(arrow)
    return np.asarray((values >= least) & (values <= most))


def _digits_only(texts: pa.StringArray) -> Mask:
    """Where a text is one or more digits, with or without a minus sign before them."""
    offsets, letters = letters_of(texts)
    lengths = np.diff(offsets)
    fit = lengths > 0
    others = np.flatnonzero(letters - ord("0") > 9)  # what is less than 0 wraps around
    if len(others):
        row = np.searchsorted(offsets, others, side="right") - 1
        is_sign = (letters[others] == ord("-")) & (others == offsets[row]) & (lengths[row] > 1)
        fit[row[~is_sign]] = False
    return np.asarray(fit)


INTEGER = Integer()
