"""Instants: the grammar is ISO 8601 where it loses nothing, and whatever databases write by themselves."""

import datetime as dt
import re
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import types as sql

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow, letters_of
from rowferry.arrow.masks import Mask, mask_of, only
from rowferry.kinds import calendar, clock
from rowferry.kinds.calendar import ERA, YEAR
from rowferry.kinds.kind import InSqlite, Kind, SentByPostgresql, between, cast_or_keep
from rowferry.kinds.unfit import UnfitError

_FORMS = (
    re.compile(rf"{YEAR}-(\d\d)-(\d\d)[T ]{clock.TIME}{clock.ZONE}?{ERA}", re.ASCII),
    re.compile(rf"(\d{{4}})(\d\d)(\d\d)[T ](\d\d)(\d\d)(?:(\d\d){clock.FRACTION})?{clock.ZONE}?{ERA}", re.ASCII),
)
"""The extended and the basic format."""

INSTANTS = (calendar.DAYS[0] * clock.A_DAY, (calendar.DAYS[1] + 1) * clock.A_DAY - 1)
"""The microseconds since 1970 of the first and the last instant."""

_SURE_ZONED = calendar.SURE_DAY + "[T ]" + clock.SURE_TIME + r"(?:Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)$"
_SURE_BARE = calendar.SURE_DAY + "[T ]" + clock.SURE_TIME + "$"

_LEAST, _MOST = calendar.LEAST_DAY + b"T00:00:00Z", calendar.MOST_DAY + b"T29:59:59Z"

_IN_POSTGRESQL = re.compile(r"timestamp(\(6\))? with(out)? time zone")

_IN_SQLITE = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:(?:T| +)(\d\d:\d\d)(?:(:\d\d)(?:\.(\d+))?)? *([Zz]|[+-][\d:]+)?)?", re.ASCII
)
"""The forms of an instant whose time SQLite's own functions know; any zone is left to the grammar."""

USUAL_IN_SQLITE = "????-??-?? ??:??:??.?[0-9]?[0-9]?[0-9]"
"""How instants are written here, as GLOB has it, which is quicker at any letter than at a digit.

In every other form of that length, the zone has a letter or a sign where one of these digits is.
"""

_HOURS = len("2021-05-30 05")


_YEAR_2000 = calendar.DAY_2000 * clock.A_DAY


def spell_microseconds(microseconds: int) -> str:
    """A clock reading, given by the microseconds since 1970, that may be beyond what a column holds."""
    return str(np.datetime64(microseconds, "us"))


class Datetime(Kind):
    """An instant, kept in UTC."""

    name = "datetime"
    noun = "a date and time in ISO 8601"
    sql_types = (sql.DateTime,)
    json_schema = dt.datetime
    example = "2021-11-07T02:48:42Z"
    sample = sql.DateTime(timezone=True)
    kept = "The instant in UTC, to the microsecond; SQLite as a text, in the form of SQLAlchemy."
    sent_by_postgresql = SentByPostgresql(
        "timestamptz_send({})", ">i8", calendar.DAY_2000 * clock.A_DAY, INSTANTS, spell_microseconds
    )
    sqlite = InSqlite.as_text(USUAL_IN_SQLITE)

    def covers(self, column_type: Any, dialect: str) -> bool:
        return super().covers(column_type, dialect) and bool(column_type.timezone)

    def arrow(self, column_type: Any) -> pa.DataType:
        return pa.timestamp("us", "UTC")

    def avro(self, arrow: pa.DataType) -> dict[str, Any]:
        return {"type": "long", "logicalType": "timestamp-micros"}

    avro_logical = MappingProxyType(
        {
            ("long", f"{local}timestamp-{name}"): pa.timestamp(unit, zone)
            for local, zone in (("", "UTC"), ("local-", None))
            for name, unit in (("millis", "ms"), ("micros", "us"), ("nanos", "ns"))
        }
    )

    def default(self, value: Any) -> object:
        """Of a date, its midnight is stored."""
        return with_time(value)

    def avro_default(self, value: Any, arrow: pa.DataType) -> object:
        return pc.cast(pa.scalar(value, arrow), pa.int64()).as_py()

    def promoted(self, values: pa.Array, arrow: pa.DataType) -> pa.Array:
        if not pa.types.is_timestamp(values.type):
            return values
        zoned = values if values.type.tz else pc.cast(values, pa.timestamp(values.type.unit, "UTC"))
        return cast_or_keep(zoned, arrow)

    def parse(self, text: str) -> dt.datetime:
        """The instant (UTC) of an ISO 8601 date and time, in extended or basic format; without a zone it means UTC."""
        found = _FORMS[0].fullmatch(text) or _FORMS[1].fullmatch(text)
        if not found:
            raise UnfitError(what_is_wrong(text))
        year, month, day, hour, minute, second, fraction, sign, *zone, era = found.groups()
        time, offset = clock.since_midnight(hour, minute, second, fraction), clock.offset(*zone)
        before, midnight = calendar.midnight(year, month, day, era)
        instant = midnight + time + (offset if sign == "-" else -offset)
        return instant.replace(year=calendar.year_within(before + instant.year))

    def read(self, texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
        """Sure of the grammar's forms in the years 1000 to 2999, but for 29 February."""
        usual = usual_in_letters(texts, _LEAST, _MOST)
        if usual.sum() * 10 >= len(texts) * 9:
            return pc.cast(only(texts, usual), arrow), usual
        zoned = mask_of(pc.match_substring_regex(texts, pattern=_SURE_ZONED))
        bare = mask_of(pc.match_substring_regex(texts, pattern=_SURE_BARE))
        of_zoned = pc.cast(only(texts, zoned), arrow)
        of_bare = pc.as_instants(pc.cast(only(texts, bare), pa.timestamp("us")), arrow)
        return pc.coalesce(of_zoned, of_bare), zoned | bare

    def limits(self, arrow: pa.DataType) -> str:
        return f"{calendar.LIMITS}, in UTC"

    def fitting(self, values: pa.Array, arrow: pa.DataType, *, present: bool) -> pa.BooleanArray | None:
        return between(values.view(pa.int64()), *INSTANTS) if values.type == arrow else None

    def takes(self, value: object, arrow: pa.DataType) -> bool:
        return isinstance(value, dt.datetime)

    def spell(self, value: Any) -> str:
        return str(value.isoformat())

    def to_json(self, value: Any) -> str:
        instant = value.replace(tzinfo=value.tzinfo or dt.UTC).astimezone(dt.UTC)  # SQLite does not keep the zone
        return str(instant.isoformat().replace("+00:00", "Z"))

    def kept_by_postgresql(self, column_type: str, arrow: pa.DataType) -> bool:
        return bool(_IN_POSTGRESQL.fullmatch(column_type))

    def widest(self, *size: int) -> pa.DataType:
        return pa.timestamp("us", "UTC")

    def spell_sqlite(self, stored: Any) -> str:
        """2021-05-30 is its midnight, more decimals than six may be zeros."""
        if not isinstance(stored, str):
            return super().spell_sqlite(stored)
        return spelled_by_sqlite(stored)

    def read_joined(self, texts: pa.StringArray, arrow: pa.DataType) -> pa.Array:
        return pc.as_instants(bare_in_sqlite(texts), arrow)


def with_time(value: Any) -> Any:
    """A date as its midnight; anything else as it is."""
    is_date = isinstance(value, dt.date) and not isinstance(value, dt.datetime)
    return dt.datetime.combine(value, dt.time()) if is_date else value


def spelled_by_sqlite(stored: str) -> str:
    """A date and time that SQLite itself knows, in the grammar; UnfitError if it is none."""
    found = _IN_SQLITE.fullmatch(stored)
    if not found:
        raise UnfitError
    day, minute, second, fraction, zone = found.groups()
    decimals = (fraction or "").rstrip("0")
    return f"{day} {minute or '00:00'}{second or ''}{decimals and '.'}{decimals}{(zone or '').upper()}"


def bare_in_sqlite(texts: pa.StringArray) -> pa.Array:
    """Clock readings of a column of texts; with a zone, without minutes, or before the year 1, one is unusual.

    Raises:
        pa.ArrowInvalid: One is.
    """
    bare = pc.cast(texts, pa.timestamp("us"))
    if pc.any_of(pc.equal(pc.binary_length(texts), pa.scalar(_HOURS, pa.int32()))).as_py():
        raise pa.ArrowInvalid("an hour without minutes")
    if (first := pc.min_max(pc.cast(bare, pa.int64())).as_py()["min"]) is not None and first < INSTANTS[0]:
        raise pa.ArrowInvalid("a year that no calendar has")
    return bare


def usual_in_letters(texts: pa.StringArray, least: bytes, most: bytes) -> Mask:
    """Where a text is like 2021-11-07T02:48:42Z, in the years 1000 to 2999; 29 February is left out.

    It has the length of the least one, and no letter that is not between those of the least and of the greatest.
    """
    usual = np.asarray(np.diff(letters_of(texts)[0]) == len(least))
    among = texts if usual.all() else pc.where(texts, as_arrow(usual))
    grid = letters_of(among)[1].reshape(-1, len(least))
    wrong = calendar.unlike(grid, least, most) | calendar.no_sure_day(grid) | (calendar.number_at(grid, 11) > 23)
    usual[np.flatnonzero(usual)[wrong]] = False
    return usual


_TOLD_UP_TO = 64
_TELLING = {
    r"\d{4}-?\d\d-?\d\d": "it has no time",
    r"\d[^a-z]*(?:t[^a-z]*z?|z)": "T and Z must be capital letters",
    r"\d.*:\d\d[.,\d]* ?(?:[A-Za-z_]{2}.*|\[.*)": "it names a time zone; use Z or an offset",
    "\\d.*\u2212[\\d:]+": "its minus sign is U+2212, not the ASCII one",
    r"(?s:\s.*|.*\s)": "it has white space around it",
    r"\d{4}-(?:W\d\d-\d|\d{3})T.*": "use month and day, not the week or the day of the year",
}
"""What people write often, and what is wrong with it; the first that fits is told."""

_TOLD = ("", *_TELLING.values())
_ANY_OF_THEM = re.compile("|".join(f"({form})" for form in _TELLING), re.ASCII)


def what_is_wrong(text: str) -> str:
    """What is wrong with a text that is no date and time, if it is something that people write often."""
    found = _ANY_OF_THEM.fullmatch(text) if len(text) <= _TOLD_UP_TO else None
    return _TOLD[found.lastindex or 0] if found else ""


DATETIME = Datetime()
