"""Arrays, which only PostgreSQL has; here they are texts of JSON, so that a column of JSON can take them elsewhere.

In files, an array is what people write, `[1, null]`, or what PostgreSQL prints, `{1,NULL}`: the two cannot be confused.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import pyarrow as pa
from sqlalchemy import types as sql

from rowferry.kinds.integers import INTEGER
from rowferry.kinds.json_texts import JSON, TOO_DEEP, JsonText, require_json
from rowferry.kinds.kept_texts import Respelled
from rowferry.kinds.kind import JsonType, Kind
from rowferry.kinds.unfit import OutOfRangeError, UnfitError

_NO_ELEMENTS = {"json", "jsonb", "padded text", "interval", "calendar interval"}
"""Kinds whose values PostgreSQL does not read, or not spell, as JSON has them."""

_MOST_DIMENSIONS = 6
_TOKEN = re.compile(r'\s*(?:([{},])|"((?:[^"\\]|\\.)*)"|([^{}",\\\s](?:[^{}",\\]*[^{}",\\\s])?))\s*', re.DOTALL)
_BOUNDS = re.compile(r"\[[-+0-9]+:")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True)
class _Given:
    """An element as it was given: its text, and what it is in JSON, if that is no text."""

    text: str
    json: JsonType | None = None


@dataclass(frozen=True)
class Array(Respelled):
    """Values of one kind, or none, in a row or in rows of the same length; the first of them is number 1."""

    element: Kind = INTEGER
    element_arrow: pa.DataType = pa.int32()  # noqa: RUF009  # it never changes
    max_length: int | None = None

    sql_types = (sql.ARRAY,)
    sample = sql.ARRAY(sql.Integer)
    kept = "The array, in PostgreSQL; elsewhere, use a variant of JSON. They are no key, reference or unique value."
    json_types = ("array",)
    json_schema = list[Any]
    sqlite = JSON.sqlite

    @property
    def name(self) -> str:
        return f"{self.element.name}[]"

    @property
    def noun(self) -> str:
        return "an array, as [1, 2] or {1,2}"

    @property
    def example(self) -> object:
        return [self.element.example]

    def arrow(self, column_type: Any) -> pa.DataType:
        if self.element.name in _NO_ELEMENTS:
            raise LookupError(f"{column_type!r}: arrays of type {self.element.name} are not supported; use JSON")
        return super().arrow(column_type)

    def default(self, value: Any) -> str:
        given = _each(value, self._default) if isinstance(value, list) else value
        return self.parse(given if isinstance(given, str) else json.dumps(given, default=str))

    def _default(self, value: object) -> str | None:
        return None if value is None else self.element.spell_default(value)

    def parse(self, text: str) -> str:
        """An array in the one spelling that it has here."""
        stripped = text.strip(" \t\n\r")
        if _BOUNDS.match(stripped):
            raise UnfitError("its first element is not number 1, which is not kept")
        if stripped.startswith("["):
            given = _of_json(stripped)
        elif stripped.startswith("{"):
            given = _of_literal(stripped)
        else:
            raise UnfitError
        _shape(given, _MOST_DIMENSIONS)
        return json.dumps(_each(given, self._value))

    def kept_by_postgresql(self, column_type: str, arrow: pa.DataType) -> bool:
        is_array = column_type.endswith("[]")
        return is_array and self.element.kept_by_postgresql(column_type.removesuffix("[]"), self.element_arrow)

    def for_postgresql(self, text: str) -> str:
        return _literal(json.loads(text, parse_int=_Number, parse_float=_Number))

    def to_json(self, value: Any) -> object:
        return JsonText(value)

    def _value(self, given: _Given | None) -> object:
        if given is None:
            return None
        if given.json not in (None, *self.element.json_types):
            raise UnfitError(f"an element must be {self.element.noun}, not {given.text}")
        try:
            value = self.element.parse(given.text)
        except UnfitError as error:
            why = f": {error}" if str(error) else ""
            raise type(error)(f"an element must be {self.element.noun}, not {given.text[:60]!r}{why}") from error
        if self.max_length and isinstance(value, str) and len(value) > self.max_length:
            raise OutOfRangeError(f"an element has {len(value)} characters, but may have {self.max_length}")
        if not self.element.holds(value, self.element_arrow):
            raise OutOfRangeError(f"an element must {self.element.limits(self.element_arrow)}, not {given.text[:60]!r}")
        # Arrow has a decimal with all its places, but of an identifier only bytes.
        held = value if isinstance(value, UUID) else pa.scalar(value, self.element_arrow).as_py()
        return self.element.to_json(held)


@cache
def array_of(element: Kind, arrow: pa.DataType, max_length: int | None) -> Array:
    """The kind of arrays of some elements; those of the same elements are one."""
    return Array(element, arrow, max_length)


class _Number(str):
    """A number as it is spelled."""

    __slots__ = ()


def _of_json(text: str) -> list[Any]:
    require_json(text)
    try:
        found = json.loads(
            text,
            parse_int=lambda digits: _Given(digits, "whole"),
            parse_float=lambda digits: _Given(digits, "fractional"),
        )
        return _each(found, _given)
    except RecursionError:
        raise UnfitError(TOO_DEEP) from None


def _given(value: Any) -> _Given | None:
    if value is None or isinstance(value, _Given):
        return value
    if isinstance(value, bool):
        return _Given(str(value).lower(), "boolean")
    if isinstance(value, dict):
        raise UnfitError("an element is an object")
    return _Given(value)


def _of_literal(text: str) -> list[Any]:
    """What an array is that PostgreSQL has printed (https://www.postgresql.org/docs/current/arrays.html)."""
    tokens = _tokens(text)
    next(tokens)
    found = _elements(tokens, _MOST_DIMENSIONS)
    if next(tokens, None):
        raise UnfitError("something stands behind its end")
    return found


def _tokens(text: str) -> Iterator[tuple[str, _Given | None]]:
    """Braces, commas, and elements, which are called by an empty text."""
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            raise UnfitError(f"character {at + 1} fits nowhere")
        mark, quoted, plain = found.groups()
        if mark:
            yield mark, None
        elif quoted is not None:
            yield "", _Given(_ESCAPED.sub(r"\1", quoted))
        else:
            yield "", None if plain.upper() == "NULL" else _Given(plain)
        at = found.end()


def _elements(tokens: Iterator[tuple[str, _Given | None]], dimensions: int) -> list[Any]:
    """The elements up to the brace that closes them."""
    found: list[Any] = []
    for mark, given in tokens:
        if mark == "}" and not found:
            return found
        if mark in ("}", ",") or not dimensions:
            raise UnfitError("an element is missing" if dimensions else "it has too many dimensions")
        found.append(_elements(tokens, dimensions - 1) if mark == "{" else given)
        behind, _ = next(tokens, ("", None))
        if behind == "}":
            return found
        if behind != ",":
            break
    raise UnfitError("its end is missing")


def _shape(elements: list[Any], dimensions: int) -> tuple[int, ...]:
    """How many elements there are in each dimension.

    Raises:
        UnfitError: Rows are of several lengths, or none is there.
    """
    if not dimensions:
        raise UnfitError("it has too many dimensions")
    shapes = {_shape(each, dimensions - 1) if isinstance(each, list) else () for each in elements}
    if len(shapes) > 1 or any(0 in shape for shape in shapes):
        raise UnfitError("its rows are not of the same length")
    return (len(elements), *next(iter(shapes), ()))


def _each(elements: list[Any], read: Callable[[Any], object]) -> list[Any]:
    return [_each(element, read) if isinstance(element, list) else read(element) for element in elements]


def _literal(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case list():
            return "{" + ",".join(map(_literal, value)) + "}"
        case bool():
            return str(value).lower()
        case _Number():
            return str(value)
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


ARRAY = Array()
