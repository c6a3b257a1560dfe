"""What a calendar and a clock show, without a zone: the same grammar as that of instants, but for zones."""

import datetime as dt
import re
from types import MappingProxyType
from typing import Any

import pyarrow as pa
from sqlalchemy import types as sql

from rowferry.arrow import compute as pc
from rowferry.arrow.masks import Mask, mask_of, only
from rowferry.kinds import calendar, clock
from rowferry.kinds.calendar import ERA, YEAR
from rowferry.kinds.datetimes import (
    INSTANTS,
    USUAL_IN_SQLITE,
    bare_in_sqlite,
    spell_microseconds,
    spelled_by_sqlite,
    usual_in_letters,
    what_is_wrong,
    with_time,
)
from rowferry.kinds.kind import InSqlite, Kind, SentByPostgresql, between, cast_or_keep
from rowferry.kinds.unfit import UnfitError

_FORMS = (
    re.compile(rf"{YEAR}-(\d\d)-(\d\d)[T ]{clock.TIME}{ERA}", re.ASCII),
    re.compile(rf"(\d{{4}})(\d\d)(\d\d)[T ](\d\d)(\d\d)(?:(\d\d){clock.FRACTION})?{ERA}", re.ASCII),
)
"""The extended and the basic format."""

_ZONED = re.compile(rf".*[T ]\d\d:?\d\d(?::?\d\d{clock.FRACTION})?{clock.ZONE}{ERA}", re.ASCII)
_SURE = calendar.SURE_DAY + "[T ]" + clock.SURE_TIME + "$"
_LEAST, _MOST = calendar.LEAST_DAY + b"T00:00:00", calendar.MOST_DAY + b"T29:59:59"

_IN_POSTGRESQL = re.compile(r"timestamp(\(6\))? without time zone")


class LocalDatetime(Kind):
    """A date and a time of day, to the microsecond, that are no instant, since nobody says where."""

    name = "local datetime"
    noun = "a date and time in ISO 8601 without a UTC offset"
    sql_types = (sql.DateTime,)
    json_schema = str
    json_limits = MappingProxyType(
        {"pattern": r"^[0-9]{4}-?[0-9]{2}-?[0-9]{2}[T ][0-9]{2}:?[0-9]{2}(:?[0-9]{2}([.,][0-9]+)?)?$"}
    )
    example = "2021-11-07T02:48:42"
    kept = "What the clock shows, to the microsecond; SQLite as a text, in the form of SQLAlchemy."
    sent_by_postgresql = SentByPostgresql(
        "timestamp_send({})", ">i8", calendar.DAY_2000 * clock.A_DAY, INSTANTS, spell_microseconds
    )
    sqlite = InSqlite.as_text(USUAL_IN_SQLITE)

    def arrow(self, column_type: Any) -> pa.DataType:
        return pa.timestamp("us")

    def avro(self, arrow: pa.DataType) -> dict[str, Any]:
        return {"type": "long", "logicalType": "local-timestamp-micros"}

    def default(self, value: Any) -> object:
        """Of a date, its midnight is stored, and of an instant what a clock of UTC shows, as in our sessions."""
        given = with_time(value)
        is_instant = isinstance(given, dt.datetime) and given.tzinfo is not None
        return given.astimezone(dt.UTC).replace(tzinfo=None) if is_instant else given

    def avro_default(self, value: Any, arrow: pa.DataType) -> object:
        return pc.cast(pa.scalar(value, arrow), pa.int64()).as_py()

    def promoted(self, values: pa.Array, arrow: pa.DataType) -> pa.Array:
        """An instant of a file is what a clock of UTC shows: files from before Avro had local ones say it so."""
        if not pa.types.is_timestamp(values.type):
            return values
        bare = values.view(pa.timestamp(values.type.unit))
        return cast_or_keep(bare, arrow)

    def parse(self, text: str) -> dt.datetime:
        found = _FORMS[0].fullmatch(text) or _FORMS[1].fullmatch(text)
        if not found:
            raise UnfitError("it has a UTC offset" if _ZONED.fullmatch(text) else what_is_wrong(text))
        year, month, day, hour, minute, second, fraction, era = found.groups()
        time = clock.since_midnight(hour, minute, second, fraction)
        before, midnight = calendar.midnight(year, month, day, era)
        shown = (midnight + time).replace(tzinfo=None)
        return shown.replace(year=calendar.year_within(before + shown.year))

    def read(self, texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
        """Sure of the grammar's forms in the years 1000 to 2999, but for 29 February."""
        sure = usual_in_letters(texts, _LEAST, _MOST)
        if sure.sum() * 10 < len(texts) * 9:
            sure = mask_of(pc.match_substring_regex(texts, pattern=_SURE))
        return pc.cast(only(texts, sure), arrow), sure

    def limits(self, arrow: pa.DataType) -> str:
        return calendar.LIMITS

    def fitting(self, values: pa.Array, arrow: pa.DataType, *, present: bool) -> pa.BooleanArray | None:
        return between(values.view(pa.int64()), *INSTANTS) if values.type == arrow else None

    def takes(self, value: object, arrow: pa.DataType) -> bool:
        return isinstance(value, dt.datetime) and value.tzinfo is None

    def spell(self, value: Any) -> str:
        return str(value.isoformat())

    def to_json(self, value: Any) -> str:
        return self.spell(value)

    def kept_by_postgresql(self, column_type: str, arrow: pa.DataType) -> bool:
        return bool(_IN_POSTGRESQL.fullmatch(column_type))

    def widest(self, *size: int) -> pa.DataType:
        return pa.timestamp("us")

    def spell_sqlite(self, stored: Any) -> str:
        """2021-05-30 is its midnight, more decimals than six may be zeros."""
        return spelled_by_sqlite(stored) if isinstance(stored, str) else super().spell_sqlite(stored)

    def read_joined(self, texts: pa.StringArray, arrow: pa.DataType) -> pa.Array:
        return bare_in_sqlite(texts)


LOCAL_DATETIME = LocalDatetime()
