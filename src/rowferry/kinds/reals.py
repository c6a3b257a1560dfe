"""Numbers of 32 bits, where a database has them: to SQLite, any REAL has 64."""

import math
import re
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import types as sql

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow
from rowferry.arrow.masks import Mask
from rowferry.kinds.floats import Float
from rowferry.kinds.kind import SentByPostgresql
from rowferry.kinds.unfit import OutOfRangeError

_DOUBLE = 25
"""From this precision on, in bits, SQL keeps a number of 64 bits."""

_WHOLE = re.compile(r"[+-]?[0-9]+\.?0*", re.ASCII)
_CUT_OFF, _HALF = 0x1FFF_FFFF, 0x1000_0000
"""The bits of 64 that 32 have no room for, and what they are half-way between two numbers."""

_BEYOND = 2.0**128
"""The number after the greatest one, if there were one bit more."""

_SAFE = 2**24
"""Whole numbers up to this one fit, whatever they are."""


class Real(Float):
    """The number of 32 bits that is nearest."""

    name = "real"
    sample: sql.TypeEngine[Any] = sql.REAL()
    kept = "The nearest number of 32 bits. To SQLite, these columns have 64 bits (*float*)."
    sent_by_postgresql = SentByPostgresql("float4send({})", ">f4")

    def covers(self, column_type: Any, dialect: str) -> bool:
        is_short = isinstance(column_type, sql.REAL) or 0 < (getattr(column_type, "precision", 0) or 0) < _DOUBLE
        return dialect != "sqlite" and super().covers(column_type, dialect) and is_short

    def arrow(self, column_type: Any) -> pa.DataType:
        return pa.float32()

    def avro(self, arrow: pa.DataType) -> str:
        return "float"

    def promoted(self, values: pa.Array, arrow: pa.DataType) -> pa.Array:
        """A number of a file that has none of 32 bits in its place is judged as its text."""
        if pa.types.is_integer(values.type):
            return values
        if values.type != pa.float64():
            return super().promoted(values, arrow)
        short = pc.cast(values, arrow, safe=False)
        is_same = pc.or_(pc.equal(pc.cast(short, values.type), values), pc.is_null(values))
        return short if pc.all_of(is_same).as_py() else values

    def parse(self, text: str) -> float:
        """As for a number of 64 bits: a whole number must not change, but for the shortest spelling of one."""
        value = super().parse(text)
        nearest = _nearest(text, value)
        if math.isinf(nearest):
            raise OutOfRangeError
        if value and not nearest:
            raise OutOfRangeError("it would become 0")
        if abs(value) > _SAFE and _WHOLE.fullmatch(text) and value != nearest and float(_shortest(nearest)) != value:
            raise OutOfRangeError(f"it would become {int(nearest)}")
        return nearest

    def read(self, texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
        """Sure of what is neither large nor very small, nor half-way between two numbers, as far as 64 bits can say."""
        values, sure = super().read(texts, pa.float64())
        numbers = pc.fill_null(values, 0.0).to_numpy(zero_copy_only=False)
        sizes = np.abs(numbers)
        sure &= (sizes <= _SAFE) & ((sizes == 0) | (sizes > np.finfo(np.float32).tiny))
        sure &= numbers.view(np.uint64) & np.uint64(_CUT_OFF) != _HALF
        return pc.cast(pc.if_else(as_arrow(sure), values, pa.scalar(None, values.type)), arrow, safe=False), sure

    def limits(self, arrow: pa.DataType) -> str:
        return "be a number that fits into 32 bits"

    def spell(self, value: Any) -> str:
        return str(value) if isinstance(value, float) else super().spell(value)

    def to_json(self, value: Any) -> object:
        """The shortest number that is nearest to no other one of 32 bits."""
        return float(_shortest(value)) if math.isfinite(value) else super().to_json(value)

    def kept_by_postgresql(self, column_type: str, arrow: pa.DataType) -> bool:
        return column_type == "real"

    def widest(self, *size: int) -> pa.DataType:
        return pa.float32()


def _nearest(text: str, value: float) -> float:
    """The number of 32 bits that is nearest to a text, whose nearest one of 64 bits is given.

    To round twice is wrong where that one is half-way between two others, and the text is not.
    """
    with np.errstate(over="ignore", under="ignore"):
        near = np.float32(value)
        other = np.nextafter(near, np.float32(math.copysign(math.inf, value - float(near))))
    # Infinity stands where the next number would be, and half of each, since twice a number of 64 bits may be none.
    ends = (math.copysign(min(abs(float(end)), _BEYOND), value) for end in (near, other))
    if value == float(near) or sum(end / 2 for end in ends) != value:
        return float(near)
    exact, half = Decimal(text).copy_abs(), Decimal(value).copy_abs()
    if exact == half:
        return float(near)
    return float(max(near, other, key=abs) if exact > half else min(near, other, key=abs))


def _shortest(value: float) -> str:
    return str(np.float32(value))


REAL = Real()
