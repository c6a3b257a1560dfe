"""Texts of a fixed length, as CHAR has them: blanks at the end fill them up, and are no part of them."""

from types import NoneType
from typing import Any

import pyarrow as pa
from sqlalchemy import types as sql

from rowferry.arrow import compute as pc
from rowferry.arrow.masks import Mask
from rowferry.kinds.kind import InSqlite
from rowferry.kinds.texts import Text

_BLANK = " "


class PaddedText(Text):
    """A text without the blanks at its end: PostgreSQL fills it up with them, and does not compare them."""

    name = "padded text"
    noun = "text"
    sql_types = (sql.CHAR, sql.NCHAR)
    sample = sql.CHAR(3)
    kept = "The text without blanks at its end, with which PostgreSQL fills the column up."
    sqlite = InSqlite(
        classes=frozenset({str, NoneType}),
        spoiled_by=("INTEGER", "REAL", "NUMERIC"),
        left_alone_by=("TEXT", "BLOB"),
        unusual="(typeof({0}) IN ('integer', 'real') OR {0} GLOB '* ')",
        joined="texts",
    )

    def parse(self, text: str) -> str:
        return super().parse(text).rstrip(_BLANK)

    def read(self, texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
        values, sure = super().read(texts, arrow)
        return pc.utf8_rtrim(values, characters=_BLANK), sure

    def to_json(self, value: Any) -> str:
        return str(value).rstrip(_BLANK)

    def kept_by_postgresql(self, column_type: str, arrow: pa.DataType) -> bool:
        return column_type.startswith("character(")

    def read_joined(self, texts: pa.StringArray, arrow: pa.DataType) -> pa.Array:
        return pc.utf8_rtrim(texts, characters=_BLANK)


PADDED_TEXT = PaddedText()
