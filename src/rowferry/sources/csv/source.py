"""The rows of a CSV file, in bounded memory, whatever state the file is in."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow, letters_of
from rowferry.dictionary.faults import Fault, RejectCode
from rowferry.dictionary.rules import TableRules
from rowferry.judging.rows import LEFT_OUT, UNREADABLE, OddRow, Positions, RowBatch, Unreadable
from rowferry.sources.csv.byte_source import ByteSource
from rowferry.sources.csv.form import CsvForm
from rowferry.sources.csv.formulas import APOSTROPHE, unguarded
from rowferry.sources.csv.framing import COMMA, LF, QUOTE, Lines, Offsets, ScannedRow, find_lines, scan_row, with_places
from rowferry.sources.csv.header import ABSENT, NOT_AS_IT_CAME, in_order_of
from rowferry.sources.csv.null_words import NullWords
from rowferry.sources.csv.opening import Beginning, Opening, OpeningReader
from rowferry.sources.csv.raw_texts import spans_of, texts_between
from rowferry.sources.limits import MAX_ROW_BYTES, RAW_BYTES, TOO_LONG

_LINE_END_BYTES = 3

_BLOCK_LINES = 1 << 16
"""About as many lines are taken at a time at most: a row with a fault takes much more memory than its text."""


_UNDECODABLE = Fault(None, RejectCode.ENCODING, "the row contains bytes that cannot be decoded")
_STRAY_QUOTE = Fault(None, RejectCode.QUOTE, "a quote is misplaced or never closed")
_STRAY_RETURN = Fault(None, RejectCode.QUOTE, "an unquoted field contains a carriage return that does not end a line")
_STRAY_FEED = Fault(None, RejectCode.QUOTE, "an unquoted field contains a line feed, but lines end with CR")


class CsvSource:
    """The rows of the CSV file of one table.

    `rows_read` counts rows without the header and what is passed over before it; row numbers count from 1, all of these
    included. `columns` are those of the file, in its order, once its first row was read, and `has_header` says whether
    they stand in it; `given` are those of the table among them. `name` is what errors call the file, if not its path;
    `form` says how it is written, as far as it does not say so itself.
    """

    def __init__(
        self,
        path: Path,
        rules: TableRules,
        encoding: str = "utf-8",
        name: str | None = None,
        form: CsvForm | None = None,
    ) -> None:
        self.bytes = ByteSource(path, encoding, name)
        self.rules = rules
        self.form = form or CsvForm()
        self.rows_read = 0
        self._is_open = False
        self._take(Opening(0, 0, self.form.delimiter or COMMA, in_order_of(rules)))

    @property
    def notes(self) -> list[str]:
        """What people should know of a file whose rows were all read, although nothing of it is refused."""
        return [*self._opening.notes, *self._words.notes()]

    def batches(self) -> Generator[RowBatch, None, None]:
        """All rows in order; may be called again, to read the file again.

        Raises:
            HeaderUnfit, DelimiterUnfit: The file is to be read otherwise than it is.
        """
        self.rows_read = 0
        self.open()
        self._is_open = False
        buffer = _Buffer(_with_few_lines(self._beginning.blocks(self._opening.skipped)))
        first = 1 + self._opening.rows
        buffer.fill()  # so that a small file is known to be whole, and its rows are one batch
        while buffer.fill():
            if data := buffer.whole_lines():
                batch, used = self._frame(first, data, buffer)
                buffer.drop(used)
            elif buffer.overlong():
                batch = self._overlong_row(first, buffer.data)
                buffer.drop_line()
            else:
                continue
            first += batch.count
            self.rows_read += batch.count
            if batch.count:
                yield batch

    def open(self) -> None:
        """Read how the file begins, unless that was done and its rows were not asked for since.

        Raises:
            HeaderUnfit, DelimiterUnfit: As for `batches`.
        """
        if not self._is_open:
            self._beginning = Beginning(self.bytes.blocks())
            self._take(OpeningReader(self._beginning, self.bytes.name, self.rules, self.form, MAX_ROW_BYTES).read())
            self._is_open = True

    @property
    def held(self) -> int:
        """How many bytes of the file are in memory until its rows are asked for; a small one was read to its end."""
        return len(self._beginning.text)

    def close(self) -> None:
        """Open the file once more when its rows are asked for, and hold nothing of it until then."""
        if self._is_open:
            self._beginning.close()
            self._is_open = False

    def _take(self, opening: Opening) -> None:
        self._opening, self.delimiter = opening, opening.delimiter
        self.has_header = opening.has_header
        self.columns, self._order = opening.columns.names, opening.columns.order
        self.given = opening.columns.given
        self._fields = len(self.columns)
        self._marked = self.columns.index(NOT_AS_IT_CAME) if NOT_AS_IT_CAME in self.columns else None
        self._words = NullWords(self.rules, self.form.null_words)

    def _frame(self, first: int, data: bytes, buffer: "_Buffer") -> tuple[RowBatch, int]:
        """The rows of whole lines of a buffer, and how much they take: all but a row that goes on behind them."""
        lines = find_lines(data, self.delimiter)
        short = lines.ends - lines.starts <= MAX_ROW_BYTES
        sound, strays = lines.plain & short, lines.stray & short
        plain, misfits = sound & (lines.fields == self._fields), sound & (lines.fields != self._fields)
        if self._marked is not None:
            plain &= self._unmarked(data, lines) & ~_holding_apostrophes(data, lines)
        begins = np.ones(len(plain), dtype=np.bool_)
        odd: dict[int, OddRow] = {}
        used, after = len(data), 0
        for line in np.flatnonzero(~(plain | misfits | strays)).tolist():
            start = int(lines.starts[line])
            if start < after:
                continue
            final = buffer.ended or len(buffer.data) - start > MAX_ROW_BYTES + _LINE_END_BYTES
            row = self._scan(data, start, int(lines.ends[line]), final=final)
            if row is None:
                used = start
                begins, plain, misfits, strays = begins[:line], plain[:line], misfits[:line], strays[:line]
                break
            after = row.after
            if after > lines.after[line]:
                rest = slice(line + 1, int(np.searchsorted(lines.starts, after)))
                begins[rest] = plain[rest] = misfits[rest] = strays[rest] = False
            odd[line] = self._odd_row(row, data[start : row.end])
        batch = self._batch(first, data[:used], lines, begins, plain, odd)
        positions = np.cumsum(begins) - 1
        undecodable = with_places(lines.starts, lines.undecodable)[: len(begins)] & (plain | misfits | strays)
        spoiled = [(positions[undecodable], _UNDECODABLE), *self._misfits(lines.fields, positions, misfits)]
        return replace(batch, spoiled=[*spoiled, (positions[strays], _STRAY_QUOTE)]), used

    def _misfits(
        self, fields: npt.NDArray[np.int64], positions: npt.NDArray[np.int64], misfits: npt.NDArray[np.bool_]
    ) -> list[tuple[Positions, Fault]]:
        """The rows that have too few or too many fields, by their number."""
        at = np.flatnonzero(misfits)
        return [(positions[at[fields[at] == width]], self._misfit(width)) for width in sorted(set(fields[at].tolist()))]

    def _unmarked(self, data: bytes, lines: Lines) -> npt.NDArray[np.bool_]:
        """Which lines have nothing in the column of marks for sure; it is behind all others, unless it was moved."""
        if self._marked != self._fields - 1:
            return np.zeros(len(lines.ends), dtype=np.bool_)
        letters = np.frombuffer(data, dtype=np.uint8)
        return np.asarray(letters[np.maximum(lines.ends - 1, 0)] == self.delimiter)

    def _batch(
        self,
        first: int,
        data: bytes,
        lines: Lines,
        begins: npt.NDArray[np.bool_],
        plain: npt.NDArray[np.bool_],
        odd: dict[int, OddRow],
    ) -> RowBatch:
        positions = np.cumsum(begins) - 1
        row_starts = lines.starts[: len(begins)][begins]

        def raw(position: int) -> str:
            end = row_starts[position + 1] if position + 1 < len(row_starts) else len(data)
            return self._raw(_without_line_end(data[row_starts[position] : end]))

        def raws(wanted: Positions) -> pa.StringArray:
            if self._beginning.swapped:
                return pa.array(map(raw, wanted.tolist()), pa.string())
            starts, ends = spans_of(data, row_starts, wanted)
            texts, odd = texts_between(data, starts, ends), ends - starts > MAX_ROW_BYTES
            odd |= with_places(row_starts, lines.undecodable)[wanted]
            if b"\0" in data:
                odd |= with_places(row_starts, np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == 0))[wanted]
            if not odd.any():
                return texts
            return pc.replace_with_mask(texts, as_arrow(odd), pa.array(map(raw, wanted[odd].tolist()), pa.string()))

        return RowBatch(
            first=first,
            count=len(row_starts),
            columns=self._columns(lines, plain),
            positions=positions[plain],
            unreadable=self._unreadable(lines, plain, positions),
            left_out=[(at, positions[plain]) for at, field in enumerate(self._order) if field == ABSENT],
            odd=[OddRow(int(positions[line]), row.cells, row.faults) for line, row in odd.items()],
            raw=raw,
            raws=raws,
        )

    def _columns(self, lines: Lines, plain: npt.NDArray[np.bool_]) -> list[pa.StringArray]:
        """The columns of plain lines, as texts."""
        buffers = [None, pa.py_buffer(lines.cell_bounds), pa.py_buffer(lines.data)]
        # Every other text is a cell; between them stand the marks that separate them.
        cells = pa.Array.from_buffers(pa.string(), len(lines.cell_bounds) - 1, buffers)
        first = lines.first_cells[: len(plain)][plain]
        columns = [self._column(cells, lines, first, field) for field in self._order]
        self._words.count(columns)
        return columns

    def _unreadable(self, lines: Lines, plain: npt.NDArray[np.bool_], positions: Positions) -> list[Unreadable]:
        """The cells of plain lines that are not UTF-8."""
        if not len(lines.undecodable):
            return []
        cells, first = lines.undecodable_cells, lines.first_cells[: len(plain)][plain]
        found = [cells[first + field] & (field != ABSENT) for field in self._order]
        return [(number, positions[plain][of_column]) for number, of_column in enumerate(found) if of_column.any()]

    def _column(self, cells: pa.StringArray, lines: Lines, first: Offsets, field: int) -> pa.StringArray:
        if field == ABSENT:
            return pa.array([""] * len(first), pa.string())
        places = 2 * (first + field)
        column = pc.take(cells, as_arrow(places))
        column = self._words.emptied(column, lambda at: lines.in_quotes(places[at]))
        return _unquoted(column) if lines.quoted else column

    def _odd_row(self, row: ScannedRow, text: bytes) -> OddRow:
        """A row that is to be judged by itself; its position is not known yet."""
        if len(text) > MAX_ROW_BYTES:
            return OddRow(0, None, (TOO_LONG,))
        faults = [_UNDECODABLE] if _decoded(text) is UNREADABLE else []
        if row.cells is None:
            return OddRow(0, None, (*faults, self._stray(row.stray)))
        cells: list[object] = [_decoded(self._beginning.as_it_stood(cell)) for cell in row.cells]
        if self._marked is not None:
            cells = [unguarded(cell) if isinstance(cell, str) else cell for cell in cells]
        if len(cells) == self._fields:
            if self._marked is not None and cells[self._marked]:
                faults.append(_uncorrected(cells[self._marked]))
            cells = self._words.emptied_cells(cells, row.quoted)
            in_order = [LEFT_OUT if field == ABSENT else cells[field] for field in self._order]
            self._words.count_cells(in_order)
            return OddRow(0, in_order, tuple(faults))
        return OddRow(0, None, (*faults, self._misfit(len(cells))))

    def _misfit(self, fields: int) -> Fault:
        code = RejectCode.TOO_FEW_FIELDS if fields < self._fields else RejectCode.TOO_MANY_FIELDS
        plural = "" if fields == 1 else "s"
        return Fault(None, code, f"the row has {fields} field{plural}, not {self._fields}")

    def _overlong_row(self, first: int, data: bytes) -> RowBatch:
        raw = self._raw(data[:RAW_BYTES])
        columns = [pa.array([], pa.string())] * len(self._order)
        nothing = np.array([], dtype=np.int64)
        return RowBatch(first, 1, columns, nothing, [OddRow(0, None, (TOO_LONG,))], lambda _: raw)

    def _raw(self, row: bytes) -> str:
        return _readable(self.bytes.as_it_stood(self._beginning.as_it_stood(row)))

    def _stray(self, letter: int) -> Fault:
        if letter == QUOTE:
            return _STRAY_QUOTE
        return _STRAY_FEED if self._beginning.swapped else _STRAY_RETURN

    def _scan(self, data: bytes, start: int, line_end: int, *, final: bool) -> ScannedRow | None:
        """The row at `start`, or None if it may go on behind the data."""
        if line_end - start > MAX_ROW_BYTES:
            return ScannedRow(None, line_end, data.find(b"\n", start) + 1 or len(data), stray=QUOTE)
        return scan_row(data, start, final=final, longest=MAX_ROW_BYTES, delimiter=self.delimiter)


@dataclass
class _Buffer:
    """What was read from the file and not taken as rows yet."""

    blocks: Iterator[bytes]
    data: bytes = b""
    ended: bool = False

    def fill(self) -> bool:
        """Read another block; False when there is nothing left."""
        block = next(self.blocks, None)
        if block is None:
            self.ended = True
        else:
            self.data += block
        return bool(self.data) or not self.ended

    def whole_lines(self) -> bytes:
        return self.data if self.ended else self.data[: self.data.rfind(b"\n") + 1]

    def overlong(self) -> bool:
        return len(self.data) >= MAX_ROW_BYTES + _LINE_END_BYTES

    def drop(self, size: int) -> None:
        self.data = self.data[size:]

    def drop_line(self) -> None:
        """Drop everything up to the next line, without holding it."""
        while True:
            self.data = b""
            self.fill()
            if self.ended:
                return
            if (line_end := self.data.find(b"\n")) >= 0:
                self.drop(line_end + 1)
                return


def _with_few_lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes, in smaller blocks where there are too many lines in one."""
    for block in blocks:
        lines = int(np.count_nonzero(np.frombuffer(block, dtype=np.uint8) == LF))
        size = -(-len(block) // (1 + lines // _BLOCK_LINES))
        for at in range(0, len(block), max(size, 1)):
            yield block[at : at + size]


def _holding_apostrophes(data: bytes, lines: Lines) -> npt.NDArray[np.bool_]:
    """Which lines hold apostrophes, one of which may guard a cell."""
    held = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == APOSTROPHE)
    return np.searchsorted(held, lines.starts) < np.searchsorted(held, lines.ends)


def _unquoted(cells: pa.StringArray) -> pa.StringArray:
    """What stood between quotes; a quote within it was doubled."""
    if (letters_of(cells)[1] == QUOTE).any():
        return pc.replace_substring(cells, pattern='""', replacement='"')
    return cells


def _uncorrected(mark: object) -> Fault:
    code = next((code for code in RejectCode if code == mark), RejectCode.TOO_MANY_FIELDS)
    return Fault(None, code, f"the row is not shown as it was: correct it, then empty its {NOT_AS_IT_CAME}")


def _decoded(cell: bytes) -> object:
    try:
        return cell.decode("utf-8")
    except UnicodeDecodeError:
        return UNREADABLE


def _readable(raw: bytes) -> str:
    r"""A row as text: bytes that are not UTF-8, and NUL, which no database keeps in a text, as \xNN."""
    kept = raw[:RAW_BYTES] if len(raw) > MAX_ROW_BYTES else raw
    return kept.decode("utf-8", "backslashreplace").replace("\0", r"\x00")


def _without_line_end(row: bytes) -> bytes:
    return row.removesuffix(b"\n").removesuffix(b"\r").removesuffix(b"\r")
