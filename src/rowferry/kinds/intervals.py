"""Spans of time: months, days and microseconds apart, as PostgreSQL keeps them; a month is no number of days.

SQLAlchemy's `Interval` knows days and microseconds only, since Python does. Its values are stored as it does itself:
less than a day of microseconds, never below zero, beside as many days as that takes. `INTERVAL` of the dialect of
PostgreSQL has all three.
"""

import datetime as dt
import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sqlalchemy import types as sql
from sqlalchemy.dialects import registry

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow, bits_of, of_equal_width, validity_of
from rowferry.arrow.masks import Mask, mask_of, only
from rowferry.kinds import clock
from rowferry.kinds.calendar import DAYS
from rowferry.kinds.datetimes import USUAL_IN_SQLITE, bare_in_sqlite
from rowferry.kinds.kind import InSqlite, Kind, SentByPostgresql
from rowferry.kinds.local_datetimes import LOCAL_DATETIME
from rowferry.kinds.unfit import OutOfRangeError, UnfitError

Int64s = npt.NDArray[np.int64]

_NUMBER = r"([+-]?\d{1,18})"
_GRAMMAR = re.compile(
    rf"([+-]?)P(?=.*\d)(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}W)?(?:{_NUMBER}D)?"
    rf"(?:T(?=.*\d)(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:([+-]?)(\d{{1,18}}){clock.FRACTION}S)?)?",
    re.ASCII,
)
_SURE = (
    "^P(?:(?P<day>[0-9]{1,6})D)?"
    "(?:T(?:(?P<hour>[0-9]{1,6})H)?(?:(?P<minute>[0-9]{1,6})M)?(?:(?P<second>[0-9]{1,9})S)?)?$"
)
_NAMES_DAYS = re.compile("[DW]")
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001  # what SQLAlchemy counts from, without a zone
_ARROW = pa.month_day_nano_interval()
_PARTS = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanoseconds", "<i8")])
_SENT = np.dtype([("microseconds", ">i8"), ("days", ">i4"), ("months", ">i4")])
_MOST_COUNT, _MOST_NANOSECONDS = 2**31 - 1, 2**63 - 1
_MOST_MICROSECONDS = _MOST_NANOSECONDS // 1_000


class Interval(Kind):
    """A span of days and microseconds."""

    name = "interval"
    noun = "an ISO 8601 duration (P1DT2H30M)"
    sql_types: tuple[type[sql.TypeEngine[Any]], ...] = (sql.Interval,)
    json_schema = dt.timedelta
    example = "P1DT2H30M"
    kept = (
        "Days and microseconds. PT36H becomes a day and 12 hours, as SQLAlchemy has it. SQLite as a text. "
        "They are no key, reference or unique value."
    )
    tells_apart = False
    sent_by_postgresql = SentByPostgresql("interval_send({})", f"V{_SENT.itemsize}")
    compared_by_postgresql = "interval_send"
    sqlite = InSqlite.as_text(USUAL_IN_SQLITE)

    def arrow(self, column_type: Any) -> pa.DataType:
        return _ARROW

    def avro(self, arrow: pa.DataType) -> str:
        return "string"

    def default(self, value: Any) -> object:
        return pa.scalar(value, _ARROW).as_py()

    def avro_default(self, value: Any, arrow: pa.DataType) -> str:
        return self.spell(pa.scalar(value, arrow).as_py())

    def to_avro(self, values: pa.Array) -> pa.StringArray:
        return spans_as_texts(values)

    def parse(self, text: str) -> pa.MonthDayNano:
        """A time without days becomes days as Python's does; one that names days is kept as it is spelled."""
        months, days, microseconds = _parts(text)
        if months:
            hint = "it has years or months; use days, or INTERVAL of sqlalchemy.dialects.postgresql"
            raise OutOfRangeError(hint)
        _within(days + microseconds // clock.A_DAY, *DAYS)
        if not _NAMES_DAYS.search(text):
            days, microseconds = divmod(microseconds, clock.A_DAY)
        return pa.MonthDayNano([0, _within(days, -_MOST_COUNT, _MOST_COUNT), _nanoseconds(microseconds)])

    def read(self, texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
        """Sure of days, hours, minutes and whole seconds without signs."""
        found = pc.extract_regex(texts, pattern=_SURE)
        ended = mask_of(pc.match_substring_regex(texts, pattern="[DHMS]$"))
        sure = mask_of(pc.is_valid(found)) & ended
        day, hour, minute, second = (_counted(column, sure) for column in found.flatten())
        microseconds = ((hour * 60 + minute) * 60 + second) * 1_000_000
        named = mask_of(pc.match_substring(texts, pattern="D"))
        return self._spans(day, microseconds, named, sure)

    def _spans(self, days: Int64s, microseconds: Int64s, named: Mask, sure: Mask) -> tuple[pa.Array, Mask]:
        carried = np.where(named, 0, microseconds // clock.A_DAY)
        sure = sure & (days + microseconds // clock.A_DAY <= DAYS[1])
        return _plain_spans(days + carried, microseconds - carried * clock.A_DAY, sure), sure

    def limits(self, arrow: pa.DataType) -> str:
        return f"be between {DAYS[0]} and {DAYS[1]} days long"

    def fitting(self, values: pa.Array, arrow: pa.DataType, *, present: bool) -> pa.BooleanArray | None:
        if values.type != arrow:
            return None
        parts = _of(values)
        days = parts["days"].astype(np.int64) + parts["nanoseconds"] // (clock.A_DAY * 1_000)
        fits = (parts["months"] == 0) & (days >= DAYS[0]) & (days <= DAYS[1])
        return pc.and_(pc.is_valid(values), as_arrow(np.asarray(fits)))

    def takes(self, value: object, arrow: pa.DataType) -> bool:
        return isinstance(value, pa.MonthDayNano)

    def spell(self, value: Any) -> str:
        """Each part with its sign, as PostgreSQL spells it in ISO 8601; 0 days where the time is not less than one."""
        months, days, nanoseconds = value
        seconds, micro = divmod(abs(nanoseconds) // 1_000, 1_000_000)
        minutes, second = divmod(seconds, 60)
        date = _signed(abs(months) // 12, "Y", months) + _signed(abs(months) % 12, "M", months) + _signed(days, "D", 1)
        fraction = f".{micro:06}".rstrip("0") if micro else ""
        time = _signed(minutes // 60, "H", nanoseconds) + _signed(minutes % 60, "M", nanoseconds)
        if second or micro:
            time += f"{'-' if nanoseconds < 0 else ''}{second}{fraction}S"
        if not days and not 0 <= nanoseconds < clock.A_DAY * 1_000:
            date += "0D"
        return f"P{date}T{time}" if time else f"P{date}" if date else "PT0S"

    def to_json(self, value: Any) -> str:
        if isinstance(value, bytes):  # as a page of PostgreSQL has it
            value = self.received(pa.array([value], pa.binary(_SENT.itemsize)), _ARROW)[0].as_py()
        return self.spell(value)

    def kept_by_postgresql(self, column_type: str, arrow: pa.DataType) -> bool:
        return column_type in ("interval", "interval(6)")

    def received(self, sent: pa.Array, arrow: pa.DataType) -> pa.Array:
        found = np.frombuffer(sent.buffers()[1], dtype=_SENT)[sent.offset : sent.offset + len(sent)]
        if (np.abs(found["microseconds"].astype(np.float64)) > _MOST_MICROSECONDS).any():
            raise pa.ArrowInvalid("infinite, or longer than Arrow counts in nanoseconds")
        parts = np.zeros(len(found), dtype=_PARTS)
        parts["months"], parts["days"] = found["months"], found["days"]
        parts["nanoseconds"] = found["microseconds"].astype(np.int64) * 1_000
        return _spans_of(parts, mask_of(pc.is_valid(sent)))

    def widest(self, *size: int) -> pa.DataType:
        return _ARROW

    def from_sqlite(self, stored: Any, arrow: pa.DataType) -> pa.MonthDayNano:
        shown = LOCAL_DATETIME.parse(LOCAL_DATETIME.spell_sqlite(stored))
        days, rest = divmod(shown - _EPOCH, dt.timedelta(days=1))
        return pa.MonthDayNano([0, days, rest // dt.timedelta(microseconds=1) * 1_000])

    def read_joined(self, texts: pa.StringArray, arrow: pa.DataType) -> pa.Array:
        counted = pc.fill_null(pc.cast(bare_in_sqlite(texts), pa.int64()), 0)
        return _of_microseconds(counted.to_numpy(zero_copy_only=False), mask_of(pc.is_valid(texts)))


class CalendarInterval(Interval):
    """A span of months, days and microseconds, each of them of its own."""

    name = "calendar interval"
    kept = (
        "Months, days and microseconds, which are compared apart: a month is not 30 days. They are no key, reference "
        "or unique value. SQLite has no such type."
    )

    @property
    def sample(self) -> sql.TypeEngine[Any]:
        found: sql.TypeEngine[Any] = registry.load("postgresql").ischema_names["interval"]()
        return found

    def covers(self, column_type: Any, dialect: str) -> bool:
        return getattr(column_type, "__visit_name__", "") == "INTERVAL"

    def parse(self, text: str) -> pa.MonthDayNano:
        months, days, microseconds = _parts(text)
        _within(months, -_MOST_COUNT, _MOST_COUNT)
        _within(days, -_MOST_COUNT, _MOST_COUNT)
        return pa.MonthDayNano([months, days, _nanoseconds(microseconds)])

    def _spans(self, days: Int64s, microseconds: Int64s, named: Mask, sure: Mask) -> tuple[pa.Array, Mask]:
        return _plain_spans(days, microseconds, sure), sure

    def limits(self, arrow: pa.DataType) -> str:
        return "have at most 2147483647 months and days, and 292 years of hours, minutes and seconds"

    def fitting(self, values: pa.Array, arrow: pa.DataType, *, present: bool) -> pa.BooleanArray | None:
        return pc.is_valid(values) if values.type == arrow else None


def spans_as_texts(values: pa.Array) -> pa.StringArray:
    """Spans in ISO 8601."""
    return pa.array([None if value is None else INTERVAL.spell(value) for value in values.to_pylist()], pa.string())


def spans_for_postgresql(values: pa.Array) -> pa.BinaryArray:
    """Spans in the binary form of PostgreSQL."""
    parts = _of(values)
    sent = np.zeros(len(parts), dtype=_SENT)
    sent["months"], sent["days"], sent["microseconds"] = parts["months"], parts["days"], parts["nanoseconds"] // 1_000
    return of_equal_width(sent.reshape(-1, 1), pa.binary(), validity_of(values))


def spans_for_sqlite(values: pa.Array) -> pa.Array:
    """Spans without months as SQLAlchemy stores them in a database that has no type for them: since 1970."""
    parts = _of(values)
    counted = parts["days"].astype(np.int64) * clock.A_DAY + parts["nanoseconds"] // 1_000
    valid = mask_of(pc.is_valid(values)) if values.null_count else None
    return as_arrow(counted, valid).view(pa.timestamp("us"))


def _parts(text: str) -> tuple[int, int, int]:
    """Months, days and microseconds of a text; UnfitError if it is no duration."""
    found = _GRAMMAR.fullmatch(text)
    if not found:
        raise UnfitError
    sign, *counts, second_sign, seconds, fraction = found.groups()
    years, months, weeks, days, hours, minutes = (int(count or 0) for count in counts)
    time = clock.since_midnight("0", "0", "0", fraction) // dt.timedelta(microseconds=1) + int(seconds or 0) * 1_000_000
    micro = (hours * 60 + minutes) * 60_000_000 + (-time if second_sign == "-" else time)
    factor = -1 if sign == "-" else 1
    return factor * (12 * years + months), factor * (7 * weeks + days), factor * micro


def _nanoseconds(microseconds: int) -> int:
    return _within(microseconds, -_MOST_MICROSECONDS, _MOST_MICROSECONDS) * 1_000


def _within(count: int, least: int, most: int) -> int:
    if not least <= count <= most:
        raise OutOfRangeError
    return count


def _signed(count: int, unit: str, sign: int) -> str:
    return f"{'-' if sign < 0 else ''}{count}{unit}" if count else ""


def _counted(column: pa.StringArray, sure: Mask) -> Int64s:
    """What digits count; nothing stands for 0."""
    given = pc.if_else(pc.equal(pc.binary_length(column), 0), "0", only(column, sure))
    numbers = pc.fill_null(pc.cast(given, pa.int64()), 0)
    return np.asarray(numbers.to_numpy(zero_copy_only=False), dtype=np.int64)


def _of(values: pa.Array) -> npt.NDArray[Any]:
    """The parts of spans; whatever they are where a value is null."""
    return np.frombuffer(values.buffers()[1] or b"", dtype=_PARTS)[values.offset : values.offset + len(values)]


def _spans_of(parts: npt.NDArray[Any], valid: Mask) -> pa.Array:
    return pa.Array.from_buffers(_ARROW, len(parts), [bits_of(valid), pa.py_buffer(parts.tobytes())])


def _of_microseconds(counted: Int64s, valid: Mask) -> pa.Array:
    """Spans of days and less than a day."""
    return _plain_spans(counted // clock.A_DAY, counted % clock.A_DAY, valid)


def _plain_spans(days: Int64s, microseconds: Int64s, valid: Mask) -> pa.Array:
    """Spans without months."""
    parts = np.zeros(len(days), dtype=_PARTS)
    parts["days"], parts["nanoseconds"] = days, microseconds * 1_000
    return _spans_of(parts, valid)


INTERVAL = Interval()
CALENDAR_INTERVAL = CalendarInterval()
