"""Texts: of any letters but NUL and half surrogate pairs, which no database keeps."""

import re
from types import NoneType
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import types as sql

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow, letters_of
from rowferry.arrow.masks import Mask, mask_of, only
from rowferry.kinds.kept_texts import KeptAsText
from rowferry.kinds.kind import InSqlite
from rowferry.kinds.unfit import UnfitError

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_NUL = 0

CITEXT = r"(?:.+\.)?citext"
IN_POSTGRESQL = re.compile(rf"text|character varying(\(\d+\))?|{CITEXT}")


class Text(KeptAsText):
    """A text, kept letter by letter."""

    name = "text"
    noun = "text"
    sql_types: tuple[type[sql.TypeEngine[Any]], ...] = (sql.String,)
    json_schema = str
    example = "text"
    is_text = True
    sample: sql.TypeEngine[Any] = sql.String(20)
    kept = "The text, letter by letter; it is compared by its letters, whatever a collation says."
    sqlite = InSqlite(
        classes=frozenset({str, NoneType}),
        spoiled_by=("INTEGER", "REAL", "NUMERIC"),
        left_alone_by=("BLOB",),
        unusual="typeof({0}) IN ('integer', 'real')",
        joined="texts",
    )

    def parse(self, text: str) -> str:
        if _UNSTORABLE.search(text):
            raise UnfitError
        return text

    def read(self, texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
        """Sure of texts that have something to read in them, and no NUL."""
        sure = _readable(texts)
        return only(texts, sure), sure

    def kept_by_postgresql(self, column_type: str, arrow: pa.DataType) -> bool:
        return bool(IN_POSTGRESQL.fullmatch(column_type))


def _readable(texts: pa.StringArray) -> Mask:
    offsets, letters = letters_of(texts)
    lengths = np.diff(offsets)
    sure = lengths > 0
    first = letters[offsets[:-1][sure]]
    sure[sure] = (first > ord(" ")) & (first < 0x7F)
    doubtful = (lengths > 0) & ~sure
    if doubtful.any():
        sure[doubtful] = ~mask_of(pc.utf8_is_space(pc.where(texts, as_arrow(doubtful))))
    if (letters == _NUL).any():
        sure[np.searchsorted(offsets, np.flatnonzero(letters == _NUL), side="right") - 1] = False
    return np.asarray(sure)


TEXT = Text()
