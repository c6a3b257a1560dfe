"""The kinds of values: for each, its grammar in text, its Arrow type, and its SQL types.

`parse` is the exact judge of one text. `read` judges a whole column of texts at once, and may only be *sure* of texts
that `parse` accepts with the same value; all others are left to `parse`. So there is one definition of right and
wrong, and speed where it matters (docs/decisions/0002-one-judge-two-speeds.md).
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
from sqlalchemy import types as sql

from rowferry.dictionary.datetimes import parse_date, parse_datetime
from rowferry.dictionary.sure_values import Mask, read_datetimes, read_integers, read_none, read_texts
from rowferry.dictionary.unfit import OutOfRangeError, UnfitError


@dataclass(frozen=True)
class Kind:
    """One kind of value; `noun` completes the sentence "must be …"."""

    name: str
    noun: str
    parse: Callable[[str], object]
    read: Callable[[pa.StringArray, pa.DataType], tuple[pa.Array, Mask]]


_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_INT64 = (-(2**63), 2**63 - 1)


def parse_integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise UnfitError
    digits = text.lstrip("+-").lstrip("0") or "0"
    if len(digits) > 19:
        raise OutOfRangeError
    value = -int(digits) if text[0] == "-" else int(digits)
    if not _INT64[0] <= value <= _INT64[1]:
        raise OutOfRangeError
    return value


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def parse_text(text: str) -> str:
    if _UNSTORABLE.search(text):
        raise UnfitError
    return text


_BOOLEANS = {"true": True, "false": False, "t": True, "f": False}


def parse_boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError as error:
        raise UnfitError from error


_DIGITS = r"(?P<sign>[+-]?)(?:(?P<whole>[0-9]+)(?:\.(?P<fraction>[0-9]*))?|\.(?P<only_fraction>[0-9]+))"
_DECIMAL = re.compile(_DIGITS, re.ASCII)
_FLOAT = re.compile(_DIGITS + "(?P<exponent>[eE][+-]?[0-9]+)?", re.ASCII)


def parse_decimal(text: str) -> Decimal:
    found = _DECIMAL.fullmatch(text)
    if not found:
        raise UnfitError
    # Arrow miscounts a value of more digits than it can hold, though those at the end be zeros.
    return Decimal(f"{found['sign']}{found['whole'] or '0'}.{_fraction(found)}")


def parse_float(text: str) -> float:
    """The double that is nearest to a number, which is what its digits mean where it has a fraction or an exponent.

    A whole number without exponent counts something, so that it must not change: 9007199254740993 is out of range,
    since it would become …992. Only the shortest spelling of a double is taken for it, as programs write it:
    1152921504606847000 is how JavaScript spells 2 to the power of 60.
    """
    found = _FLOAT.fullmatch(text)
    if not found:
        raise UnfitError
    value = float(text)
    if math.isinf(value):
        raise OutOfRangeError
    if not value and (found["whole"] or "").strip("0") + _fraction(found):
        raise OutOfRangeError("it would become 0")
    if len(text) > _SAFE_DIGITS and not found["exponent"] and not _fraction(found):
        counted = int(f"{found['sign']}{found['whole'] or '0'}")
        if counted not in (int(value), Decimal(repr(value))):
            raise OutOfRangeError(f"it would become {int(value)}")
    return value


_SAFE_DIGITS = 15
"""Whole numbers of so many digits fit into a double, whatever they are."""


def _fraction(found: re.Match[str]) -> str:
    """The digits behind the point, but zeros at the end."""
    return (found["fraction"] or found["only_fraction"] or "").rstrip("0")


INTEGER = Kind("integer", "an integer", parse_integer, read_integers)
DATETIME = Kind("datetime", "a date and time in ISO 8601", parse_datetime, read_datetimes)
TEXT = Kind("text", "text", parse_text, read_texts)
DATE = Kind("date", "a date (YYYY-MM-DD)", parse_date, read_none)
BOOLEAN = Kind("boolean", "true or false", parse_boolean, read_none)
DECIMAL = Kind("decimal", "a decimal number", parse_decimal, read_none)
FLOAT = Kind("float", "a number", parse_float, read_none)


def kind_of(column_type: sql.TypeEngine[Any]) -> tuple[Kind, pa.DataType]:
    """The kind and the Arrow type of a SQLAlchemy column type.

    Raises:
        LookupError: No kind covers the type.
    """
    for sql_type, kind, arrow in _KINDS:
        if isinstance(column_type, sql_type):
            return kind, arrow(column_type)
    raise LookupError(f"{column_type!r}: use a type of texts, numbers, truth values, dates or instants")


def _decimal(column_type: Any) -> pa.DataType:
    if column_type.precision is None or column_type.precision > 38:
        raise LookupError(f"{column_type!r}: say its precision, 38 digits at most")
    return pa.decimal128(column_type.precision, column_type.scale or 0)


def _float(column_type: Any) -> pa.DataType:
    if isinstance(column_type, sql.REAL) or (column_type.precision or _DOUBLE) < _DOUBLE:
        raise LookupError(f"{column_type!r}: numbers of 64 bits need Float without a precision, or Double")
    return pa.float64()


_DOUBLE = 25
"""From this precision on, in bits, SQL keeps a number of 64 bits."""


def _instant(column_type: Any) -> pa.DataType:
    if not column_type.timezone:
        raise LookupError(f"{column_type!r}: instants need DateTime(timezone=True)")
    return pa.timestamp("us", "UTC")


_KINDS: tuple[tuple[type[sql.TypeEngine[Any]], Kind, Callable[[Any], pa.DataType]], ...] = (
    (sql.Boolean, BOOLEAN, lambda _: pa.bool_()),
    (sql.SmallInteger, INTEGER, lambda _: pa.int16()),
    (sql.BigInteger, INTEGER, lambda _: pa.int64()),
    (sql.Integer, INTEGER, lambda _: pa.int32()),
    (sql.Float, FLOAT, _float),
    (sql.Numeric, DECIMAL, _decimal),
    (sql.DateTime, DATETIME, _instant),
    (sql.Date, DATE, lambda _: pa.date32()),
    (sql.Enum, TEXT, lambda _: _no_enum()),
    (sql.String, TEXT, lambda _: pa.string()),
)


def _no_enum() -> pa.DataType:
    raise LookupError("Enum: use String with a CheckConstraint")
