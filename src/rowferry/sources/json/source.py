"""The rows of a batch on their way to the judge, whatever is in them."""

import csv
import io
import json
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from rowferry.dictionary.avro_schema import default_of, found_in_file
from rowferry.dictionary.faults import Fault, RejectCode, shown
from rowferry.dictionary.rules import ColumnRule, TableRules
from rowferry.judging.places import Places
from rowferry.judging.rows import LEFT_OUT, UNREADABLE, OddRow, Positions, RowBatch
from rowferry.judging.shapes import Shapes
from rowferry.kinds.kind import JsonType
from rowferry.sources.json.batch_text import Fractional, JsonRows, RepeatingObject, Whole, members_of
from rowferry.sources.limits import MAX_ROW_BYTES, RAW_BYTES, TOO_LONG

_NAMED_COLUMNS = 20
"""So many unknown columns of one row are named; one may be sent a row that has a hundred thousand."""

_UNSTORABLE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
"""Where a text may hold NUL or half a surrogate pair, which JSON can only say so."""

_JSON_TYPES: dict[type, JsonType] = {Whole: "whole", Fractional: "fractional", bool: "boolean", list: "array"}
"""What stands for values in JSON, besides text, if their kind takes it."""


class JsonSource:
    """Implements Source: the rows of one table in a batch. Row number 1 is at index 0 of the table's array."""

    def __init__(self, rules: TableRules, rows: JsonRows, name: str = "") -> None:
        self.rules = rules
        self.reading = name
        self.places = Places([name], "the row at index", first=0)
        self.rows = rows
        self._names = rules.given
        self._rules = [rules.by_name[name] for name in self._names]
        self._all = frozenset(self._names)
        self._shapes: dict[tuple[type, ...], bool] = {}
        self._suspicious = len(rows.text) > MAX_ROW_BYTES // 4 or (
            "\\" in rows.text and bool(_UNSTORABLE.search(rows.text))
        )

    @cached_property
    def size(self) -> int:
        return len(self.rows.text.encode())

    @property
    def bytes_read(self) -> int:
        return self.size

    def batches(self) -> Generator[RowBatch, None, None]:
        """All rows at once, as they are in memory already."""
        yield self._batch

    def shapes(self) -> Shapes:
        """Which columns the rows have; a row that is no object has none that matters."""
        names = [self._given(value) for value in self.rows.values]
        found = list(dict.fromkeys(names))
        numbers = {given: at for at, given in enumerate(found)}
        of_row = np.array([numbers[given] for given in names], dtype=np.int64)
        return Shapes(tuple(found), lambda row_numbers: of_row[row_numbers - 1])

    def _given(self, value: object) -> tuple[str, ...]:
        """The columns that a row has, and those that it must not leave out, whether it has them or not."""
        if type(value) is dict and value.keys() >= self._all:
            return self._names
        has = value if isinstance(value, dict) else self._all
        return tuple(rule.name for rule in self._rules if rule.name in has or rule.default is None)

    @cached_property
    def _batch(self) -> RowBatch:
        """All rows: those whose values are all of the right JSON type are plain, the others odd."""
        values = self.rows.values
        if columns := self._plain_columns():
            every = np.arange(len(values), dtype=np.int64)
            has = self._given(values[0])
            left_out = [(at, every) for at, name in enumerate(self.rules.names) if name not in has]
            return RowBatch(1, len(values), columns, every, [], self.raw, left_out=left_out)
        plain: list[tuple[Any, ...]] = []
        positions: list[int] = []
        odd: list[OddRow] = []
        for at, value in enumerate(values):
            cells = self._plain_cells(at, value)
            if cells is None:
                odd.append(self._odd_row(at, value))
            else:
                plain.append(cells)
                positions.append(at)
        return self._mixed(plain, np.array(positions, dtype=np.int64), odd)

    def _mixed(self, plain: list[tuple[Any, ...]], positions: Positions, odd: list[OddRow]) -> RowBatch:
        """Plain rows, whose cells may be left out, and others."""
        left_out = []
        texts = []
        for number, cells in enumerate(zip(*plain, strict=True) if plain else [()] * len(self.rules.columns)):
            absent = np.array([cell is LEFT_OUT for cell in cells], dtype=np.bool_)
            if absent.any():
                left_out.append((number, positions[absent]))
            texts.append(pa.array(["" if cell is LEFT_OUT else cell for cell in cells], pa.string()))
        return RowBatch(1, len(self.rows.values), texts, positions, odd, self.raw, left_out=left_out)

    def _plain_columns(self) -> list[pa.StringArray] | None:
        """The columns of all rows if all of them are plain and alike, as nearly always; much faster than row by row."""
        values: list[Any] = self.rows.values
        if self._suspicious or set(map(type, values)) != {dict}:
            return None
        has = [name for name in self._names if name in values[0]]
        if set(map(len, values)) != {len(has)} or self._given(values[0]) != tuple(has) or not has:
            return None
        columns = {name: [row.get(name) for row in values] for name in has}
        for name, cells in columns.items():
            if not all(_is_plain(self.rules.by_name[name], found) for found in set(map(type, cells))):
                return None
        nothing = [""] * len(values)
        return [pa.array(columns.get(name, nothing), pa.string()) for name in self.rules.names]

    def raw(self, position: int) -> str:
        """A row as it was sent, but no more of it than the ledger keeps."""
        text = self.rows.raw(position)
        return text if not _overlong(text) else text.encode()[:RAW_BYTES].decode("utf-8", "ignore")

    def _plain_cells(self, position: int, value: object) -> tuple[Any, ...] | None:
        if type(value) is not dict or not value or not value.keys() <= self._all:
            return None
        cells = tuple(value.get(rule.name, LEFT_OUT if rule.default else None) for rule in self.rules.columns)
        shape = tuple(map(type, cells))
        if shape not in self._shapes:
            self._shapes[shape] = all(map(_is_plain_or_left_out, self.rules.columns, shape))
        if self._suspicious and (_UNSTORABLE.search(text := self.rows.raw(position)) or _overlong(text)):
            return None
        return cells if self._shapes[shape] else None

    def _odd_row(self, position: int, row: object) -> OddRow:
        if _overlong(self.rows.raw(position)):
            return OddRow(position, None, (TOO_LONG,))
        if not isinstance(row, dict):
            message = f"the row must be an object, not {_described(row)}"
            return OddRow(position, None, (Fault(None, RejectCode.NOT_AN_OBJECT, message),))
        repeated = row.repeated if isinstance(row, RepeatingObject) else frozenset()
        cells: list[object] = []
        spelled = self._spelled(position, row)
        faults = [*_unknown_columns(row, self.rules), *_of_emptiness(row, self._rules)]
        for rule in self.rules.columns:
            cell, reason = _cell(rule, row.get(rule.name, LEFT_OUT), spelled.get(rule.name, ""))
            if rule.name in repeated:
                cell, reason = UNREADABLE, f"{rule.name} appears in the row more than once"
            if reason:
                faults.append(Fault(rule.name, RejectCode.TYPE, reason))
            cells.append(cell)
        return OddRow(position, cells, tuple(faults))

    def _spelled(self, position: int, row: dict[str, object]) -> dict[str, str]:
        """The members of a row as they are spelled, if any column takes one so."""
        takes = any(_is_spelled(rule, row.get(rule.name)) for rule in self.rules.columns)
        return self.rows.members(position) if takes else {}


def _is_plain(rule: ColumnRule, found: type) -> bool:
    """Whether what has this JSON type may stand in a column of texts, to be judged by its grammar."""
    if rule.kind.is_json or found in (bool, list):
        return False
    return found is str or _takes(rule, found)


def _is_spelled(rule: ColumnRule, value: object) -> bool:
    """Whether a value is judged as it is spelled in JSON."""
    return value is not None and (rule.kind.is_json or (isinstance(value, list) and _takes(rule, list)))


def _is_plain_or_left_out(rule: ColumnRule, found: type) -> bool:
    return found is object or _is_plain(rule, found)


def _takes(rule: ColumnRule, found: type) -> bool:
    return _JSON_TYPES.get(found) in rule.kind.json_types


def as_csv_rows(rules: TableRules, rejects: Iterable[dict[str, Any]], *, of_restore: bool) -> Iterator[dict[str, Any]]:
    """Rejected rows of batches and restores with `raw` as a row of CSV.

    What is no object, or too long to be whole, is one field. A restore finds columns by the names that they had
    before, too, and fills those that the backup has not with their default.
    """
    for reject in rejects:
        try:
            row = json.loads(reject["raw"], parse_int=Whole, parse_float=Fractional)
        except ValueError:
            row = None
        cells = [reject["raw"]]
        if isinstance(row, dict):
            find = _found_by_restore if of_restore else _found
            row = row if of_restore else _with_spelled(rules, row, reject["raw"])
            values = (find(rules, column, row) for column in rules.columns)
            cells = ["" if value is None else _as_text(value) for value in values]
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(cells)
        yield {**reject, "raw": line.getvalue(), "typed": True}


def _with_spelled(rules: TableRules, row: dict[str, object], raw: str) -> dict[str, object]:
    """A row whose values that are judged as they are spelled are texts of that."""
    names = [rule.name for rule in rules.columns if _is_spelled(rule, row.get(rule.name))]
    spelled = members_of(raw) if names else {}
    return row | {name: spelled[name] for name in names}


def _found(_rules: TableRules, column: ColumnRule, row: dict[str, object]) -> object:
    return row.get(column.name)


def _found_by_restore(rules: TableRules, column: ColumnRule, row: dict[str, object]) -> object:
    if found := found_in_file(rules, column, row):
        return row[found[0]]
    default = default_of(rules, column)
    return default if default is None or isinstance(default, str) else column.kind.spell(default)


def _as_text(value: object) -> str:
    """A value as it may stand in CSV, where there is neither NUL nor half a surrogate pair."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", r"\x00")


def _cell(rule: ColumnRule, value: object, spelled: str) -> tuple[object, str]:
    """What the judge is to read, or UNREADABLE and why."""
    if value is LEFT_OUT and (rule.default or rule.generated):
        return LEFT_OUT, ""
    if value is None or value is LEFT_OUT:
        return "", ""
    if _is_spelled(rule, value):
        return spelled, ""
    if type(value) is str:
        return value, ""
    if _takes(rule, type(value)):
        return str(value).lower() if value in (True, False) else str(value), ""
    return UNREADABLE, f"{rule.name} must be {rule.kind.noun}, not {_described(value)}"


def _unknown_columns(row: dict[str, object], rules: TableRules) -> list[Fault]:
    unknown = [name for name in row if name not in rules.given]
    faults = [
        Fault(_as_text(name[:255]), RejectCode.UNKNOWN_COLUMN, _of_unknown(name, rules))
        for name in unknown[:_NAMED_COLUMNS]
    ]
    if more := len(unknown) - len(faults):
        faults.append(
            Fault(None, RejectCode.UNKNOWN_COLUMN, f"{rules.name} does not have {more} more of these columns, either")
        )
    return faults


def _of_unknown(name: str, rules: TableRules) -> str:
    if name in rules.by_name:
        return f"{name} must be left out: the database generates it"
    return f"{rules.name} has no column {shown(name)}"


def _of_emptiness(row: dict[str, object], rules: Sequence[ColumnRule]) -> list[Fault]:
    """What is wrong with a row that gives nothing, where no column says it."""
    said = row or any(rule.required and rule.default is None for rule in rules)
    return [] if said else [Fault(None, RejectCode.REQUIRED, "the row has no value")]


def _described(value: object) -> str:
    match value:
        case bool() | None:
            return json.dumps(value)
        case Whole() | Fractional():
            return f"the number {value if len(value) <= 60 else value[:60] + '…'}"
        case str():
            return "a text"
        case list():
            return "an array"
        case _:
            return "an object"


def _overlong(text: str) -> bool:
    return len(text) > MAX_ROW_BYTES // 4 and len(text.encode()) > MAX_ROW_BYTES
