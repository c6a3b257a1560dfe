"""Times of day, to the microsecond, without a zone."""

import datetime as dt
import re
from types import MappingProxyType
from typing import Any

import pyarrow as pa
from sqlalchemy import types as sql

from rowferry.arrow import compute as pc
from rowferry.arrow.masks import Mask, mask_of, only
from rowferry.kinds import clock
from rowferry.kinds.kind import InSqlite, Kind, SentByPostgresql, between, cast_or_keep
from rowferry.kinds.unfit import UnfitError

_GRAMMAR = re.compile(rf"{clock.TIME}", re.ASCII)
_SURE = rf"^{clock.SURE_TIME}$"
_LIMITS = (0, clock.A_DAY - 1)

_IN_POSTGRESQL = re.compile(r"time(\(6\))? without time zone")
_MIDNIGHT = "24:00:00"
"""What PostgreSQL and others take for the end of a day, and Arrow and Python do not."""


def _midnight(_microseconds: int) -> str:
    return _MIDNIGHT


class Time(Kind):
    """What a clock shows, to the microsecond."""

    name = "time"
    noun = "a time (HH:MM:SS)"
    sql_types = (sql.Time,)
    avro_logical = MappingProxyType({("int", "time-millis"): pa.time32("ms"), ("long", "time-micros"): pa.time64("us")})
    json_schema = dt.time
    example = "02:48:42"
    kept = "The time, to the microsecond; SQLite as a text, in the form of SQLAlchemy."
    sent_by_postgresql = SentByPostgresql("time_send({})", ">i8", 0, _LIMITS, _midnight)
    sqlite = InSqlite.as_text("??:??:??.??????")

    def arrow(self, column_type: Any) -> pa.DataType:
        if column_type.timezone:
            raise LookupError(
                f"{column_type!r}: a time of day with a time zone is not an instant; use Time without one"
            )
        return pa.time64("us")

    def avro(self, arrow: pa.DataType) -> dict[str, Any]:
        return {"type": "long", "logicalType": "time-micros"}

    def avro_default(self, value: Any, arrow: pa.DataType) -> object:
        return pc.cast(pa.scalar(value, arrow), pa.int64()).as_py()

    def promoted(self, values: pa.Array, arrow: pa.DataType) -> pa.Array:
        return cast_or_keep(values, arrow) if pa.types.is_time(values.type) else values

    def parse(self, text: str) -> dt.time:
        found = _GRAMMAR.fullmatch(text)
        if not found:
            raise UnfitError("it has a time zone" if re.fullmatch(rf"{clock.TIME}{clock.ZONE}", text, re.ASCII) else "")
        return (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + clock.since_midnight(*found.groups())).time()

    def read(self, texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
        """Sure of the grammar's forms with at most six decimals, behind a point."""
        sure = mask_of(pc.match_substring_regex(texts, pattern=_SURE))
        return self.read_joined(only(texts, sure), arrow), sure

    def fitting(self, values: pa.Array, arrow: pa.DataType, *, present: bool) -> pa.BooleanArray | None:
        return between(values.view(pa.int64()), *_LIMITS) if values.type == arrow else None

    def takes(self, value: object, arrow: pa.DataType) -> bool:
        return isinstance(value, dt.time)

    def spell(self, value: Any) -> str:
        return str(value.isoformat())

    def to_json(self, value: Any) -> str:
        return self.spell(value)

    def kept_by_postgresql(self, column_type: str, arrow: pa.DataType) -> bool:
        return bool(_IN_POSTGRESQL.fullmatch(column_type))

    def widest(self, *size: int) -> pa.DataType:
        return pa.time64("us")

    def read_joined(self, texts: pa.StringArray, arrow: pa.DataType) -> pa.Array:
        """Without minutes, a time is unusual."""
        if pc.any_of(pc.less_equal(pc.binary_length(texts), pa.scalar(len("02"), pa.int32()))).as_py():
            raise pa.ArrowInvalid("an hour without minutes")
        instants = pc.cast(pc.binary_join_element_wise("1970-01-01T", texts, ""), pa.timestamp("us"))
        return pc.cast(instants, arrow)


TIME = Time()
