"""What the values of a column of texts could be: the narrowest kind that all of them fit, and how long they are."""

import re
from collections.abc import Callable, Iterable
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from rowferry.arrow import compute as pc
from rowferry.drafts.distinct import Distinct
from rowferry.kinds.dates import DATE
from rowferry.kinds.datetimes import DATETIME
from rowferry.kinds.floats import FLOAT
from rowferry.kinds.kind import Kind
from rowferry.kinds.times import TIME
from rowferry.kinds.unfit import UnfitError

_LENGTHS = (50, 100, 255, 1000, 4000)
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.([0-9]+)|-?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_BOOLEAN = re.compile(r"true|false|TRUE|FALSE|True|False")
_WRITTEN_AS_NUMBER = re.compile(r"[+-]?0[0-9]+|\+[0-9]+")
_ZONE = re.compile(r"(Z|z|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2})$")

_KINDS: dict[str, Kind] = {"float": FLOAT, "date": DATE, "datetime": DATETIME, "time": TIME}
_GRAMMARS = {"integer": _INTEGER, "boolean": _BOOLEAN, "decimal": _DECIMAL, "float": _FLOAT}
"""In the order in which they are preferred; a kind that is not here has only its own."""
_MOST_DIGITS = 15
"""Decimals of more digits are not kept by every database."""


class ColumnProfile:
    """What is known of one column; missing values are counted, and fit everything."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows = self.missing = self.longest = 0
        self.distinct = Distinct()
        self.possible = list(dict.fromkeys([*_GRAMMARS, *_KINDS]))
        self.first_zeros = ""
        self._largest = 0
        self._whole_digits = self._scale = 0
        self._has_zone = False

    @property
    def present(self) -> int:
        return self.rows - self.missing

    @property
    def is_key(self) -> bool:
        """Whether each row has a value of its own, of a kind that is usual for keys."""
        return bool(self.rows) and not self.missing and self.distinct.is_unique and self.kind in ("integer", "text")

    @property
    def kind(self) -> str:
        """The narrowest kind that all values fit; text where there are none."""
        if not self.present or not self.possible:
            return "text"
        narrow = self._whole_digits + self._scale <= _MOST_DIGITS
        return next((name for name in self.possible if name != "decimal" or narrow), "text")

    def add(self, texts: pa.StringArray) -> None:
        """Take some values, none of them missing; of equal ones, one is enough."""
        self.longest = max(self.longest, _longest(texts))
        values: list[str] = pc.unique(texts).to_pylist() if self.possible else []
        self.possible = [name for name in self.possible if self._all_fit(name, values)]

    def _all_fit(self, name: str, values: Iterable[str]) -> bool:
        of_kind, of_grammar = name in _KINDS, name in _GRAMMARS
        return all(
            (not of_grammar or self._is_written_as(name, value)) and (not of_kind or self._is_value(name, value))
            for value in values
        )

    def _is_value(self, name: str, text: str) -> bool:
        """Whether the kind takes a text, as it does when it is loaded."""
        try:
            _KINDS[name].parse(text)
        except UnfitError:
            return False
        self._has_zone |= name == "datetime" and bool(_ZONE.search(text))
        return True

    def _is_written_as(self, name: str, text: str) -> bool:
        found = _GRAMMARS[name].fullmatch(text)
        if found is None:
            if _WRITTEN_AS_NUMBER.fullmatch(text):
                self.first_zeros = self.first_zeros or text
            return False
        if name == "integer":
            self._largest = max(self._largest, abs(int(text)))
        if name == "decimal":
            self._whole_digits = max(self._whole_digits, len(found[1] or found[3]))
            self._scale = max(self._scale, len(found[2] or ""))
        return True

    def type(self) -> TypeEngine[Any]:
        """The type of a column with room for values like these."""
        types: dict[str, Callable[[], TypeEngine[Any]]] = {
            "integer": self._integer,
            "boolean": sa.Boolean,
            "decimal": lambda: sa.Numeric(min(self._whole_digits + self._scale + 3, _MOST_DIGITS), self._scale),
            "float": sa.Double,
            "date": sa.Date,
            "datetime": lambda: sa.DateTime(timezone=self._has_zone),
            "time": sa.Time,
            "text": self._text,
        }
        return types[self.kind]()

    def _integer(self) -> TypeEngine[Any]:
        return sa.Integer() if self._largest < 1 << 30 else sa.BigInteger()

    def _text(self) -> TypeEngine[Any]:
        length = next((length for length in _LENGTHS if length >= 1.5 * self.longest), None)
        return sa.String(length) if length else sa.Text()

    def evidence(self, of: str) -> list[str]:
        """What was found, in words that stand above the column; `of` says of how many rows, if not of all."""
        if not self.present:
            return [f"no value in {self.rows:,} rows{of}, so nothing is known of it"]
        absent = f"{self.missing:,} of {self.rows:,} missing" if self.missing else "none missing"
        different = f"{self.distinct.count:,} of {self.present:,} distinct" if self.distinct.is_known else "very many"
        long = f", at most {self.longest:,} characters" if self.kind == "text" else ""
        zeros = f", text because of {self.first_zeros}" if self.first_zeros and self.kind == "text" else ""
        return [f"{different}{of}, {absent}{long}{zeros}"]


def _longest(texts: pa.StringArray) -> int:
    """The most characters; bytes are counted where none has more than all of its characters."""
    most = pc.min_max(pc.binary_length(texts)).as_py()["max"] or 0
    if most <= _LENGTHS[0] // 2:
        return int(most)
    return max((len(text) for text in pc.unique(texts).to_pylist()), default=0)
