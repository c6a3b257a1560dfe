"""Rejected rows as a CSV file that people correct and load again."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rowferry.dictionary.faults import RejectCode
from rowferry.dictionary.rules import TableRules
from rowferry.kinds.texts import TEXT, Text
from rowferry.sources.csv.formulas import BYTE_ORDER_MARK, guarded, unguarded
from rowferry.sources.csv.framing import COMMA, scan_row
from rowferry.sources.csv.header import NOT_AS_IT_CAME, REASONS
from rowferry.sources.limits import RAW_BYTES

_WRONG_WIDTH = {RejectCode.TOO_FEW_FIELDS, RejectCode.TOO_MANY_FIELDS, RejectCode.QUOTE, RejectCode.TOO_LONG}
_SHOWN_OTHERWISE = {*_WRONG_WIDTH, RejectCode.ENCODING, RejectCode.NOT_AN_OBJECT, RejectCode.UNKNOWN_COLUMN}

_LETTER_BYTES = 4


@dataclass(frozen=True)
class Written:
    """How a file was written that rows come from: its columns, what separates them, and words for what is missing."""

    columns: Sequence[str]
    delimiter: int = COMMA
    null_words: frozenset[str] = frozenset()


def written_files(load: Mapping[str, Any] | None) -> dict[str, Written]:
    """How each file of a load of the ledger was written, by name."""
    if load is None:
        return {}
    words = frozenset(load["options"].get("null", ()))
    return {
        source["name"]: Written(source["columns"], ord(source.get("delimiter", ",")), words)
        for source in load["sources"]
        if source.get("columns")
    }


def correctable_csv(
    rules: TableRules, rejects: Iterable[Mapping[str, Any]], files: Mapping[str, Written] | None = None
) -> Iterator[str]:
    """Lines of CSV: a header, then each rejected row of one table as it came, where it stood, and what is wrong.

    Cells are as they stood in the file; a row that has too few of them is filled up, and what it has too many is
    joined into its last one; whatever had to be shown otherwise than it came says so in its last cell, and stays
    rejected until that is emptied. `files` says how a source was written, if not with the table's columns in their
    order, separated by commas. Each line ends with CR LF (RFC 4180). It begins with a byte order mark, and no cell of
    it runs as a formula in a spreadsheet: see `formulas`, whose rule is undone where a file with the last of these
    columns is read.
    """
    names = _given(rules, files or {})
    yield BYTE_ORDER_MARK + _line([*names, *REASONS])
    for row in rejects:
        file = (files or {}).get(row["source"]) or Written(_columns(rules, row))
        fitted = _fitted(row["raw"], file)
        if NOT_AS_IT_CAME in file.columns:  # it stood in such a file already
            fitted = [unguarded(cell) for cell in fitted]
        cells = dict(zip(map(str.casefold, file.columns), fitted, strict=True))
        because = "; ".join(error["message"] for error in row["errors"])
        reasons = row["row_number"], because, _shown_otherwise(rules, row)
        row_and_reasons = [*(cells.get(name.casefold(), "") for name in names), *map(str, reasons)]
        yield _line([guarded(cell) for cell in row_and_reasons])


def _given(rules: TableRules, files: Mapping[str, Written]) -> list[str]:
    """The columns that rows may bring, but for those that no file has: empty, they would be missing values."""
    had = {column.casefold() for file in files.values() for column in file.columns}
    found = [name for name in rules.given if name.casefold() in had]
    return found or list(rules.given)


def _shown_otherwise(rules: TableRules, row: Mapping[str, Any]) -> str:
    """The code of the fault that keeps a row from being shown as it came; empty if there is none."""
    for error in row["errors"]:
        # A text of a file can hold no other thing that is not its type than NUL; a value of JSON or Avro has a type.
        kind = rules.by_name[error["column"]].kind if error["column"] in rules.by_name else TEXT
        lost_type = error["code"] == RejectCode.TYPE and (isinstance(kind, Text) or row.get("typed"))
        if error["code"] in _SHOWN_OTHERWISE or lost_type:
            return str(error["code"])
    is_beginning = len(row["raw"].encode()) > RAW_BYTES - _LETTER_BYTES
    return str(row["errors"][0]["code"]) if is_beginning else ""


def _columns(rules: TableRules, row: Mapping[str, Any]) -> Sequence[str]:
    """The columns of the file a row comes from: it may be a corrected file, which has our own columns too."""
    corrected = [*rules.names, *REASONS]
    trusted = not any(error["code"] in _WRONG_WIDTH for error in row["errors"])
    fits = trusted and len(_cells(row["raw"], Written(corrected))) == len(corrected)
    return corrected if fits else rules.names


def _fitted(raw: str, file: Written) -> list[str]:
    cells, width = _cells(raw, file), len(file.columns)
    if len(cells) > width:
        return [*cells[: width - 1], chr(file.delimiter).join(cells[width - 1 :])]
    return cells + [""] * (width - len(cells))


def _cells(raw: str, file: Written) -> list[str]:
    """The cells of a row; where a quote spoils it, the reading that comes to the right number of them."""
    text, delimiter = raw.encode(), chr(file.delimiter)
    row = scan_row(text, 0, final=True, delimiter=file.delimiter)
    if row and row.cells is not None and row.after == len(text):
        cells = [cell.decode() for cell in row.cells]
        return ["" if not q and cell in file.null_words else cell for cell, q in zip(cells, row.quoted, strict=True)]
    lenient = _read_leniently(raw, delimiter)
    split = raw.split(delimiter)
    return split if len(lenient) != len(file.columns) and len(split) == len(file.columns) else lenient


def _read_leniently(raw: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([raw], delimiter=delimiter))
    except (csv.Error, ValueError):  # which knows fewer delimiters
        return raw.split(delimiter)


def _line(cells: Sequence[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
