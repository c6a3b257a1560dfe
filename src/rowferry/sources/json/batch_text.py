"""Reads a batch in JSON: the rows of each table, each with the text it was sent as."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from rowferry.dictionary.catalog import Catalog
from rowferry.dictionary.faults import shown
from rowferry.errors import BatchMalformed, BatchSize, BatchTableUnknown, BodyNotJson, BodyTooDeep, BodyTooLarge

MAX_BODY_BYTES = 8 * 1024 * 1024
"""A larger batch is refused."""

MAX_ROWS = 1_000
"""A batch with more rows is refused."""

_SPACE = re.compile(r"[ \t\n\r]*")
_DELIMITER = re.compile(r"[ \t\n\r]*([,\]}])[ \t\n\r]*")


class Whole(str):
    """A number without fraction and exponent, as it was spelled."""

    __slots__ = ()


class Fractional(str):
    """A number with fraction or exponent, as it was spelled."""

    __slots__ = ()


_PLAIN_TYPES = {str, Whole, Fractional, bool, type(None)}


class RepeatingObject(dict[str, object]):
    """An object that has a name more than once; `repeated` are these names."""

    repeated: frozenset[str] = frozenset()


@dataclass(frozen=True)
class JsonRows:
    """What stands in the array of one table: the values, and the text of the body with the place of the first row."""

    text: str
    values: list[object]
    start: int

    def raw(self, position: int) -> str:
        """A row as it was sent."""
        return self.text[slice(*self._spans[position])]

    def members(self, position: int) -> dict[str, str]:
        """The members of a row that is an object, each as it was sent."""
        return members_of(self.raw(position))

    @cached_property
    def _spans(self) -> list[tuple[int, int]]:
        """From where to where each row is."""
        return [span for _, span in _each_row(self.text, self.start)]


def read_batch(body: bytes, catalog: Catalog) -> dict[str, JsonRows]:
    """The rows of a batch by table, each table in load order.

    Numbers are kept as they were spelled. Every row may be anything that JSON knows; the judge sees to that.

    Raises:
        UsageError: The body is no batch; which of BodyTooLarge, BodyNotJson, BodyTooDeep, BatchMalformed,
            BatchTableUnknown and BatchSize it is says why.
    """
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLarge(limit=MAX_BODY_BYTES)
    try:
        found = _Scan(body.decode("utf-8-sig"), catalog).batch()
    except UnicodeDecodeError as error:
        raise BodyNotJson(reason=f"byte {error.start} is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise BodyNotJson(reason=f"{error.msg} (line {error.lineno}, column {error.colno})") from error
    except RecursionError as error:
        raise BodyTooDeep from error
    if not 1 <= (count := sum(len(rows.values) for rows in found.values())) <= MAX_ROWS:
        raise BatchSize(most=MAX_ROWS, rows=count)
    return {name: found[name] for name in catalog.names if name in found}


class _Scan:
    """Reads the two outer levels of a batch itself, to know the text of each row, and has JSON values read whole."""

    def __init__(self, text: str, catalog: Catalog) -> None:
        self._text = text
        self._catalog = catalog
        self._at = 0

    def batch(self) -> dict[str, JsonRows]:
        """The rows of each table; the text must end behind the object."""
        if self._peek() != "{":
            self._value()
            self._require_end()
            raise self._malformed("it is not an object")
        found: dict[str, JsonRows] = {}
        for name in self._names():
            found[name] = self._table_rows(name, known=name in found)
        self._require_end()
        return found

    def _name(self) -> str:
        if self._text[self._at : self._at + 1] != '"':
            raise self._broken("Expecting property name enclosed in double quotes")
        name = str(self._value())
        if self._peek() != ":":
            raise self._broken("Expecting ':' delimiter")
        self._at += 1
        self._peek()
        return name

    def _table_rows(self, name: str, *, known: bool) -> JsonRows:
        if name not in self._catalog:
            raise BatchTableUnknown(table=shown(name), names=", ".join(self._catalog.names))
        if known:
            raise self._malformed(f"{name} appears in it more than once")
        if self._text[self._at : self._at + 1] != "[":
            self._value()
            raise self._malformed(f"{name} is not an array of rows")
        if rows := self._plain_rows():
            return rows
        self._at += 1
        start = self._at
        if self._peek() == "]":
            self._at += 1
            return JsonRows(self._text, [], start)
        return self._any_rows()

    def _plain_rows(self) -> JsonRows | None:
        """All rows at once, which is much faster, if it is sure that reading them one by one would find the same.

        So it is where all rows are objects of plain values, none of which has a name twice: then there are as many
        strings in the text as there are names and texts in the rows.
        """
        start = self._at
        try:
            values, end = _scan_plain(self._text, start)
        except (ValueError, StopIteration, RecursionError):
            return None
        if not 1 <= len(values) <= MAX_ROWS or set(map(type, values)) != {dict}:
            return None
        types = Counter(map(type, chain.from_iterable(map(dict.values, values))))
        strings = sum(map(len, values)) + types[str]
        quotes, escapes, codes = (self._text.count(sought, start, end) for sought in ('"', "\\", "\\u"))
        if not types.keys() <= _PLAIN_TYPES or escapes != codes or quotes != 2 * strings:
            return None
        self._at = end
        return JsonRows(self._text, values, self._skip_space(start + 1))

    def _any_rows(self) -> JsonRows:
        start, values = self._at, []
        for value, (_, end) in _each_row(self._text, start):
            self._at = end
            values.append(value)
            if len(values) > MAX_ROWS:
                raise BatchSize(most=MAX_ROWS, rows=f"{MAX_ROWS + 1} or more")
        self._peek()
        self._at += 1
        return JsonRows(self._text, values, start)

    def _names(self) -> Iterator[str]:
        """Pass over the outer object, and stop behind each of its names, where its value starts."""
        self._at += 1
        if self._peek() == "}":
            self._at += 1
            return
        delimiter = ","
        while delimiter == ",":
            yield self._name()
            found = _DELIMITER.match(self._text, self._at)
            if not found or found[1] == "]":
                raise self._broken("Expecting ',' delimiter")
            delimiter, self._at = found[1], found.end()

    def _value(self) -> object:
        value, self._at = _next_value(self._text, self._at)
        return value

    def _peek(self) -> str:
        """The next character that is no white space; empty at the end."""
        self._at = self._skip_space(self._at)
        return self._text[self._at : self._at + 1]

    def _skip_space(self, at: int) -> int:
        return _behind_space(self._text, at)

    def _require_end(self) -> None:
        if self._peek():
            raise self._broken("Extra data")

    def _broken(self, message: str) -> json.JSONDecodeError:
        return json.JSONDecodeError(message, self._text, self._at)

    def _malformed(self, reason: str) -> BatchMalformed:
        return BatchMalformed(reason=reason, names=", ".join(self._catalog.names))


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    repeating = RepeatingObject(found)
    repeating.repeated = frozenset(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
    return repeating


def _refuse_constant(name: str) -> object:
    raise BodyNotJson(reason=f"{name} is not JSON")


def _scanner(**hooks: Any) -> Callable[[str, int], tuple[Any, int]]:
    """What reads one value of JSON from a place in a text: the value, and the place behind it."""
    decoder = json.JSONDecoder(parse_int=Whole, parse_float=Fractional, parse_constant=_refuse_constant, **hooks)
    return decoder.scan_once  # type: ignore[attr-defined, no-any-return]  # what raw_decode calls


_scan_once, _scan_plain = _scanner(object_pairs_hook=_object), _scanner()


def _next_value(text: str, at: int) -> tuple[object, int]:
    try:
        return _scan_once(text, at)
    except StopIteration as end:
        raise json.JSONDecodeError("Expecting value", text, end.value) from end


def members_of(text: str) -> dict[str, str]:
    """The members of a text that is an object, each as it is spelled; of a name that it has twice, the last one."""
    found, at = {}, _behind_space(text, _behind_space(text, 0) + 1)
    while text[at] != "}":
        name, at = _next_value(text, at)
        start = _behind_space(text, _behind_space(text, at) + 1)
        _, at = _next_value(text, start)
        found[str(name)] = text[start:at]
        at = _behind_space(text, at)
        at = _behind_space(text, at + 1) if text[at] == "," else at
    return found


def _behind_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None  # noqa: S101  # it matches nothing, too
    return found.end()


def _each_row(text: str, at: int) -> Iterator[tuple[object, tuple[int, int]]]:
    """The values of an array, from its first one on, and from where to where each of them is."""
    delimiter = ","
    while delimiter == ",":
        value, end = _next_value(text, at)
        yield value, (at, end)
        found = _DELIMITER.match(text, end)
        if not found or found[1] == "}":
            raise json.JSONDecodeError("Expecting ',' delimiter", text, end)
        delimiter, at = found[1], found.end()
