"""What a CSV file looks like when nothing is known of its table: header, columns, and what is in them, in one pass."""

import re
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa

from rowferry.arrow import compute as pc
from rowferry.dictionary.rules import TableRules, rules_of
from rowferry.drafts.column_profile import ColumnProfile
from rowferry.drafts.distinct import Distinct, combined, hashed
from rowferry.errors import HeaderUnfit
from rowferry.judging.rows import OddRow, RowBatch
from rowferry.sources.csv.byte_source import ByteSource
from rowferry.sources.csv.form import CsvForm, called, spelled
from rowferry.sources.csv.framing import COMMA
from rowferry.sources.csv.opening import Beginning, OpeningReader, whole_rows
from rowferry.sources.csv.source import CsvSource
from rowferry.sources.limits import MAX_ROW_BYTES

_DELIMITERS = b",;\t|"
_SAMPLE_ROWS = 50
_VALUE = re.compile(r"[+-]?[0-9][0-9.,:TZ/+-]*( [0-9:.]+)?|true|false", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d][\w .#/()%-]*")
_KEY_COLUMNS = (2, 3)
"""So many first columns together are tried as a key, where none is one by itself."""


@dataclass
class FileProfile:
    """What was found in a file; `keys` are the first columns together, by how many they are."""

    table: str
    columns: list[ColumnProfile]
    notes: list[str] = field(default_factory=list)
    rows: int = 0
    unread: int = 0
    is_whole: bool = True
    has_header: bool = False
    keys: dict[int, Distinct] = field(default_factory=dict)

    @property
    def of(self) -> str:
        """What to add to counts that are not those of all rows."""
        return "" if self.is_whole else " of the first rows"


def profile_file(path: Path, table: str, form: CsvForm, encoding: str, most_rows: int) -> FileProfile:
    """Read at most so many rows of a file, or somewhat more, once and in bounded memory.

    Raises:
        HeaderUnfit: A header was asked for, but the first row is none.
    """
    first, form = _first_rows(path, form, encoding)
    if not first:
        return FileProfile(table, [], ["the file has no rows"])
    names, form = _names(path, first, form)
    found = FileProfile(table, [ColumnProfile(name) for name in names], has_header=form.header == "yes")
    found.keys = {size: Distinct() for size in _KEY_COLUMNS if size <= len(names)}
    source = CsvSource(path, _texts(len(names)), encoding, form=replace(form, header="no"))
    with closing(source.batches()) as batches:
        for batch in batches:
            _add(found, batch)
            if found.rows >= most_rows:
                found.is_whole = next(batches, None) is None
                break
    if form.delimiter is not None and form.delimiter != COMMA:
        found.notes.append(f"{path.name} is separated by {called(form.delimiter)}: load it with --delimiter")
    return found


def _first_rows(path: Path, form: CsvForm, encoding: str) -> tuple[list[list[str]], CsvForm]:
    """The first rows of a file, by the delimiter that it says or that fits it best."""
    blocks = ByteSource(path, encoding).blocks()
    beginning = Beginning(blocks)
    opening = OpeningReader(beginning, str(path), _texts(1), replace(form, header="no"), MAX_ROW_BYTES).read()
    said = form.delimiter is not None or opening.delimiter != COMMA
    tried = {each: _rows(beginning, opening.skipped, each) for each in ((opening.delimiter,) if said else _DELIMITERS)}
    blocks.close()
    best = max(tried, key=lambda each: _regularity(tried[each]))
    return tried[best], replace(form, delimiter=form.delimiter if best == COMMA else best)


def _rows(beginning: Beginning, at: int, delimiter: int) -> list[list[str]]:
    rows = whole_rows(beginning.text, at, delimiter, final=beginning.ended, longest=MAX_ROW_BYTES)
    return list(islice((row for row in rows if row and any(cell.strip() for cell in row)), _SAMPLE_ROWS))


def _regularity(rows: list[list[str]]) -> tuple[bool, int]:
    """Orders delimiters: one by which rows have the same number of fields, more than one, comes first."""
    widths = [len(row) for row in rows]
    usual = max(set(widths), key=widths.count, default=0)
    return usual > 1, widths.count(usual) if usual > 1 else 0


def _names(path: Path, rows: list[list[str]], form: CsvForm) -> tuple[list[str], CsvForm]:
    """The names of the columns, and whether they stand in the file."""
    first = [cell.replace("\ufeff", "").strip() for cell in rows[0]]
    reason = _no_names(first)
    if form.header == "yes" and reason:
        raise HeaderUnfit(path=path, row=1, header=",".join(first), reason=reason, advice="Use --header no.")
    is_header = form.header == "yes" or (form.header == "auto" and not reason and _is_header(first, rows[1:]))
    if is_header:
        return first, replace(form, header="yes")
    widths = [len(row) for row in rows]
    width = max(set(widths), key=lambda each: (widths.count(each), each))
    return [f"column_{number}" for number in range(1, width + 1)], replace(form, header="no")


def _no_names(cells: list[str]) -> str:
    """Why cells cannot be names of columns; empty if they can."""
    if not all(cells):
        return "one of its names is empty"
    return "two of its names are the same" if len(set(map(spelled, cells))) < len(cells) else ""


def _is_header(first: list[str], others: list[list[str]]) -> bool:
    """Whether a row is like names and no row below it repeats one of them in its place.

    Where columns hold anything but texts, the first row is to differ from them; where all are texts, the names are to
    be like those that programs give: of one word.
    """
    if not all(_NAME.fullmatch(cell) for cell in first) or any(map(_VALUE.fullmatch, first)):
        return False
    columns = list(zip(*(row for row in others if len(row) == len(first)), strict=True))
    if any(any(_VALUE.fullmatch(cell) for cell in column) for column in columns):
        return True
    repeated = any(name in column for name, column in zip(first, columns, strict=False))
    return not repeated and all(re.fullmatch(r"\w+", cell) for cell in first)


def _texts(width: int) -> TableRules:
    """Rules by which any row of so many fields can be read."""
    columns = [sa.Column(f"column_{number}", sa.Text, primary_key=number == 1) for number in range(1, width + 1)]
    return rules_of(sa.Table("file", sa.MetaData(), *columns))


def _add(found: FileProfile, batch: RowBatch) -> None:
    is_first = found.has_header and not found.rows and not found.unread
    texts = _rows_of(batch, is_header=is_first)
    rows = len(texts[0])
    found.rows += rows
    found.unread += batch.count - rows - is_first
    hashes = []
    for profile, column in zip(found.columns, texts, strict=True):
        empty = pc.match_substring_regex(column, pattern=r"^\s*$")
        present = pc.where(column, pc.invert(empty))
        profile.rows += rows
        profile.missing += rows - len(present)
        profile.add(present)
        hashes.append(hashed(column))
        profile.distinct.add(hashes[-1][~empty.to_numpy(zero_copy_only=False)])
    for size, distinct in found.keys.items():
        if distinct.is_unique and rows:
            distinct.add(combined(hashes[:size]))


def _rows_of(batch: RowBatch, *, is_header: bool) -> list[pa.StringArray]:
    """The columns of all rows that have the right number of fields; the first row is left out if it is a header."""
    odd = [row for row in batch.odd if row.cells is not None and not row.faults]
    plain = batch.columns
    if is_header and len(batch.positions) and batch.positions[0] == 0:
        plain = [column.slice(1) for column in plain]
    elif is_header:
        odd = [row for row in odd if row.position]
    return [pa.concat_arrays([column, _cells(odd, at)]) for at, column in enumerate(plain)]


def _cells(rows: list[OddRow], at: int) -> pa.StringArray:
    found = [row.cells[at] if row.cells else "" for row in rows]
    return pa.array([cell if isinstance(cell, str) else "" for cell in found], pa.string())
