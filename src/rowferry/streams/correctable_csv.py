"""Rejected rows as a CSV file that people correct and load again."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rowferry.dictionary.faults import RejectCode
from rowferry.dictionary.kinds import TEXT
from rowferry.dictionary.rules import TableRules
from rowferry.streams.csv_source import NOT_AS_IT_CAME, RAW_BYTES, REASONS
from rowferry.streams.formulas import BYTE_ORDER_MARK, guarded, unguarded
from rowferry.streams.framing import scan_row

_WRONG_WIDTH = {RejectCode.TOO_FEW_FIELDS, RejectCode.TOO_MANY_FIELDS, RejectCode.QUOTE, RejectCode.TOO_LONG}
_SHOWN_OTHERWISE = {*_WRONG_WIDTH, RejectCode.ENCODING, RejectCode.NOT_AN_OBJECT, RejectCode.UNKNOWN_COLUMN}

_LETTER_BYTES = 4


def correctable_csv(
    rules: TableRules, rejects: Iterable[Mapping[str, Any]], headers: Mapping[str, Sequence[str]] | None = None
) -> Iterator[str]:
    """Lines of CSV: a header, then each rejected row of one table as it came, where it stood, and what is wrong.

    Cells are as they stood in the file; a row that has too few of them is filled up, and what it has too many is
    joined into its last one; whatever had to be shown otherwise than it came says so in its last cell, and stays
    rejected until that is emptied. `headers` says which columns a source has, if not the table's in their order. Each
    line ends with CR LF (RFC 4180). It begins with a byte order mark, and no cell of it runs as a formula in a
    spreadsheet: see `formulas`, whose rule is undone where a file with the last of these columns is read.
    """
    yield BYTE_ORDER_MARK + _line([*rules.names, *REASONS])
    for row in rejects:
        columns = (headers or {}).get(row["source"]) or _columns(rules, row)
        fitted = _fitted(row["raw"], len(columns))
        if NOT_AS_IT_CAME in columns:  # it stood in such a file already
            fitted = [unguarded(cell) for cell in fitted]
        cells = dict(zip(map(str.casefold, columns), fitted, strict=True))
        because = "; ".join(error["message"] for error in row["errors"])
        reasons = row["row_number"], because, _shown_otherwise(rules, row)
        told = [*(cells[name.casefold()] for name in rules.names), *map(str, reasons)]
        yield _line([guarded(cell) for cell in told])


def _shown_otherwise(rules: TableRules, row: Mapping[str, Any]) -> str:
    """The code of the fault that keeps a row from being shown as it came; empty if there is none."""
    for error in row["errors"]:
        # A text of a file can hold no other thing that is not its type than NUL; a value of JSON or Avro has a type.
        kind = rules.by_name[error["column"]].kind if error["column"] in rules.by_name else TEXT
        lost_type = error["code"] == RejectCode.TYPE and (kind is TEXT or row.get("typed"))
        if error["code"] in _SHOWN_OTHERWISE or lost_type:
            return str(error["code"])
    is_beginning = len(row["raw"].encode()) > RAW_BYTES - _LETTER_BYTES
    return str(row["errors"][0]["code"]) if is_beginning else ""


def _columns(rules: TableRules, row: Mapping[str, Any]) -> Sequence[str]:
    """The columns of the file a row comes from: it may be a corrected file, which has our own columns too."""
    corrected = [*rules.names, *REASONS]
    trusted = not any(error["code"] in _WRONG_WIDTH for error in row["errors"])
    return corrected if trusted and len(_cells(row["raw"], len(corrected))) == len(corrected) else rules.names


def _fitted(raw: str, width: int) -> list[str]:
    cells = _cells(raw, width)
    if len(cells) > width:
        return [*cells[: width - 1], ",".join(cells[width - 1 :])]
    return cells + [""] * (width - len(cells))


def _cells(raw: str, width: int) -> list[str]:
    """The cells of a row; where a quote spoils it, the reading that comes to the right number of them."""
    text = raw.encode()
    row = scan_row(text, 0, final=True)
    if row and row.cells is not None and row.after == len(text):
        return [cell.decode() for cell in row.cells]
    lenient = _read_leniently(raw)
    split = raw.split(",")
    return split if len(lenient) != width and len(split) == width else lenient


def _read_leniently(raw: str) -> list[str]:
    try:
        return next(csv.reader([raw]))
    except csv.Error:
        return raw.split(",")


def _line(cells: Sequence[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
