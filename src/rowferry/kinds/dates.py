"""Dates: days of the calendar of ISO 8601."""

import datetime as dt
import re
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import types as sql

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow, letters_of
from rowferry.arrow.masks import Mask, only
from rowferry.kinds import calendar
from rowferry.kinds.kind import InSqlite, Kind, SentByPostgresql, between
from rowferry.kinds.unfit import UnfitError

_GRAMMAR = re.compile(rf"{calendar.YEAR}-(\d\d)-(\d\d){calendar.ERA}", re.ASCII)
_LENGTH = len("2021-11-07")


def _format_date(days: int) -> str:
    return str(np.datetime64(days, "D"))


class Date(Kind):
    """A day."""

    name = "date"
    noun = "a date (YYYY-MM-DD)"
    sql_types = (sql.Date,)
    json_schema = dt.date
    example = "2021-11-07"
    kept = "The day; SQLite as a text, in the form of SQLAlchemy."
    sent_by_postgresql = SentByPostgresql("date_send({})", ">i4", calendar.DAY_2000, calendar.DAYS, _format_date)
    sqlite = InSqlite.as_text("????-??-??")

    def arrow(self, column_type: Any) -> pa.DataType:
        return pa.date32()

    def default(self, value: Any) -> object:
        """Of a date and time, the date is stored."""
        return value.date() if isinstance(value, dt.datetime) else value

    def avro(self, arrow: pa.DataType) -> dict[str, Any]:
        return {"type": "int", "logicalType": "date"}

    def avro_default(self, value: Any, arrow: pa.DataType) -> object:
        return pc.cast(pa.scalar(value, arrow), pa.int32()).as_py()

    avro_logical = MappingProxyType({("int", "date"): pa.date32()})

    def parse(self, text: str) -> dt.date:
        found = _GRAMMAR.fullmatch(text)
        if not found:
            raise UnfitError
        before, midnight = calendar.midnight(*found.groups())
        return midnight.date().replace(year=calendar.year_within(before + midnight.year))

    def read(self, texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
        """Sure of the years 1000 to 2999, but for 29 February."""
        sure = np.asarray(np.diff(letters_of(texts)[0]) == _LENGTH)
        among = texts if sure.all() else pc.where(texts, as_arrow(sure))
        grid = letters_of(among)[1].reshape(-1, _LENGTH)
        wrong = calendar.unlike(grid, calendar.LEAST_DAY, calendar.MOST_DAY) | calendar.no_sure_day(grid)
        sure[np.flatnonzero(sure)[wrong]] = False
        return pc.cast(only(texts, sure), arrow), sure

    def limits(self, arrow: pa.DataType) -> str:
        return calendar.LIMITS

    def fitting(self, values: pa.Array, arrow: pa.DataType, *, present: bool) -> pa.BooleanArray | None:
        if values.type != arrow:
            return None
        return between(values.view(pa.int32()), *calendar.DAYS)

    def takes(self, value: object, arrow: pa.DataType) -> bool:
        return isinstance(value, dt.date) and not isinstance(value, dt.datetime)

    def spell(self, value: Any) -> str:
        return str(value.isoformat())

    def to_json(self, value: Any) -> str:
        return self.spell(value)

    def kept_by_postgresql(self, column_type: str, arrow: pa.DataType) -> bool:
        return column_type == "date"

    def widest(self, *size: int) -> pa.DataType:
        return pa.date32()


DATE = Date()
