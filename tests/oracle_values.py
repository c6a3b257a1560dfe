"""What a text means in a column of a kind, or the code of its fault; it shares no code with the product."""

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any


@dataclass(frozen=True)
class Field:
    """A column: its kind (integer, datetime, text, date, time, boolean, decimal, float) and its rules."""

    name: str
    kind: str
    required: bool = True
    low: int = -(2**31)
    high: int = 2**31 - 1
    length: int | None = None
    parent: str | None = None
    digits: tuple[int, int] = (0, 0)


_DAY = "([0-9]{4}|[1-9][0-9]{4,6})-([0-9]{2})-([0-9]{2})"
_TAIL = "(?:[.,]([0-9]+))?"
_OFFSET = "(Z| ?[+-][0-9]{2}(?::?[0-9]{2}(?::?[0-9]{2})?)?)?( BC)?"
_EXTENDED = re.compile(f"{_DAY}[T ]([0-9]{{2}}):([0-9]{{2}})(?::([0-9]{{2}}){_TAIL})?{_OFFSET}")
_BASIC = re.compile(
    f"([0-9]{{4}})([0-9]{{2}})([0-9]{{2}})[T ]([0-9]{{2}})([0-9]{{2}})(?:([0-9]{{2}}){_TAIL})?{_OFFSET}"
)

_FIRST_DAY, _LAST_DAY = dt.date.min.toordinal(), dt.date.max.toordinal()


def _ordinal(year: int, month: int, day: int) -> int:
    """The number of a day in the Gregorian calendar, whatever the year, 1 being the first of the year 1."""
    cycles, near = divmod(year - 1, 400)
    return dt.date(near + 1, month, day).toordinal() + cycles * 146_097


def _datetime(text: str) -> dt.datetime | None:
    """The instant, None if it lies outside of the calendar."""
    found = _EXTENDED.fullmatch(text) or _BASIC.fullmatch(text)
    if not found:
        raise ValueError(text)
    year, month, day, hour, minute = map(int, found.groups()[:5])
    second, fraction, zone, era = int(found[6] or 0), found[7] or "", (found[8] or "Z").strip(), found[9]
    numbers = zone[1:].replace(":", "").ljust(6, "0")
    east = [int(numbers[at : at + 2]) for at in (0, 2, 4)]
    wrong = hour > 23 or minute > 59 or second > 59 or east[0] > 23 or max(east[1:]) > 59 or (era and not year)
    if wrong or int(fraction[6:] or 0):
        raise ValueError(text)
    sign = 1 if zone[0] == "-" else -1
    seconds = hour * 3600 + minute * 60 + second + sign * (east[0] * 3600 + east[1] * 60 + east[2])
    days, rest = divmod(seconds, 86_400)
    ordinal = _ordinal(1 - year if era else year, month, day) + days
    if not _FIRST_DAY <= ordinal <= _LAST_DAY:
        return None
    midnight = dt.datetime.combine(dt.date.fromordinal(ordinal), dt.time(0), dt.UTC)
    return midnight + dt.timedelta(seconds=rest, microseconds=int(fraction[:6].ljust(6, "0")))


def judge(column: Field, text: str) -> tuple[Any, str | None]:
    """The value of a cell and None, or None and the code of its fault."""
    if text == "" or text.isspace():
        return None, "value.required" if column.required else None
    if "\0" in text:
        return None, "value.type"
    return _JUDGES[column.kind](column, text)


def _judge_integer(column: Field, text: str) -> tuple[Any, str | None]:
    if not re.fullmatch("[-+]?[0-9]+", text):
        return None, "value.type"
    significant = text.lstrip("+-").lstrip("0")
    if len(significant) > 30 or not column.low <= int(text) <= column.high:
        return None, "value.range"
    return int(text), None


def _judge_datetime(_: Field, text: str) -> tuple[Any, str | None]:
    try:
        value = _datetime(text)
    except ValueError:
        return _TYPE
    return (value, None) if value else _RANGE


def _judge_text(column: Field, text: str) -> tuple[Any, str | None]:
    return (None, "value.length") if column.length and len(text) > column.length else (text, None)


def _judge_date(_: Field, text: str) -> tuple[Any, str | None]:
    found = re.fullmatch(_DAY + "( BC)?", text)
    try:
        year, month, day = map(int, found.groups()[:3]) if found else (0, 0, 0)
        if not found or (found[4] and not year):
            return _TYPE
        ordinal = _ordinal(1 - year if found[4] else year, month, day)
    except ValueError:
        return _TYPE
    return (dt.date.fromordinal(ordinal), None) if _FIRST_DAY <= ordinal <= _LAST_DAY else _RANGE


def _judge_time(_: Field, text: str) -> tuple[Any, str | None]:
    found = re.fullmatch(f"([0-9]{{2}}):([0-9]{{2}})(?::([0-9]{{2}}){_TAIL})?", text)
    if not found or (found[4] or "")[6:].strip("0"):
        return _TYPE
    try:
        return dt.time(int(found[1]), int(found[2]), int(found[3] or 0), int((found[4] or "")[:6].ljust(6, "0"))), None
    except ValueError:
        return _TYPE


def _judge_boolean(_: Field, text: str) -> tuple[Any, str | None]:
    return (text[0] in "tT", None) if re.fullmatch("(?i)true|false|t|f", text) else _TYPE


def _judge_decimal(column: Field, text: str) -> tuple[Any, str | None]:
    if not re.fullmatch("[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)", text):
        return _TYPE
    whole, _, fraction = text.lstrip("+-").partition(".")
    digits, scale = column.digits
    if len(whole.lstrip("0")) > digits - scale or len(fraction.rstrip("0")) > scale:
        return None, "value.range"
    return Decimal(text), None


def _judge_float(_: Field, text: str) -> tuple[Any, str | None]:
    if not re.fullmatch("[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?", text):
        return _TYPE
    value, digits = float(text), re.split("[eE]", text)[0]
    if value in (float("inf"), float("-inf")) or (value == 0 and re.search("[1-9]", digits)):
        return _RANGE
    if digits == text and not text.partition(".")[2].strip("0"):  # a whole number, which must not change
        exact = Fraction(text.partition(".")[0] or text)
        if Fraction(value) != exact and Fraction(repr(value)) != exact:
            return _RANGE
    return value, None


_TYPE, _RANGE = (None, "value.type"), (None, "value.range")
_JUDGES = {
    "integer": _judge_integer,
    "datetime": _judge_datetime,
    "text": _judge_text,
    "date": _judge_date,
    "time": _judge_time,
    "boolean": _judge_boolean,
    "decimal": _judge_decimal,
    "float": _judge_float,
}
