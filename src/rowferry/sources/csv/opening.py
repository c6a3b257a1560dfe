"""How a CSV file begins: what is passed over before its rows, what separates its fields, and which columns it has."""

import codecs
import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from rowferry.dictionary.rules import TableRules
from rowferry.errors import DelimiterUnfit
from rowferry.kinds.texts import Text
from rowferry.sources.absent_columns import notes_on_absent
from rowferry.sources.csv.form import CsvForm, as_option, called
from rowferry.sources.csv.framing import COMMA, CR, LF, QUOTE, ScannedRow, scan_row
from rowferry.sources.csv.header import REASONS, Columns, FirstRow, in_order_of

SAMPLE_BYTES = 64 * 1024
"""How much of a file is looked at, to see what it is like; a longer header is read to its end."""

_ROWS = 20
"""So many rows are looked at to see whether they fit a delimiter."""

_DELIMITERS = b",;\t|:^~\x01\x1f\x1e#!*$%&/@ "
"""What may separate fields, the usual ones first."""

_USUAL = _DELIMITERS[:4]

_SEP = re.compile(rb'"?sep=([\x01-\x09\x0b\x0c\x0e-\x21\x23-\x7f])"?\1*\s*', re.IGNORECASE)
"""A line by which spreadsheets are told what separates the fields of a file."""

_SWAP = bytes.maketrans(b"\r\n", b"\n\r")


class Beginning:
    """The first bytes of a file, which are given out again with all others by `blocks`.

    Where lines end with CR alone, CR and LF change places in all that is given out, so that readers know only LF;
    `as_it_stood` changes them back.
    """

    def __init__(self, blocks: Generator[bytes, None, None]) -> None:
        self._blocks = blocks
        self._read: list[bytes] = []
        self.text = b""
        self.ended = False
        self.swapped = False
        self.grow(SAMPLE_BYTES)
        if _ends_lines_with_cr(self.text):
            self.swapped, self.text = True, self.text.translate(_SWAP)

    def grow(self, size: int) -> None:
        """Read on until there are so many bytes or the file ends."""
        more, length = [], len(self.text)
        while length < size and not self.ended:
            block = next(self._blocks, None)
            if block is None:
                self.ended = True
            else:
                more.append(block)
                length += len(block)
        self._read += more
        added = b"".join(more)
        self.text += added.translate(_SWAP) if self.swapped else added

    def row(self, at: int, delimiter: int, longest: int) -> ScannedRow | None:
        """The row at a place; None if there is none, or it is longer than `longest`."""
        while (row := scan_row(self.text, at, final=self.ended, longest=longest, delimiter=delimiter)) is None:
            if len(self.text) - at > longest:
                return None
            self.grow(2 * len(self.text))
        return row if at < len(self.text) else None

    def close(self) -> None:
        """Read no more of the file, and forget what was read."""
        self._blocks.close()
        self._read, self.text = [], b""

    def blocks(self, skipped: int) -> Iterator[bytes]:
        """All of the file but its first bytes, in the blocks that it was read in."""
        self.text = b""
        while self._read:
            block = self._read.pop(0)
            skipped, block = max(skipped - len(block), 0), block[skipped:]
            yield block.translate(_SWAP) if self.swapped else block
        for block in self._blocks:
            yield block.translate(_SWAP) if self.swapped else block

    def as_it_stood(self, text: bytes) -> bytes:
        return text.translate(_SWAP) if self.swapped else text


def whole_rows(text: bytes, at: int, delimiter: int, *, final: bool, longest: int) -> Iterator[list[str] | None]:
    """The cells of each row that is whole in a text from a place on, None if it is spoiled; none of blank rows."""
    while at < len(text) and (row := scan_row(text, at, final=final, longest=longest, delimiter=delimiter)):
        if text[at : row.end].strip():
            yield None if row.cells is None else [cell.decode("utf-8", "replace") for cell in row.cells]
        at = row.after


def _ends_lines_with_cr(text: bytes) -> bool:
    """Whether CR ends lines alone: outside of quotes there is more of it than LF."""
    if b"\r" not in text:
        return False
    # CR LF and CR CR LF are line ends of files that end lines with LF.
    lines = text.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").rstrip(b"\r")
    letters = np.frombuffer(lines, dtype=np.uint8)
    outside = np.cumsum(letters == QUOTE) & 1 == 0
    returns, feeds = letters == CR, letters == LF
    if not feeds.any():
        return bool(returns.any())
    return int(np.count_nonzero(returns & outside)) > int(np.count_nonzero(feeds & outside))


@dataclass(frozen=True)
class Opening:
    """How a file begins: `skipped` bytes and `rows` stand before its first row of data.

    `columns` are those that a header says, or else those of the table in their order.
    """

    skipped: int
    rows: int
    delimiter: int
    columns: Columns
    has_header: bool = False
    notes: list[str] = field(default_factory=list)


class OpeningReader:
    """Reads how the file of a table begins, as far as nobody has said it; `path` is what errors call it."""

    def __init__(self, beginning: Beginning, path: str, rules: TableRules, form: CsvForm, longest: int) -> None:
        self._beginning, self._path, self._rules, self._form = beginning, path, rules, form
        self._longest = longest
        self._at = self._passed = 0
        self._delimiter = COMMA if form.delimiter is None else form.delimiter

    def read(self) -> Opening:
        """How the file begins.

        Raises:
            HeaderUnfit: It has a header that lacks a required column, or has an unknown one.
            DelimiterUnfit: Its fields are separated by something else.
        """
        self._pass_over()
        first = self._beginning.row(self._at, self._delimiter, self._longest)
        header = self._as_header(first, self._delimiter)
        is_header = self._form.header != "no" and header is not None and header.is_header
        if not is_header and self._form.header != "no":
            self._require_no_other_header()
        if header is None or first is None or not (is_header or self._form.header == "yes"):
            return self._of_data()
        columns = header.columns(self._path, self._passed + 1)
        self._require_delimiter(first.after, columns.names)
        notes = notes_on_absent(header.absent)
        return Opening(first.after, self._passed + 1, self._delimiter, columns, has_header=True, notes=notes)

    def _of_data(self) -> Opening:
        columns = in_order_of(self._rules)
        self._require_delimiter(self._at, columns.names)
        notes = []
        if self._form.header == "auto" and self._is_like_a_header():
            notes.append(f"row {self._passed + 1} was read as data; if it is a header, use --header yes (?header=yes)")
        return Opening(self._at, self._passed, self._delimiter, columns, notes=notes)

    def _pass_over(self) -> None:
        """Pass over byte order marks, blank lines, and a line that says what separates fields."""
        declared = self._form.delimiter
        while True:
            text = self._beginning.text
            if text.startswith(codecs.BOM_UTF8, self._at):
                self._at += len(codecs.BOM_UTF8)
                continue
            end = text.find(b"\n", self._at)
            if end < 0 and not self._beginning.ended:
                return
            line = text[self._at : end if end >= 0 else len(text)]
            if separated := _SEP.fullmatch(line):
                self._delimiter = declared = separated[1][0] if declared is None else declared
            elif end < 0 or not self._is_blank(line):
                return
            self._at = end + 1 if end >= 0 else len(text)
            self._passed += 1

    def _is_blank(self, line: bytes) -> bool:
        """Whether a line holds nothing; where rows have several fields, delimiters alone are nothing."""
        nothing = bytes((self._delimiter,)) + (_USUAL if len(self._rules.columns) > 1 else b"")
        return not line.translate(None, nothing).strip()

    def _as_header(self, row: ScannedRow | None, delimiter: int) -> FirstRow | None:
        """A row as a header, also if a quote spoils it; None if it can be none, as one of a million cells."""
        if row is None:
            return None
        cells = row.cells
        if cells is None:
            cells = self._beginning.text[self._at : row.end].split(bytes((delimiter,)))
        named = (*self._rules.names, *REASONS, *self._form.renamed, *self._form.ignored)
        if len(cells) > 2 * len(named) and self._form.header != "yes":
            return None
        return FirstRow([cell.decode("utf-8", "replace") for cell in cells], self._rules, self._form)

    def _require_no_other_header(self) -> None:
        """Raise DelimiterUnfit if the first row is a header by another delimiter, by which the second fits it."""
        for delimiter in self._others(_DELIMITERS):
            text, final = self._sample(self._at)
            row = scan_row(text, self._at, final=final, longest=self._longest, delimiter=delimiter)
            header = self._as_header(row, delimiter)
            if row and header and len(header.cells) > 1 and header.is_header:
                second = next(iter(self._rows(row.after, delimiter)), None)
                if second is None or len(second) == len(header.cells):
                    raise self._separated_by(delimiter)

    def _require_delimiter(self, at: int, names: Sequence[str]) -> None:
        """Raise DelimiterUnfit if no row fits the delimiter in force, and at least half the rows fit another."""
        rows = self._rows(at, self._delimiter)
        if len(names) < 2 or any(self._fit(row, names) for row in rows):
            return
        # Where the number of fields is right, it takes more than an unusual letter to doubt it.
        wide = any(row is not None and len(row) == len(names) for row in rows)
        for delimiter in self._others(_USUAL if wide else _DELIMITERS):
            fit = [self._fit(row, names) for row in self._rows(at, delimiter)]
            if fit and 2 * sum(fit) >= len(fit):
                raise self._separated_by(delimiter)

    def _is_like_a_header(self) -> bool:
        """Whether the first row fits none of its columns and the second does, as if names had others stand for them."""
        first, second = [*self._rows(self._at, self._delimiter), None, None][:2]
        rules = self._rules
        if first is None or len(first) != len(rules.given) or not self._fit(second, rules.given):
            return False
        both = zip((rules.by_name[name] for name in rules.given), first, strict=True)
        judged = [
            bool(cell.strip()) and rule.judge(cell)[1] is not None
            for rule, cell in both
            if not isinstance(rule.kind, Text)
        ]
        return bool(judged) and all(judged)

    def _fit(self, cells: Sequence[str] | None, names: Sequence[str]) -> bool:
        """Whether a row has all fields, and what is no text fits its column."""
        if cells is None or len(cells) != len(names):
            return False
        return all(self._judged(name, cell) for name, cell in zip(names, cells, strict=True))

    def _judged(self, name: str, cell: str) -> bool:
        rule = self._rules.by_name.get(name)
        missing = cell in self._form.null_words and (rule is None or not rule.required)
        return missing or rule is None or isinstance(rule.kind, Text) or rule.judge(cell)[1] is None

    def _rows(self, at: int, delimiter: int) -> list[list[str] | None]:
        """The cells of the first rows that are whole in what was read, None for those that are spoiled."""
        text, final = self._sample(at)
        return list(islice(whole_rows(text, at, delimiter, final=final, longest=self._longest), _ROWS))

    def _sample(self, at: int) -> tuple[bytes, bool]:
        """The file up to some way behind a place, and whether it ends there."""
        text = self._beginning.text[: at + SAMPLE_BYTES]
        return text, self._beginning.ended and len(text) == len(self._beginning.text)

    def _others(self, delimiters: bytes) -> list[int]:
        """The other ones that there are in what was read."""
        return [byte for byte in delimiters if byte != self._delimiter and byte in self._beginning.text]

    def _separated_by(self, delimiter: int) -> DelimiterUnfit:
        return DelimiterUnfit(
            path=self._path, found=called(delimiter), expected=called(self._delimiter), option=as_option(delimiter)
        )
