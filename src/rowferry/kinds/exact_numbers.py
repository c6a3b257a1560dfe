"""Decimal numbers of any length, where a database has them: kept digit by digit, with the zeros at their end.

Arrow has no decimals of more than 76 digits. So their digits stand in *large* texts, as those of no other kind do: by
that, a database knows them.
"""

import re
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import types as sql

from rowferry.arrow import compute as pc
from rowferry.arrow.masks import Mask, at_most, mask_of, only
from rowferry.kinds.decimals import DECIMAL, MOST_DIGITS
from rowferry.kinds.digits import MOST_BEFORE, MOST_BEHIND, NUMBER
from rowferry.kinds.kind import Kind
from rowferry.kinds.unfit import OutOfRangeError, UnfitError

_GRAMMAR = re.compile(NUMBER, re.ASCII)
_SURE = r"^(?:-?[1-9][0-9]*(?:\.[0-9]+)?|-?0\.[0-9]*[1-9][0-9]*|0(?:\.0+)?)$"
_SURE_LENGTH = 500
"""Looked at beside the pattern: with counts in it, it would take 20 ms to compile, which it is for each column."""

_SENT = r"^-?[0-9]+(?:\.[0-9]+)?$"


class ExactNumber(Kind):
    """A decimal number, spelled as PostgreSQL spells it."""

    name = "exact number"
    noun = "a decimal number"
    sql_types = (sql.Numeric,)
    sample = sql.Numeric()
    json_types = ("whole", "fractional")
    json_schema = DECIMAL.json_schema
    example = "3.14159265358979323846264338327950288419716939937510"
    kept = (
        "All digits, and zeros at the end; 1.0 and 1.00 are equal. They are no key, reference or unique value. SQLite "
        "has no such numbers."
    )
    tells_apart = False
    sqlite = DECIMAL.sqlite

    def covers(self, column_type: Any, dialect: str) -> bool:
        is_float = isinstance(column_type, sql.Float)
        is_long = (getattr(column_type, "precision", None) or MOST_DIGITS + 1) > MOST_DIGITS
        return super().covers(column_type, dialect) and is_long and not is_float

    def arrow(self, column_type: Any) -> pa.DataType:
        if column_type.precision is not None:
            raise LookupError(f"{column_type!r}: use at most {MOST_DIGITS} digits, or no number of them for any")
        return pa.large_string()

    def avro(self, arrow: pa.DataType) -> str:
        return "string"

    def to_avro(self, values: pa.Array) -> pa.Array:
        return pc.cast(values, pa.string())

    def parse(self, text: str) -> str:
        found = _GRAMMAR.fullmatch(text)
        if not found:
            raise UnfitError
        whole = (found["whole"] or "").lstrip("0") or "0"
        fraction = found["fraction"] or found["only_fraction"] or ""
        if len(whole) > MOST_BEFORE or len(fraction) > MOST_BEHIND:
            raise OutOfRangeError
        sign = "-" if found["sign"] == "-" and (whole + fraction).strip("0") else ""
        return f"{sign}{whole}{fraction and '.'}{fraction}"

    def read(self, texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
        """Sure of numbers that are spelled as they are kept."""
        sure = mask_of(pc.match_substring_regex(texts, pattern=_SURE)) & at_most(texts, _SURE_LENGTH)
        return pc.cast(only(texts, sure), arrow), np.asarray(sure)

    def limits(self, arrow: pa.DataType) -> str:
        return f"have at most {MOST_BEFORE:,} digits before and {MOST_BEHIND:,} after the decimal point"

    def fitting(self, values: pa.Array, arrow: pa.DataType, *, present: bool) -> pa.BooleanArray | None:
        return pc.is_valid(values) if values.type == arrow else None

    def takes(self, value: object, arrow: pa.DataType) -> bool:
        return DECIMAL.takes(value, arrow)

    def spell(self, value: Any) -> str:
        return DECIMAL.spell(value)

    def to_json(self, value: Any) -> str:
        return value if isinstance(value, str) else format(value, "f")

    def kept_by_postgresql(self, column_type: str, arrow: pa.DataType) -> bool:
        return column_type == "numeric"

    def received(self, sent: pa.Array, arrow: pa.DataType) -> pa.Array:
        if pc.any_of(pc.invert(pc.match_substring_regex(sent, pattern=_SENT))).as_py():
            raise pa.ArrowInvalid("infinite, or no number")
        return pc.cast(sent, arrow)

    def widest(self, *size: int) -> pa.DataType:
        return pa.large_string()


EXACT = ExactNumber()
