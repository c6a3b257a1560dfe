"""JSON that is kept as a text, letter by letter: numbers, white space and the order of members stay what they are."""

import json
import re
from collections import Counter
from decimal import Context
from types import NoneType
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
from sqlalchemy import types as sql

from rowferry.arrow.masks import Mask, only
from rowferry.kinds.kept_texts import KeptAsText
from rowferry.kinds.kind import InSqlite, JsonType, Kind, SpelledInPostgresql
from rowferry.kinds.unfit import OutOfRangeError, UnfitError

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_NUMBER = re.compile(r"[ \t\n\r]*-?[0-9][-+.eE0-9]*[ \t\n\r]*")

TOO_DEEP = "it is nested too deeply"
_MOST_LEVELS = 500
"""Python reads twice as many, less the calls that it is in just then: what is read today must be so in a restore."""

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_STEPS = np.zeros(256, dtype=np.int8)
_STEPS[[ord("["), ord("{")]], _STEPS[[ord("]"), ord("}")]] = 1, -1

_EXACT_DIGITS = 15
"""SQLite reads so many digits of a number exactly, in all its versions."""

_MOST_LETTERS = 40
"""No number that SQLite keeps is spelled longer."""

_WHATEVER = Context(prec=_MOST_LETTERS, traps=[])
"""Numbers of any exponent: those beyond what Python counts are infinite, or 0."""


class JsonText:
    """A value that is to stand in a document of JSON as it is spelled."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class Json(KeptAsText):
    """A text of JSON (RFC 8259)."""

    name = "json"
    noun = "JSON (RFC 8259)"
    sql_types: tuple[type[sql.TypeEngine[Any]], ...] = (sql.JSON,)
    kept = (
        "The text, letter by letter; of JSONB, PostgreSQL keeps the value. They are no key, reference or unique value."
    )
    tells_apart = False
    is_json = True
    json_types: tuple[JsonType, ...] = ("whole", "fractional", "boolean", "array")
    json_schema = Any
    example = {"key": "value"}  # noqa: RUF012  # nobody changes it
    spelled_in_postgresql = SpelledInPostgresql(b"")
    sqlite = InSqlite(
        classes=frozenset({str, NoneType}),
        spoiled_by=("REAL",),
        left_alone_by=("TEXT", "NUMERIC", "BLOB"),
        unusual="typeof({0}) IN ('integer', 'real')",
        joined=None,
    )

    def in_database(self, dialect: str) -> Kind:
        return JSON_IN_SQLITE if dialect == "sqlite" else self

    def arrow(self, column_type: Any) -> pa.DataType:
        if column_type.__module__.startswith("sqlalchemy.dialects.sqlite") and type(column_type).__name__ == "JSONB":
            raise LookupError(f"{column_type!r}, a form that SQLite alone reads; use JSON")
        return super().arrow(column_type)

    def default(self, value: Any) -> str:
        return json.dumps(None if value is sql.JSON.NULL else value, default=str)  # which is a number, too

    def parse(self, text: str) -> str:
        """The text itself, if it is JSON, and no reader may take it for other values than another one."""
        require_json(text)
        return text

    def read(self, texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
        """Sure of all that is JSON."""
        sure = np.fromiter(map(self._is_fit, texts.to_pylist()), dtype=np.bool_, count=len(texts))
        return only(texts, sure), sure

    def _is_fit(self, text: str) -> bool:
        try:
            self.parse(text)
        except UnfitError:
            return False
        return True

    def to_json(self, value: Any) -> object:
        return JsonText(value)

    def kept_by_postgresql(self, column_type: str, arrow: pa.DataType) -> bool:
        return column_type == "json"


class JsonInSqlite(Json):
    """A text of JSON in SQLite, whose columns of type JSON make numbers of texts that are nothing else."""

    def parse(self, text: str) -> str:
        require_json(text)
        if _NUMBER.fullmatch(text) and (kept := _kept(text)) != text:
            raise OutOfRangeError(f"SQLite would keep it as {kept}; put it into an array or an object")
        return text


def _kept(number: str) -> str:
    """How SQLite spells a number that stands alone."""
    exact = _WHATEVER.create_decimal(number.strip()) if len(number) < _MOST_LETTERS else None
    if exact is None or (len(exact.as_tuple().digits) > _EXACT_DIGITS and exact != exact.to_integral_value()):
        return "a rounded number"
    return str(int(exact)) if -(2**63) <= exact == exact.to_integral_value() < 2**63 else repr(float(exact))


def require_json(text: str) -> None:
    """Raise UnfitError unless a text is JSON of one meaning: no member twice, no half of a character."""
    try:
        value = json.loads(text, object_pairs_hook=_members, parse_int=str, parse_float=str, parse_constant=_refuse)
    except RecursionError:
        raise UnfitError(TOO_DEEP) from None
    except json.JSONDecodeError as error:
        raise UnfitError(f"{error.msg} at character {error.pos + 1}") from error
    if text.count("[") + text.count("{") > _MOST_LEVELS and _levels(text) > _MOST_LEVELS:
        raise UnfitError(TOO_DEEP)
    if _SURROGATE.search(text) and _LONE_SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        raise UnfitError("it has half a surrogate pair, which is no character")


def _levels(text: str) -> int:
    """How many arrays and objects there are within each other, at most."""
    marks = np.frombuffer(_STRING.sub("", text).encode("utf-8", "surrogatepass"), dtype=np.uint8)
    return int(np.cumsum(_STEPS[marks], dtype=np.int64).max())


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        times = Counter(name for name, _ in pairs)
        repeated = next(name for name, count in times.items() if count > 1)
        raise UnfitError(f"an object has {json.dumps(repeated[:60])} twice")
    return found


def _refuse(constant: str) -> NoReturn:
    raise UnfitError(f"{constant} is not JSON")


JSON = Json()
JSON_IN_SQLITE = JsonInSqlite()
