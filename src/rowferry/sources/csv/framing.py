r"""Where the rows of a CSV file begin and end (RFC 4180), exact also where quotes go wrong.

A line that is well quoted by itself is a row: those are found for a whole block at once. All other lines are read one
by one by `scan_row`, which defines what a row is. See docs/decisions/0003-framing.md.

Of these four lines, the first is a row by itself. The second and third are one row, since a quote is open where the
second ends, and the last is spoiled by a stray quote:

    >>> data = b'1,Ann\n2,"Bo\nLee"\n3,B"ob\n'
    >>> lines = find_lines(data)
    >>> [data[start:end] for start, end in zip(lines.starts, lines.ends)]
    [b'1,Ann', b'2,"Bo', b'Lee"', b'3,B"ob']
    >>> lines.plain.tolist()
    [True, False, False, False]
    >>> lines.cell_bounds[:4].tolist()  # of the cells 1 and Ann
    [0, 1, 2, 5]
    >>> row = scan_row(data, start=6, final=True)
    >>> row.cells, row.after
    ([b'2', b'Bo\nLee'], 17)
    >>> scan_row(data[:10], start=6, final=False)  # more data is needed
    >>> scan_row(data, start=17, final=True).cells  # None: the row is spoiled, and the next one begins at 24
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from rowferry.arrow.arrays import is_utf8

LF, CR, QUOTE, COMMA = b'\n\r",'

_RARELY = 16 * 1024
"""Where quotes are this many bytes apart, to read each line that has one by itself is faster than to rank all marks."""

_FEW_LINES = 512

_MOST_RETURNS = 2
"""So many carriage returns before a line feed belong to the line end: CR CR LF is what CR LF becomes in text mode."""

_ASCII, _SUB = 0x7F, 0x1A

_FOLLOWING = np.repeat(np.array([0, 1, 2, 3, 0], np.uint8), [0xC2, 0xE0 - 0xC2, 0xF0 - 0xE0, 0xF5 - 0xF0, 0x100 - 0xF5])
"""How many bytes follow one in UTF-8."""

_NEVER = np.isin(np.arange(256), [0xC0, 0xC1, *range(0xF5, 0x100)])

_SECOND_BYTES = ((0xE0, 0xA0, 0xBF), (0xED, 0x80, 0x9F), (0xF0, 0x90, 0xBF), (0xF4, 0x80, 0x8F))
"""After these bytes not all that continue a character may stand: the least and the most."""

_RETURNS = (b"\r\r", b"\r")
_LINE_ENDS = (b"\r\n", b"\r\r\n")

Offsets = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ScannedRow:
    """One row: its cells, or None where it is spoiled; `end` excludes the line end, `after` is past it.

    `quoted` says which cells stood in quotes. What spoils a row is `stray`: a quote, or a carriage return.
    """

    cells: list[bytes] | None
    end: int
    after: int
    quoted: Sequence[bool] = ()
    stray: int = 0


@dataclass(frozen=True)
class Lines:
    """The physical lines of `data`: start, end without line end, where the next begins, and number of fields.

    `plain` marks lines that are rows by themselves and need no second look; `stray` those that are one row, spoiled by
    a quote in a wrong place, if a row begins there. The cells of a plain line are those from `first_cells` on; cell
    number n lies between `cell_bounds` 2n and 2n + 1, without its quotes. `quoted` says whether there is any quote in
    them; within a cell they are still doubled. In `data` cells of plain lines that are not UTF-8 hold something else
    that is: they are those in which the places `undecodable` lie.
    """

    data: bytes
    starts: Offsets
    ends: Offsets
    after: Offsets
    fields: Offsets
    plain: npt.NDArray[np.bool_]
    stray: npt.NDArray[np.bool_]
    first_cells: Offsets
    cell_bounds: npt.NDArray[np.int32]
    quoted: bool
    undecodable: Offsets

    @property
    def undecodable_cells(self) -> npt.NDArray[np.bool_]:
        """Which cells, by their number, are not UTF-8."""
        found = np.zeros(len(self.cell_bounds) // 2, dtype=np.bool_)
        found[np.searchsorted(self.cell_bounds[:-1:2], self.undecodable, side="right") - 1] = True
        return found

    def in_quotes(self, bounds: Offsets) -> npt.NDArray[np.bool_]:
        """Which of some cells, each told by the number of the bound where it begins, stand in quotes."""
        letters = np.frombuffer(self.data, dtype=np.uint8)
        return np.asarray(letters[np.maximum(self.cell_bounds[bounds] - 1, 0)] == QUOTE)


def scan_row(
    data: bytes, start: int, *, final: bool, longest: int | None = None, delimiter: int = COMMA
) -> ScannedRow | None:
    """Read the row that starts at `start`; None if it is not over where the data ends, and `final` is not set.

    A stray quote (inside an unquoted field; closing a field but followed by neither delimiter nor line end; never
    closed) ends the row at the end of the line where it stands; so does a carriage return inside an unquoted field. A
    quoted field that is not properly closed is blamed on the quote that opened it, so that no other line is lost with
    it. So is one that makes a row of several lines longer than `longest` bytes.
    """
    limit, separator = len(data) if longest is None else start + longest, bytes((delimiter,))
    cells: list[bytes] = []
    in_quotes: list[bool] = []
    at, opened, line_end = start, -1, -1
    while True:
        quoted = data[at : at + 1] == b'"'
        if quoted:
            read = _quoted_cell(data, at, limit, separator, final=final)
        else:
            line_end = _line_end(data, at, line_end, final=final)
            read = _bare_cell(data, at, line_end, separator)
        if read is None:
            return None
        cell, after = read
        if cell is None:
            row = _spoiled(data, after)
            return _spoiled(data, opened) if row.end > limit and opened >= 0 else row
        if quoted and b"\n" in cell:
            opened = at
        if after > limit and opened >= 0:
            return _spoiled(data, opened)
        cells.append(cell)
        in_quotes.append(quoted)
        at = after + 1
        if data[after : after + 1] != separator:
            return ScannedRow(cells, after, _past_line_end(data, after), in_quotes)


def _quoted_cell(
    data: bytes, start: int, limit: int, separator: bytes, *, final: bool
) -> tuple[bytes | None, int] | None:
    """The cell and the offset behind it; (None, offset of the stray quote); None if more data is needed."""
    at = data.find(b'"', start + 1, limit)
    while at >= 0 and data[at + 1 : at + 2] == b'"':
        at = data.find(b'"', at + 2, limit)
    if at < 0:
        return (None, start) if final or len(data) > limit else None
    if at + 1 == len(data) and not final:
        return None
    tail = data[at + 1 : at + 2 + _MOST_RETURNS]
    if tail in _RETURNS and not final:
        return None
    if tail[:1] in (b"", separator, b"\n") or tail.startswith(_LINE_ENDS) or (final and tail in _RETURNS):
        return data[start + 1 : at].replace(b'""', b'"'), at + 1
    return None, start


def _line_end(data: bytes, at: int, known: int, *, final: bool) -> int:
    """Where the line ends that goes on at `at`, -1 if that is not known; a `known` end of before may be that of it.

    A row may have a million cells, for each of which the whole line would be looked through.
    """
    if known >= at:
        return known
    found = data.find(b"\n", at)
    return len(data) if found < 0 and final else found


def _bare_cell(data: bytes, start: int, line_end: int, separator: bytes) -> tuple[bytes | None, int] | None:
    if line_end < 0:
        return None
    end = data.find(separator, start, line_end)
    if end < 0:
        end = _without_returns(data, start, line_end)
    strays = [found for mark in (b'"', b"\r") if (found := data.find(mark, start, end)) >= 0]
    return (None, min(strays)) if strays else (data[start:end], end)


def _without_returns(data: bytes, start: int, line_end: int) -> int:
    """Where a line ends, without the carriage returns that belong to its end."""
    least = max(start, line_end - _MOST_RETURNS)
    while line_end > least and data[line_end - 1] == CR:
        line_end -= 1
    return line_end


def _spoiled(data: bytes, at: int) -> ScannedRow:
    line_end = data.find(b"\n", at)
    if line_end < 0:
        line_end = len(data)
    return ScannedRow(None, _without_returns(data, at + 1, line_end), min(line_end + 1, len(data)), stray=data[at])


def _past_line_end(data: bytes, end: int) -> int:
    """Where the next row begins, behind one that ends at `end`."""
    returns = next((found for found in _RETURNS if data.startswith(found, end)), b"")
    return min(end + len(returns) + 1, len(data))


def find_lines(data: bytes, delimiter: int = COMMA) -> Lines:
    """The lines of a block, which ends where a line or the file ends."""
    block = np.frombuffer(data, dtype=np.uint8)
    quotes = np.flatnonzero(block == QUOTE) if b'"' in data else np.array([], dtype=np.int64)
    quoted = len(quotes) > len(data) // _RARELY
    found = (block == LF) | (block == delimiter)
    marks = np.flatnonzero(found | (block == QUOTE) if quoted else found)
    kinds = block[marks]
    if not data.endswith(b"\n"):
        marks, kinds = np.append(marks, len(data)), np.append(kinds, np.uint8(LF))
    last = np.flatnonzero(kinds == LF)
    breaks = marks[last]
    after = np.minimum(breaks + 1, len(data))
    starts = np.concatenate(([0], after[:-1]))
    ends = _without_cr(block, starts, breaks) if b"\r" in data else breaks
    plain, stray = np.ones(len(starts), dtype=np.bool_), np.zeros(len(starts), dtype=np.bool_)
    if quoted:
        separates, plain, stray = _read_quotes(marks, kinds, ends, carriage_returns=ends is not breaks)
        marks, last = marks[separates], np.flatnonzero(kinds[separates] == LF)
    else:
        plain[lines_at(starts, quotes)] = False
    for special in _special_lines(data, block, starts, ends):
        plain[special] = stray[special] = False
    first = np.concatenate(([0], last[:-1] + 1))
    bounds = _cell_bounds(block, marks)
    bounds[2 * last + 1] = ends
    if quoted:
        _leave_quotes_out(block, bounds)
    undecodable = np.array([], dtype=np.int64) if is_utf8(data) else _undecodable(block, starts)
    lines = Lines(data, starts, ends, after, last - first + 1, plain, stray, first, bounds, quoted, undecodable)
    return replace(lines, data=_with_substitutes(block, lines)) if len(undecodable) else lines


def _cell_bounds(block: npt.NDArray[np.uint8], marks: Offsets) -> npt.NDArray[np.int32]:
    """Where the cells between marks begin and end, the first at the start of the block."""
    bounds = np.zeros(2 * len(marks) + 1, dtype=np.int32)
    bounds[1::2] = marks
    bounds[2::2] = bounds[1::2] + 1
    bounds[-1] = len(block)
    return bounds


def _leave_quotes_out(block: npt.NDArray[np.uint8], bounds: npt.NDArray[np.int32]) -> None:
    """Narrow cells that begin with a quote."""
    begins, ends = bounds[:-1:2], bounds[1::2]
    quoted = np.flatnonzero((block[np.minimum(begins, len(block) - 1)] == QUOTE) & (ends - begins > 1))
    begins[quoted] += 1
    ends[quoted] -= 1


def _without_cr(block: npt.NDArray[np.uint8], starts: Offsets, breaks: Offsets) -> Offsets:
    ends = breaks
    for _ in range(_MOST_RETURNS):
        returns = block[ends - 1] == CR  # before the first letter, this looks at the last one
        if not returns.any():
            break
        ends = ends - (returns & (ends > starts))
    return ends


def _read_quotes(
    marks: Offsets, kinds: npt.NDArray[np.uint8], ends: Offsets, *, carriage_returns: bool
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which of the commas, line ends and quotes separate cells, and the lines whose quotes are all right by themselves.

    In such a line every quote of even rank opens a field or follows a quote, and every quote of odd rank stands
    before a comma, the line's end or a quote. The third are the lines where one does not.
    """
    is_quote, is_break = kinds == QUOTE, kinds == LF
    line = np.cumsum(is_break, dtype=np.int32) - is_break
    quotes_until = np.cumsum(is_quote, dtype=np.int32)
    before_line = np.concatenate(([0], quotes_until[is_break]))
    within = (quotes_until - is_quote - before_line[line]) & 1 == 1
    touch = np.diff(marks) == 1
    opens = np.concatenate((marks[:1] == 0, touch))
    closes = np.append(touch, np.False_)
    if carriage_returns:
        closes |= marks + 1 == ends[line]
    plain, stray = np.diff(before_line) & 1 == 0, np.zeros(len(ends), dtype=np.bool_)
    stray[line[is_quote & ~np.where(within, closes, opens)]] = True
    return is_break | ~(is_quote | within), plain & ~stray, stray


def _special_lines(data: bytes, block: npt.NDArray[np.uint8], starts: Offsets, ends: Offsets) -> list[Offsets]:
    """Lines that hold NUL, or a carriage return that ends no line."""
    special = []
    if b"\0" in data:
        special.append(lines_at(starts, np.flatnonzero(block == 0)))
    if b"\r" in data:
        returns = np.flatnonzero(block == CR)
        lines = lines_at(starts, returns)
        special.append(lines[returns < ends[lines]])
    return special


def lines_at(starts: Offsets, offsets: Offsets) -> Offsets:
    """The numbers of the lines, or of other parts, in which some places lie."""
    return np.searchsorted(starts, offsets, side="right") - 1


def with_places(starts: Offsets, offsets: Offsets) -> npt.NDArray[np.bool_]:
    """Which lines, or other parts, hold one of some places."""
    found = np.zeros(len(starts), dtype=np.bool_)
    found[lines_at(starts, offsets)] = True
    return found


def _undecodable(block: npt.NDArray[np.uint8], starts: Offsets) -> Offsets:
    """Places that are not UTF-8, looked for where a few lines hold some: nearly all of them usually hold none."""
    edges = [*starts[::_FEW_LINES].tolist(), len(block)]
    parts = [part for part in pairwise(edges) if not is_utf8(block[slice(*part)].data)]
    return np.concatenate([begin + places_not_utf8(block[begin:end]) for begin, end in parts])


def places_not_utf8(block: npt.NDArray[np.uint8]) -> Offsets:
    r"""Places in each piece of bytes that is no character (Unicode, table 3-7): where it begins, or breaks off.

    b"\xe9t\xc3\xa9" breaks off at 1, where the two bytes are missing that 0xE9 announces. What breaks off at the end
    of the block does so at its last byte.
    """
    block = np.append(block, np.uint8(LF))
    following, continues = _FOLLOWING[block], block & 0xC0 == 0x80
    expected = np.zeros(len(block), dtype=np.bool_)
    expected[1:] = following[:-1] > 0
    expected[2:] |= (following[:-2] > 1) & continues[1:-1]
    expected[3:] |= (following[:-3] > 2) & continues[1:-2] & continues[2:-1]
    wrong = (expected != continues) | _NEVER[block]
    for lead, least, most in _SECOND_BYTES:
        at = np.flatnonzero(block[:-1] == lead) + 1
        wrong[at[(block[at] < least) | (block[at] > most)]] = True
    return np.minimum(np.flatnonzero(wrong), len(block) - 2)


def _with_substitutes(block: npt.NDArray[np.uint8], lines: Lines) -> bytes:
    """The block with SUB for what is not ASCII in cells that are not UTF-8."""
    cells = np.flatnonzero(lines.undecodable_cells)
    begins, ends = lines.cell_bounds[2 * cells], lines.cell_bounds[2 * cells + 1]
    lengths = ends - begins
    within = np.repeat(ends - np.cumsum(lengths), lengths) + np.arange(lengths.sum())
    substituted = block.copy()
    substituted[within[block[within] > _ASCII]] = _SUB
    return substituted.tobytes()
