"""What a text means in a column of a kind, or the code of its fault; it shares no code with the product."""

import binascii
import datetime as dt
import math
import re
import string
import struct
import uuid
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa


@dataclass(frozen=True)
class Field:
    """A column: its kind (integer, datetime, local, text, date, …) and its rules."""

    name: str
    kind: str
    required: bool = True
    low: int = -(2**31)
    high: int = 2**31 - 1
    length: int | None = None
    parent: str | None = None
    among: tuple[str, ...] = ()
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


def _judge_choice(column: Field, text: str) -> tuple[Any, str | None]:
    return (text, None) if text in column.among else _TYPE


def _judge_padded(column: Field, text: str) -> tuple[Any, str | None]:
    kept = len(text)
    while text[kept - 1] == " ":
        kept -= 1
    return _judge_text(column, text[:kept])


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


def _judge_exact(_: Field, text: str) -> tuple[Any, str | None]:
    if not re.fullmatch("[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)", text):
        return _TYPE
    whole, _point, fraction = text.lstrip("+-").partition(".")
    if len(whole.lstrip("0")) > 131_072 or len(fraction) > 16_383:
        return _RANGE
    is_negative = text[0] == "-" and set(whole + fraction) != {"0"}
    return ("-" if is_negative else "") + (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else ""), None


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


def _judge_real(column: Field, text: str) -> tuple[Any, str | None]:
    """By whole numbers: as many units of the smallest distance that numbers of this size have."""
    value, fault = _judge_float(column, text)
    if fault or not value:
        return value, fault
    exact = Fraction(text)
    unit = Fraction(2) ** max(math.frexp(value)[1] - 24, -149)
    near = round(exact / unit) * unit
    spelled = re.split("[eE]", text)[0]
    if not near or abs(near) >= 2**128:
        return _RANGE
    if spelled == text and not text.partition(".")[2].strip("0") and near != exact:
        shortest = next(f for n in range(1, 20) if _short(f := float(f"{float(near):.{n}g}")) == near)
        return (float(near), None) if Fraction(shortest) == Fraction(value) else _RANGE
    return float(near), None


def _short(value: float) -> float:
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return math.inf


def _span(text: str) -> list[int] | None:
    """Months, days and microseconds."""
    number = "([-+]?[0-9]{1,18})"
    date = "".join(f"(?:{number}{unit})?" for unit in "YMWD")
    time = "".join(f"(?:{number}{unit})?" for unit in "HM") + f"(?:{number}{_TAIL}S)?"
    found = re.fullmatch(f"([-+]?)P{date}(?:T{time})?", text)
    if not found or text[-1] in "PT" or (found[9] or "")[6:].strip("0"):
        return None
    year, month, week, day, hour, minute, second = (int(found[at] or 0) for at in range(2, 9))
    micro = int((found[9] or "")[:6].ljust(6, "0")) * (-1 if (found[8] or "").startswith("-") else 1)
    sign = -1 if found[1] == "-" else 1
    counts = [12 * year + month, 7 * week + day, ((hour * 60 + minute) * 60 + second) * 10**6 + micro]
    return [sign * count for count in counts]


def _judge_months(_: Field, text: str) -> tuple[Any, str | None]:
    if not (counts := _span(text)):
        return _TYPE
    months, days, time_part = counts
    if max(abs(months), abs(days)) >= 2**31 or abs(time_part) > (2**63 - 1) // 1000:
        return _RANGE
    return pa.MonthDayNano([months, days, time_part * 1000]), None


def _judge_interval(_: Field, text: str) -> tuple[Any, str | None]:
    if not (counts := _span(text)):
        return _TYPE
    days, rest = divmod(counts[1] * 86_400 * 10**6 + counts[2], 86_400 * 10**6)
    if counts[0] or not _FIRST_DAY <= days + dt.date(1970, 1, 1).toordinal() <= _LAST_DAY:
        return _RANGE
    kept = [days, rest] if set(text).isdisjoint("DW") else counts[1:]
    if abs(kept[0]) >= 2**31 or abs(kept[1]) > (2**63 - 1) // 1000:
        return _RANGE
    return pa.MonthDayNano([0, kept[0], kept[1] * 1000]), None


def _judge_local(column: Field, text: str) -> tuple[Any, str | None]:
    found = _EXTENDED.fullmatch(text) or _BASIC.fullmatch(text)
    if not found or found[8]:
        return _TYPE
    value, fault = _judge_datetime(column, text)
    return (None if fault else value.replace(tzinfo=None)), fault


def _judge_uuid(_: Field, text: str) -> tuple[Any, str | None]:
    parts = text.split("-")
    if [len(part) for part in parts] != [8, 4, 4, 4, 12] or set("".join(parts)) - set(string.hexdigits):
        return _TYPE
    return uuid.UUID(int=int("".join(parts), 16)), None


def _judge_bytes(column: Field, text: str) -> tuple[Any, str | None]:
    digits = text[2:]
    if not text.startswith("\\x") or set(digits) - set(string.hexdigits) or len(digits) % 2:
        return _TYPE
    value = binascii.unhexlify(digits)
    return (None, "value.length") if column.length and len(value) > column.length else (value, None)


_TYPE, _RANGE = (None, "value.type"), (None, "value.range")
_JUDGES = {
    "integer": _judge_integer,
    "datetime": _judge_datetime,
    "real": _judge_real,
    "exact": _judge_exact,
    "interval": _judge_interval,
    "months": _judge_months,
    "choice": _judge_choice,
    "padded": _judge_padded,
    "local": _judge_local,
    "uuid": _judge_uuid,
    "bytes": _judge_bytes,
    "text": _judge_text,
    "date": _judge_date,
    "time": _judge_time,
    "boolean": _judge_boolean,
    "decimal": _judge_decimal,
    "float": _judge_float,
}
