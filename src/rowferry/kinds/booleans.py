"""Truth values."""

from types import NoneType
from typing import Any

import pyarrow as pa
from sqlalchemy import types as sql

from rowferry.arrow import compute as pc
from rowferry.arrow.masks import Mask, mask_of
from rowferry.kinds.kind import InSqlite, Kind, SentByPostgresql, whole
from rowferry.kinds.unfit import UnfitError

_VALUES = {"true": True, "false": False, "t": True, "f": False}
_SURE = {
    value: pa.array([form(text) for text, of in _VALUES.items() if of is value for form in (str.lower, str.upper)])
    for value in (True, False)
}


class Boolean(Kind):
    """True or false."""

    name = "boolean"
    noun = "true or false"
    sql_types = (sql.Boolean,)
    json_types = ("boolean",)
    json_schema = bool
    example = True
    sent_by_postgresql = SentByPostgresql("boolsend({})", "?")
    sqlite = InSqlite(
        classes=frozenset({int, NoneType}),
        spoiled_by=("TEXT", "REAL"),
        left_alone_by=("INTEGER", "NUMERIC", "BLOB"),
        unusual="typeof({0}) = 'text'",
        joined="numbers",
    )

    def arrow(self, column_type: Any) -> pa.DataType:
        return pa.bool_()

    def default(self, value: Any) -> object:
        """SQLAlchemy takes 0 and 1, too."""
        return bool(value) if value in (0, 1) else value

    def avro(self, arrow: pa.DataType) -> str:
        return "boolean"

    def parse(self, text: str) -> bool:
        try:
            return _VALUES[text.lower()]
        except KeyError as error:
            raise UnfitError from error

    def read(self, texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
        """Sure of what is written in small letters alone, or in capitals alone."""
        is_true, is_false = (pc.is_in(texts, value_set=_SURE[value]) for value in (True, False))
        sure = pc.or_(is_true, is_false)
        return pc.if_else(sure, is_true, pa.scalar(None, arrow)), mask_of(sure)

    def fitting(self, values: pa.Array, arrow: pa.DataType, *, present: bool) -> pa.BooleanArray | None:
        return pc.is_valid(values) if values.type == arrow else None

    def takes(self, value: object, arrow: pa.DataType) -> bool:
        return isinstance(value, bool)

    def spell(self, value: Any) -> str:
        return str(value).lower()

    def kept_by_postgresql(self, column_type: str, arrow: pa.DataType) -> bool:
        return column_type == "boolean"

    def widest(self, *size: int) -> pa.DataType:
        return pa.bool_()

    def spell_sqlite(self, stored: Any) -> str:
        return str(bool(stored)) if whole(stored) in (0, 1) else super().spell_sqlite(stored)

    def read_sqlite(self, stored: tuple[Any, ...], arrow: pa.DataType) -> pa.Array:
        numbers = pa.array(stored, pa.int64())
        if pc.any_of(pc.not_equal(pc.bit_wise_and(numbers, 1), numbers)).as_py():
            raise pa.ArrowInvalid("neither 0 nor 1")
        return pc.cast(numbers, arrow)


BOOLEAN = Boolean()
