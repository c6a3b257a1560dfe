"""What should come out of a CSV file: an independent judge, row by row and byte by byte, in plain Python.

It shares no code with the product. It is slow and obvious on purpose; where the two differ, one of them is wrong.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from oracle_values import Field, judge

MAX_ROW = 1_048_576
KEPT_OF_A_LONG_ROW = 65_536

Found = tuple[str | None, str]
"""Column (None: the whole row) and code."""


@dataclass(frozen=True)
class Definition:
    """A table: its columns, and the names of its key."""

    name: str
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ("id",)


DEPARTMENTS = Definition("departments", (Field("id", "integer"), Field("department", "text", length=255)))
JOBS = Definition("jobs", (Field("id", "integer"), Field("job", "text", length=255)))
HIRED_EMPLOYEES = Definition(
    "hired_employees",
    (
        Field("id", "integer"),
        Field("name", "text", length=255),
        Field("datetime", "datetime"),
        Field("department_id", "integer", parent="departments"),
        Field("job_id", "integer", parent="jobs"),
    ),
)


@dataclass(frozen=True)
class Row:
    """A framed row: its bytes without line end, and its cells, unless a quote spoils it or it is too long."""

    raw: bytes
    cells: tuple[bytes, ...] | None
    too_long: bool = False


@dataclass(frozen=True)
class Reject:
    row_number: int
    raw: str
    found: list[Found]
    first_row: int | None = None


@dataclass
class Expected:
    """The rows of the table after the load, by key, and what becomes of the file's rows."""

    rows: dict[tuple[Any, ...], tuple[Any, ...]]
    rows_read: int = 0
    inserted: int = 0
    unchanged: int = 0
    rejects: list[Reject] = field(default_factory=list)


class _StrayQuoteError(Exception):
    """Where the quote or CR stands that spoils a row, and the last quote that opened a cell of several lines."""

    def __init__(self, at: int, opened: int = -1) -> None:
        self.at = at
        self.opened = opened


def frame(data: bytes, max_row: int = MAX_ROW) -> list[Row]:
    """All rows of a file (without byte order mark)."""
    rows = []
    at = 0
    while at < len(data):
        content, after = _line(data, at)
        if content - at > max_row:
            rows.append(Row(data[at:content], None, too_long=True))
        else:
            try:
                cells, end = _cells(data, at, max_row)
            except _StrayQuoteError as stray:
                content, after = _line(data, stray.at)
                if content - at > max_row and stray.opened >= 0:
                    content, after = _line(data, stray.opened)
                rows.append(Row(data[at:content], None, too_long=content - at > max_row))
            else:
                _, after = _line(data, end)
                too_long = end - at > max_row
                rows.append(Row(data[at:end], None if too_long else tuple(cells), too_long=too_long))
        at = after
    return rows


_LINE_END = re.compile(rb"\r?\r?\n|\r?\r?\Z")


def _line(data: bytes, at: int) -> tuple[int, int]:
    """Where the content of the physical line that goes through `at` ends, and where the next line starts."""
    line_end = data.find(b"\n", at)
    line_end = len(data) if line_end < 0 else line_end
    content = line_end
    while content > at and line_end - content < 2 and data[content - 1 : content] == b"\r":
        content -= 1
    return content, min(line_end + 1, len(data))


def _ends_line(data: bytes, at: int) -> bool:
    return _LINE_END.match(data, at) is not None


def _cells(data: bytes, start: int, max_row: int) -> tuple[list[bytes], int]:
    """The cells of the row at `start`, and where its content ends."""
    cells: list[bytes] = []
    at, opened = start, -1
    while True:
        quoted = data[at : at + 1] == b'"'
        try:
            cell, end = _quoted(data, at, start + max_row) if quoted else _bare(data, at)
        except _StrayQuoteError as stray:
            raise _StrayQuoteError(stray.at, opened) from None
        if quoted and b"\n" in cell:
            opened = at
        if end - start > max_row and opened >= 0:
            raise _StrayQuoteError(opened, opened)  # a row of several lines is too long: the quote is to blame
        cells.append(cell)
        if data[end : end + 1] != b",":
            return cells, end
        at = end + 1


def _quoted(data: bytes, opening: int, limit: int) -> tuple[bytes, int]:
    """A cell in quotes, which must be closed before `limit`, and where it ends."""
    cell = bytearray()
    at = opening + 1
    while data[at : at + 1] != b'"' or data[at + 1 : at + 2] == b'"':
        if at >= min(limit, len(data)):
            raise _StrayQuoteError(opening)
        cell += data[at : at + 1]
        at += 2 if data[at : at + 1] == b'"' else 1
    at += 1
    if at > limit or (data[at : at + 1] != b"," and not _ends_line(data, at)):
        raise _StrayQuoteError(opening)
    return bytes(cell), at


def _bare(data: bytes, start: int) -> tuple[bytes, int]:
    """A cell without quotes, and where it ends; a carriage return in it ends no line."""
    at = start
    while data[at : at + 1] != b"," and not _ends_line(data, at):
        if data[at : at + 1] in (b'"', b"\r"):
            raise _StrayQuoteError(at)
        at += 1
    return data[start:at], at


def spelled(raw: bytes, max_row: int = MAX_ROW, kept: int = KEPT_OF_A_LONG_ROW) -> str:
    """A raw row as it is kept."""
    return (raw[:kept] if len(raw) > max_row else raw).decode("utf-8", "backslashreplace").replace("\0", "\\x00")


def _values(
    definition: Definition, cells: tuple[bytes, ...], keys: Mapping[str, set[Any]], found: list[Found]
) -> tuple[Any, ...]:
    values: list[Any] = []
    for column, cell in zip(definition.fields, cells, strict=True):
        value, code = None, None
        try:
            value, code = judge(column, cell.decode("utf-8"))
        except UnicodeDecodeError:
            found.append((None, "row.encoding"))
        if code:
            found.append((column.name, code))
        elif column.parent and value is not None and value not in keys[column.parent]:
            found.append((column.name, "reference.missing"))
        values.append(value)
    return tuple(values)


def _faults_of_row(definition: Definition, row: Row) -> list[Found]:
    if row.too_long:
        return [(None, "row.too_long")]
    if row.cells is None:
        return [*_undecodable((row.raw,)), (None, "row.quote")]
    if (count := len(row.cells)) == len(definition.fields):
        return []
    wrong = "row.too_few_fields" if count < len(definition.fields) else "row.too_many_fields"
    return [(None, wrong), *_undecodable(row.cells)]


def _judged(
    definition: Definition, row: Row, keys: Mapping[str, set[Any]], breaks: Callable[[tuple[Any, ...]], bool]
) -> tuple[list[Found], tuple[Any, ...]]:
    """What is wrong with a row by itself, and its values."""
    found = _faults_of_row(definition, row)
    if found or row.cells is None:
        return found, ()
    values = _values(definition, row.cells, keys, found)
    if all(column for column, _ in found) and breaks(values):
        found.append((None, "value.check"))
    return found, values


def _undecodable(cells: tuple[bytes, ...]) -> list[Found]:
    try:
        for cell in cells:
            cell.decode("utf-8")
    except UnicodeDecodeError:
        return [(None, "row.encoding")]
    return []


def expect(
    data: bytes,
    definition: Definition,
    keys: Mapping[str, set[Any]],
    present: Mapping[tuple[Any, ...], tuple[Any, ...]] | None = None,
    max_row: int = MAX_ROW,
    breaks: Callable[[tuple[Any, ...]], bool] = lambda _: False,
) -> Expected:
    """The outcome of loading a file without header.

    `keys` are those of the parents, `present` the table's rows; `breaks` says whether a row breaks the table's check.
    """
    before = dict(present or {})
    expected = Expected(dict(before))
    taken: dict[tuple[Any, ...], int] = {}
    names = [column.name for column in definition.fields]
    blamed = definition.key[0] if len(definition.key) == 1 else None
    for number, row in enumerate(frame(data.removeprefix(b"\xef\xbb\xbf"), max_row), 1):
        expected.rows_read += 1
        found, values = _judged(definition, row, keys, breaks)
        first = None
        if not found:
            key = tuple(values[names.index(name)] for name in definition.key)
            first = taken.setdefault(key, number)
            if first != number:
                found.append((blamed, "key.duplicate"))
            elif key not in before:
                expected.rows[key] = values
                expected.inserted += 1
            elif before[key] == values:
                expected.unchanged += 1
            else:
                found.append((blamed, "key.conflict"))
        if found:
            unique = sorted(set(found), key=str)
            expected.rejects.append(
                Reject(number, spelled(row.raw, max_row), unique, first if "key.duplicate" in str(found) else None)
            )
    return expected


_TAKEN_BY = re.compile(r"was taken by row ([0-9]+)$")


def as_reject(kept: Mapping[str, Any]) -> Reject:
    """A rejected row of the ledger, to be compared with an expected one."""
    found = sorted(((e["column"], e["code"]) for e in kept["errors"]), key=str)
    named = [_TAKEN_BY.search(e["message"]) for e in kept["errors"] if e["code"] == "key.duplicate"]
    first = int(named[0].group(1)) if named and named[0] else None
    return Reject(kept["row_number"], kept["raw"], found, first)
