"""Numbers of 64 bits."""

import json
import math
import re
from decimal import Decimal
from types import NoneType
from typing import Any

import pyarrow as pa
from sqlalchemy import types as sql

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow
from rowferry.arrow.masks import Mask, mask_of, only
from rowferry.kinds.digits import NUMBER, Digits, fraction_of
from rowferry.kinds.kind import InSqlite, Kind, SentByPostgresql, cast_or_keep, is_number
from rowferry.kinds.unfit import OutOfRangeError, UnfitError

_GRAMMAR = re.compile(NUMBER + "(?P<exponent>[eE][+-]?[0-9]+)?", re.ASCII)

_SAFE_DIGITS = 15
"""Whole numbers of so many digits fit into a double, whatever they are."""

_SURE_DECIMALS = 100
"""With so many of them, a number is still far from what a double takes for 0."""

_SURE_WITH_EXPONENT = rf"^-?[0-9]{{1,{_SAFE_DIGITS}}}(?:\.[0-9]{{1,{_SURE_DECIMALS}}})?[eE][+-]?[0-9]{{1,2}}$"


class Float(Kind):
    """The number of 64 bits that is nearest."""

    name = "float"
    noun = "a number"
    sql_types = (sql.Float,)
    json_types = ("whole", "fractional")
    json_schema = float
    example = 0.5
    sample: sql.TypeEngine[Any] = sql.Double()
    kept = "The nearest number of 64 bits."
    sent_by_postgresql = SentByPostgresql("float8send({})", ">f8")
    sqlite = InSqlite(
        classes=frozenset({float, int, NoneType}),
        spoiled_by=("TEXT",),
        left_alone_by=("BLOB",),
        unusual="typeof({0}) = 'text'",
        joined=None,
    )

    def arrow(self, column_type: Any) -> pa.DataType:
        return pa.float64()

    def avro(self, arrow: pa.DataType) -> str:
        return "double"

    def promoted(self, values: pa.Array, arrow: pa.DataType) -> pa.Array:
        number = pa.types.is_integer(values.type) or pa.types.is_floating(values.type)
        return cast_or_keep(values, arrow) if number else values

    def parse(self, text: str) -> float:
        """The double that is nearest to a number: that is what its digits mean where it has a fraction or an exponent.

        A whole number without exponent counts something, so that it must not change: 9007199254740993 is out of range,
        since it would become …992. Only the shortest spelling of a double is taken for it, as programs write it:
        1152921504606847000 is how JavaScript spells 2 to the power of 60.
        """
        found = _GRAMMAR.fullmatch(text)
        if not found:
            raise UnfitError
        value = float(text)
        if math.isinf(value):
            raise OutOfRangeError
        if not value and (found["whole"] or "").strip("0") + fraction_of(found):
            raise OutOfRangeError("it would become 0")
        if len(text) > _SAFE_DIGITS and not found["exponent"] and not fraction_of(found):
            counted = Decimal(text)
            if counted not in (int(value), Decimal(repr(value))):
                raise OutOfRangeError(f"it would become {int(value)}")
        return value

    def read(self, texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
        """Sure of numbers whose whole part any double can hold, and that are neither too large nor too small."""
        digits = Digits.of(texts)
        sure = digits.is_number & (digits.before <= _SAFE_DIGITS) & (digits.behind <= _SURE_DECIMALS)
        if not digits.is_number.all():
            others = ~digits.is_number
            among = pc.where(texts, as_arrow(others))
            sure[others] = mask_of(pc.match_substring_regex(among, pattern=_SURE_WITH_EXPONENT))
        return pc.cast(only(texts, sure), arrow), sure

    def limits(self, arrow: pa.DataType) -> str:
        return "be a number that fits into 64 bits"

    def fitting(self, values: pa.Array, arrow: pa.DataType, *, present: bool) -> pa.BooleanArray | None:
        """One that is present may be infinite, or no number."""
        if values.type != arrow:
            return None
        return pc.is_valid(values) if present else pc.is_finite(values)

    def takes(self, value: object, arrow: pa.DataType) -> bool:
        return is_number(value)

    def spell(self, value: Any) -> str:
        if isinstance(value, int) and value != (kept := int(float(value))):
            raise OutOfRangeError(f"it would become {kept}")
        return format(value, "f") if isinstance(value, Decimal) else str(value)

    def to_json(self, value: Any) -> object:
        """Of infinite numbers, and what is no number, a text, as JSON has none."""
        return value if math.isfinite(value) else json.dumps(value)

    def kept_by_postgresql(self, column_type: str, arrow: pa.DataType) -> bool:
        return column_type == "double precision"

    def widest(self, *size: int) -> pa.DataType:
        return pa.float64()

    def spell_sqlite(self, stored: Any) -> str:
        if isinstance(stored, int) and float(stored) != stored:
            raise OutOfRangeError
        return super().spell_sqlite(stored)

    def from_sqlite(self, stored: Any, arrow: pa.DataType) -> Any:
        """Numbers are what they are, infinite ones, too."""
        return stored if isinstance(stored, float) else super().from_sqlite(stored, arrow)


FLOAT = Float()
