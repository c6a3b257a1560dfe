"""The kinds of values: for each, its grammar in text, its Arrow type, and its SQL types.

`parse` is the exact judge of one text. `read` judges a whole column of texts at once, and may only be *sure* of texts
that `parse` accepts with the same value; all others are left to `parse`. So there is one definition of right and
wrong, and speed where it matters (docs/decisions/0002-one-judge-two-speeds.md).
"""

import datetime as dt
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import types as sql

Mask = npt.NDArray[np.bool_]


class UnfitError(ValueError):
    """The text does not fit the grammar of its kind."""


class OutOfRangeError(UnfitError):
    """The text fits the grammar, but no column can hold the value."""


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


def read_integers(texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
    """Sure of up to 9 digits (18 for 64 bits, 4 for 16), with or without a minus sign."""
    letters = _letters(texts)
    values = None if b"x" in letters or b"X" in letters else _cast_all(texts, arrow)  # Arrow takes 0x1F, too
    if values is not None:
        return values, np.ones(len(texts), dtype=np.bool_)
    sure = _plainly_digits(texts, letters, {16: 4, 32: 9, 64: 18}[arrow.bit_width])
    return pc.cast(pc.if_else(pa.array(sure), texts, _ZERO), arrow), sure


_ZERO = pa.scalar("0")


def _plainly_digits(texts: pa.StringArray, letters: bytes, longest: int) -> Mask:
    """Where a text is a few digits, with or without a minus sign before them."""
    offsets = _offsets(texts)
    lengths = np.diff(offsets)
    data = np.frombuffer(letters, dtype=np.uint8)
    others = np.flatnonzero(data - ord("0") > 9)  # numbers without a sign wrap around
    counts = np.bincount(np.searchsorted(offsets, others, side="right") - 1, minlength=len(lengths))
    minus = np.zeros(len(lengths), dtype=np.bool_)
    some = lengths > 0
    minus[some] = data[offsets[:-1][some]] == ord("-")
    digits = lengths - minus
    return np.asarray((counts == minus) & (digits > 0) & (digits <= longest))


def _offsets(texts: pa.StringArray) -> npt.NDArray[np.int32]:
    """Where each text begins in the letters of all, and at last where the last one ends."""
    found = np.frombuffer(texts.buffers()[1], dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return np.asarray(found - found[0])


def _cast_all(texts: pa.StringArray, arrow: pa.DataType) -> pa.Array | None:
    """All texts cast by Arrow, or None if one cannot be."""
    try:
        return pc.cast(texts, arrow)
    except pa.ArrowInvalid:
        return None


def _letters(texts: pa.StringArray) -> bytes:
    """The bytes of all texts, one behind the other."""
    _, ends, letters = texts.buffers()
    if letters is None:
        return b""
    bounds = np.frombuffer(ends, dtype=np.int32)[[texts.offset, texts.offset + len(texts)]]
    return bytes(memoryview(letters)[bounds[0] : bounds[1]])


_DATETIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?(?:(Z)|([+-])(\d\d)(?::?(\d\d))?)?", re.ASCII
)


def parse_datetime(text: str) -> dt.datetime:
    """The instant (UTC) of an ISO 8601 date and time in extended format; without a zone it means UTC."""
    found = _DATETIME.fullmatch(text)
    if not found:
        raise UnfitError
    year, month, day, hour, minute = (int(part) for part in found.groups()[:5])
    second, fraction, _, sign, zone_hours, zone_minutes = found.groups()[5:]
    offset = dt.timedelta(hours=int(zone_hours or 0), minutes=int(zone_minutes or 0))
    if int(zone_hours or 0) > 23 or int(zone_minutes or 0) > 59:
        raise UnfitError
    try:
        micro = int((fraction or "").ljust(6, "0"))
        local = dt.datetime(year, month, day, hour, minute, int(second or 0), micro, dt.UTC)
        return local + offset if sign == "-" else local - offset
    except (ValueError, OverflowError) as error:
        raise UnfitError from error


# Every day but 29 February of the years 1000 to 2999: what Arrow's reader of ISO 8601 takes without failing.
_SURE_DAY = (
    r"^[12]\d{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    r"|02-(?:0[1-9]|1\d|2[0-8]))"
)
_SURE_TIME = r"[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?"
_SURE_ZONED = _SURE_DAY + _SURE_TIME + r"(?:Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)$"
_SURE_BARE = _SURE_DAY + _SURE_TIME + "$"
_ANY_ZONED, _ANY_BARE = pa.scalar("1970-01-01 00:00Z"), pa.scalar("1970-01-01 00:00")


def read_datetimes(texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
    """Sure of the grammar's forms in the years 1000 to 2999, but for 29 February."""
    found = _read_usual(texts, arrow)
    if found is not None:
        return found
    zoned = pc.match_substring_regex(texts, _SURE_ZONED)
    mask = _mask(zoned)
    if mask.all():
        return pc.cast(texts, arrow), mask
    bare = pc.match_substring_regex(texts, _SURE_BARE)
    of_zoned = pc.cast(pc.if_else(zoned, texts, _ANY_ZONED), arrow)
    of_bare = pc.cast(pc.if_else(bare, texts, _ANY_BARE), pa.timestamp("us")).cast(pa.int64()).cast(arrow)
    return pc.if_else(zoned, of_zoned, of_bare), mask | _mask(bare)


_USUAL = np.frombuffer(b"\0\0\0\0-\0\0-\0\0T\0\0:\0\0:\0\0Z", dtype=np.uint8)
_USUAL_AT = np.flatnonzero(_USUAL)


def _read_usual(texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask] | None:
    """Sure of texts like 2021-11-07T02:48:42Z, from the year 1000 on; None if less than nine in ten are such."""
    usual = pc.equal(pc.binary_length(texts), pa.scalar(len(_USUAL), pa.int32()))
    mask = _mask(usual)
    if mask.sum() * 10 < len(texts) * 9:
        return None
    alike = texts if mask.all() else pc.if_else(usual, texts, _ANY_USUAL)
    grid = np.frombuffer(_letters(alike), dtype=np.uint8).reshape(len(alike), len(_USUAL))
    spelled = (grid[:, _USUAL_AT] == _USUAL[_USUAL_AT]).all(axis=1) & (grid[:, 0] >= ord("1"))
    if spelled.all() and (values := _cast_all(alike, arrow)) is not None:
        return values, mask
    sure = spelled & _plainly_instants(grid)
    if sure.sum() * 10 < len(texts) * 9:
        return None
    return pc.cast(pc.if_else(pa.array(sure), alike, _ANY_USUAL), arrow), mask & sure


def _plainly_instants(grid: npt.NDArray[np.uint8]) -> Mask:
    """Where letters in places of digits are digits, and make a day and a time; 29 February is left out."""
    digits = grid - ord("0")  # what is less wraps around
    month, day, hour, minute, second = (10 * digits[:, at] + digits[:, at + 1] for at in (5, 8, 11, 14, 17))
    is_number = (digits[:, _DIGITS_AT] <= 9).all(axis=1) & (month >= 1) & (month <= 12)
    last = _LAST_DAYS[np.where(is_number, month, 0)]
    return np.asarray(is_number & (day >= 1) & (day <= last) & (hour <= 23) & (minute <= 59) & (second <= 59))


_DIGITS_AT = np.flatnonzero(_USUAL == 0)
_LAST_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_ANY_USUAL = pa.scalar("1970-01-01T00:00:00Z")

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def parse_text(text: str) -> str:
    if _UNSTORABLE.search(text):
        raise UnfitError
    return text


def read_texts(texts: pa.StringArray, _arrow: pa.DataType) -> tuple[pa.Array, Mask]:
    """Sure of every text: sources leave rows with NUL or undecodable bytes out of their columns."""
    return texts, np.ones(len(texts), dtype=np.bool_)


_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def parse_date(text: str) -> dt.date:
    if not _DATE.fullmatch(text):
        raise UnfitError
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise UnfitError from error


_BOOLEANS = {"true": True, "false": False}


def parse_boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError as error:
        raise UnfitError from error


_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)
_FLOAT = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)


def parse_decimal(text: str) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise UnfitError
    return Decimal(text)


def parse_float(text: str) -> float:
    if not _FLOAT.fullmatch(text):
        raise UnfitError
    value = float(text)
    if math.isinf(value):
        raise OutOfRangeError
    return value


def _unsure(texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
    return pa.nulls(len(texts), arrow), np.zeros(len(texts), dtype=np.bool_)


def _mask(sure: pa.BooleanArray) -> Mask:
    return np.asarray(sure.to_numpy(zero_copy_only=False), dtype=np.bool_)


INTEGER = Kind("integer", "an integer", parse_integer, read_integers)
DATETIME = Kind("datetime", "a date and time in ISO 8601", parse_datetime, read_datetimes)
TEXT = Kind("text", "text", parse_text, read_texts)
DATE = Kind("date", "a date (YYYY-MM-DD)", parse_date, _unsure)
BOOLEAN = Kind("boolean", "true or false", parse_boolean, _unsure)
DECIMAL = Kind("decimal", "a decimal number", parse_decimal, _unsure)
FLOAT = Kind("float", "a number", parse_float, _unsure)


def kind_of(column_type: sql.TypeEngine[Any]) -> tuple[Kind, pa.DataType]:
    """The kind and the Arrow type of a SQLAlchemy column type.

    Raises:
        LookupError: No kind covers the type.
    """
    for sql_type, kind, arrow in _KINDS:
        if isinstance(column_type, sql_type):
            return kind, arrow(column_type)
    raise LookupError(repr(column_type))


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
