"""Rows in the file format of SQLite, so that a database can take them from an attached file at its own speed.

To bind rows to statements takes a Python object for each value, and the interpreter's lock twice for each statement;
rows that SQLite reads from a file take neither. The file follows https://www.sqlite.org/fileformat2.html. It is only
ever read from: what goes into a user's database is written by SQLite itself (docs/decisions/0005-into-sqlite.md).

A row is a cell of a page: its length, its row number, and a record, which says what its values are before they follow.
Row 2 with the values NULL (in place of the row number, which is not repeated), 300 and Bo is:

    0b           11 bytes of record
    02           row number 2
    80 05        the types take 5 bytes, these two included: a number of 7 bits a byte, wider than it needs
    00           NULL, without contents
    04           an integer of 4 bytes
    11           17 = 13 + 2 * 2: a text of 2 bytes
    00 00 01 2c  300
    42 6f        Bo

    >>> columns = [pa.nulls(1), pa.array([300], pa.int32()), pa.array([b"Bo"])]
    >>> bytes(_cells(np.array([2]), columns).data)[:13].hex(" ")
    '0b 02 80 05 00 04 11 00 00 01 2c 42 6f'
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import of_equal_width

Bytes = npt.NDArray[np.uint8]
Int64s = npt.NDArray[np.int64]
Child = tuple[int, int]
"""A page of a B-tree, and the highest row number in it."""

_PAGE = 65_536
_LEAF, _INTERIOR = 13, 5
_PAGE_HEADER = {_LEAF: struct.Struct(">BHHHB"), _INTERIOR: struct.Struct(">BHHHBI")}
_LOCK_PAGE = 2**30 // _PAGE + 1
_FILE_HEADER = struct.Struct(">16sH6B12I20s2I")
_MOST_CHILDREN = 5_000
_LARGEST_LOCAL = _PAGE - 35
_LEAST_LOCAL = (_PAGE - 12) * 32 // 255 - 23
_NUMBER_OF_SQLITE = 3_037_000
_ENCODINGS = {"UTF-8": (1, "utf-8"), "UTF-16le": (2, "utf-16-le"), "UTF-16be": (3, "utf-16-be")}


class SqliteImage:
    """A file that `end` makes a SQLite database; `encoding` is that of the database which is to read it."""

    def __init__(self, file: IO[bytes], encoding: str = "UTF-8") -> None:
        self._file = file
        self._number, self._codec = _ENCODINGS[encoding]
        self._pages = 1
        self._tables: list[tuple[str, int, str]] = []
        file.write(bytes(_PAGE))

    def next_pages(self, count: int) -> list[int]:
        """The numbers that the next pages will have: they ascend by one, but where SQLite keeps its locks."""
        numbers = range(self._pages + 1, self._pages + count + 2)
        return [number for number in numbers if number != _LOCK_PAGE][:count]

    def append(self, pages: Sequence[bytes]) -> list[int]:
        """Add pages; their numbers."""
        numbers = self.next_pages(len(pages))
        for number, page in zip(numbers, pages, strict=True):
            if number - 1 == _LOCK_PAGE:
                self._file.write(bytes(_PAGE))
            self._file.write(page)
            self._pages = number
        return numbers

    def note(self, name: str, root: int, statement: str) -> None:
        """Note which page is the root of a table."""
        self._tables.append((name, root, statement))

    def stored(self, column: pa.Array) -> pa.Array:
        """A column as records hold it: texts as bytes in its encoding, bytes as large ones, to tell them apart."""
        if pa.types.is_binary(column.type):
            return pc.cast(column, pa.large_binary())
        if not pa.types.is_string(column.type):
            return column
        if self._codec == "utf-8":
            return pc.cast(column, pa.binary())
        texts = column.to_pylist()
        return pa.array([None if text is None else text.encode(self._codec) for text in texts], pa.binary())

    def end(self) -> None:
        """Write the first page: what the file is, and where its tables are."""
        names, roots, statements = map(list, zip(*self._tables, strict=True))
        texts = [
            self.stored(pa.array(text, pa.string())) for text in (["table"] * len(names), names, names, statements)
        ]
        cells = _cells(np.arange(1, len(names) + 1), [*texts[:3], pa.array(roots, pa.int64()), texts[3]])
        reserved = bytes(_FILE_HEADER.size)
        leaves = list(_leaves(cells, reserved))
        page = leaves[0][0]
        if len(leaves) > 1:
            leaves = list(_leaves(cells))
            pages = self.append([leaf for leaf, _ in leaves])
            page = _interior([(number, last + 1) for number, (_, last) in zip(pages, leaves, strict=True)], reserved)
        self._file.seek(0)
        self._file.write(self._header() + page[len(reserved) :])
        self._file.flush()

    def _header(self) -> bytes:
        numbers = (1, self._pages, 0, 0, 1, 4, 0, 0, self._number, 0, 0, 0)
        return _FILE_HEADER.pack(
            b"SQLite format 3\0", _PAGE % _PAGE + 1, 1, 1, 0, 64, 32, 32, *numbers, bytes(20), 1, _NUMBER_OF_SQLITE
        )


class ImageTable:
    """A table of an image: its rows by ascending number, the number being the table's rowid.

    One table is ended before the next is begun. Integers, floats, booleans, texts and bytes can be kept, and nulls.
    """

    def __init__(self, image: SqliteImage, name: str, number: str, columns: Sequence[str]) -> None:
        self._image = image
        self._name = name
        self._columns = f"{number} INTEGER PRIMARY KEY, {', '.join(columns)}"
        self._children: list[Child] = []

    def write(self, row_numbers: Int64s, columns: Sequence[pa.Array]) -> None:
        """Add rows, whose numbers are higher than those before."""
        if not len(row_numbers):
            return
        rowid = pa.nulls(len(row_numbers))  # a record has null in its place
        cells = _cells(row_numbers, [rowid, *map(self._image.stored, columns)])
        if cells.longest > _LARGEST_LOCAL:
            cells = self._spilled(cells)
        leaves = list(_leaves(cells))
        pages = self._image.append([page for page, _ in leaves])
        highest = row_numbers[[last for _, last in leaves]].tolist()
        self._children += zip(pages, highest, strict=True)

    def end(self) -> None:
        """All rows were written."""
        nodes = self._children or [(self._image.append([_page(_LEAF, [], b"")])[0], 0)]
        while len(nodes) > 1:
            groups = [nodes[at : at + _MOST_CHILDREN] for at in range(0, len(nodes), _MOST_CHILDREN)]
            pages = self._image.append([_interior(group) for group in groups])
            nodes = [(number, group[-1][1]) for number, group in zip(pages, groups, strict=True)]
        self._image.note(self._name, nodes[0][0], f"CREATE TABLE {self._name} ({self._columns})")

    def _spilled(self, cells: "_Cells") -> "_Cells":
        """The cells, with what does not fit a page on pages of its own."""
        whole = [cells.data[a:b] for a, b in zip(cells.bounds[:-1], cells.bounds[1:], strict=True)]
        kept = [self._spill(cell, cells.head) if len(cell) - cells.head > _LARGEST_LOCAL else cell for cell in whole]
        bounds = np.concatenate(([0], np.cumsum([len(cell) for cell in kept])))
        return _Cells(bounds, memoryview(b"".join(kept)), cells.head)

    def _spill(self, cell: memoryview, head: int) -> bytes:
        size, room = len(cell) - head, _PAGE - 4
        kept = _LEAST_LOCAL + (size - _LEAST_LOCAL) % room
        kept = head + (kept if kept <= _LARGEST_LOCAL else _LEAST_LOCAL)
        parts = [bytes(cell[at : at + room]) for at in range(kept, len(cell), room)]
        pages = self._image.next_pages(len(parts))
        following = [*pages[1:], 0]
        self._image.append([_four(n) + part.ljust(room, b"\0") for n, part in zip(following, parts, strict=True)])
        return bytes(cell[:kept]) + _four(pages[0])


@dataclass(frozen=True)
class _Cells:
    """Rows as they stand in pages, one behind the other; `head` bytes of each come before its record."""

    bounds: Int64s
    data: memoryview
    head: int

    @property
    def longest(self) -> int:
        return int(np.diff(self.bounds).max()) - self.head


def _cells(rowids: Int64s, columns: Sequence[pa.Array]) -> _Cells:
    """Rows as table leaf cells; all numbers of one sort are spelled in the same width, which SQLite reads as well."""
    encoded = [_encoded(column) for column in columns]
    types = [types for types, _ in encoded]
    bodies = [body for _, body in encoded]
    header = 2 + sum(part.shape[1] for part in types)
    sizes = sum((_lengths(body) for body in bodies), np.full(len(rowids), header))
    before = [_varints(sizes), _varints(rowids)]
    about = _varints(np.full(len(rowids), header), 2)
    pieces = _merged([*before, about, *types, *bodies])
    joined = pc.binary_join_element_wise(*pieces, b"", null_handling="replace", null_replacement=b"")
    _, ends, data = joined.buffers()
    bounds = np.frombuffer(ends, dtype=np.int32)[joined.offset : joined.offset + len(joined) + 1].astype(np.int64)
    return _Cells(bounds, memoryview(data), sum(part.shape[1] for part in before))


def _encoded(column: pa.Array) -> tuple[Bytes, pa.Array | Bytes]:
    """Serial types and contents of one column."""
    if pa.types.is_null(column.type):
        return np.zeros((len(column), 1), np.uint8), np.zeros((len(column), 0), np.uint8)
    valid = np.asarray(pc.is_valid(column).to_numpy(zero_copy_only=False), dtype=np.bool_)
    if pa.types.is_large_binary(column.type):
        blobs = pc.cast(column, pa.binary())
        return _varints(np.where(valid, 12 + 2 * _lengths(blobs), 0)), blobs
    if pa.types.is_binary(column.type):
        return _varints(np.where(valid, 13 + 2 * _lengths(column), 0)), column
    code, form = _number_form(column.type)
    types = np.where(valid, code, 0).astype(np.uint8).reshape(-1, 1)
    filled = column
    if column.null_count:
        filled = pc.fill_null(column, False if pa.types.is_boolean(column.type) else 0)
    matrix: Bytes = (
        np.asarray(filled.to_numpy(zero_copy_only=False)).astype(form).view(np.uint8).reshape(len(column), -1)
    )
    if not column.null_count:
        return types, matrix
    return types, pc.if_else(pc.is_valid(column), of_equal_width(matrix, pa.binary()), pa.scalar(None, pa.binary()))


def _number_form(arrow: pa.DataType) -> tuple[int, str]:
    """The serial type and the NumPy type of a number."""
    if pa.types.is_floating(arrow):
        return 7, ">f8"
    return (6, ">i8") if pa.types.is_int64(arrow) else (4, ">i4")


def _lengths(body: pa.Array | Bytes) -> Int64s:
    if isinstance(body, np.ndarray):
        return np.full(1, body.shape[1])
    return np.asarray(pc.fill_null(pc.binary_length(body), 0).to_numpy(zero_copy_only=False), dtype=np.int64)


def _merged(pieces: Sequence[pa.Array | Bytes]) -> Iterator[pa.Array]:
    """The pieces in order, neighbours of fixed width as one."""
    waiting: list[Bytes] = []
    for piece in pieces:
        if isinstance(piece, np.ndarray):
            waiting.append(piece)
            continue
        if waiting:
            yield of_equal_width(np.hstack(waiting), pa.binary())
            waiting = []
        yield piece
    if waiting:
        yield of_equal_width(np.hstack(waiting), pa.binary())


def _varints(values: Int64s, width: int | None = None) -> Bytes:
    """Numbers in the base-128 form of SQLite, all as wide as the widest needs."""
    width = width or max(1, -(-int(values.max()).bit_length() // 7))
    spelled = np.empty((len(values), width), dtype=np.uint8)
    for at in range(width):
        spelled[:, at] = values >> 7 * (width - 1 - at) & 0x7F
    spelled[:, :-1] |= 0x80
    return spelled


def _leaves(cells: _Cells, reserved: bytes = b"") -> Iterator[tuple[bytes, int]]:
    """Pages of rows, and the position of the last row of each."""
    room = _PAGE - len(reserved) - _PAGE_HEADER[_LEAF].size
    taken = cells.bounds + 2 * np.arange(len(cells.bounds))
    first, rows = 0, len(cells.bounds) - 1
    while first < rows:
        behind = int(np.searchsorted(taken, taken[first] + room, side="right")) - 1
        content = cells.data[cells.bounds[first] : cells.bounds[behind]]
        yield _page(_LEAF, cells.bounds[first:behind] - cells.bounds[first], content, reserved), behind - 1
        first = behind


def _interior(children: Sequence[Child], reserved: bytes = b"") -> bytes:
    """A page that leads to others, the last of which it names in its header."""
    pages = [_four(page) for page, _ in children[:-1]]
    keys = _varints(np.array([0, *(key for _, key in children)]))[1:-1]
    cells = b"".join(page + key.tobytes() for page, key in zip(pages, keys, strict=True))
    width = 4 + keys.shape[1]
    return _page(_INTERIOR, np.arange(0, len(pages) * width, width), cells, reserved, children[-1][0])


def _page(
    sort: int, starts: Int64s | list[int], content: bytes | memoryview, reserved: bytes = b"", last: int | None = None
) -> bytes:
    """A page whose cells are the content, beginning at `starts` in it, `last` being the right-most child."""
    begin = _PAGE - len(content)
    more = () if last is None else (last,)
    header = _PAGE_HEADER[sort].pack(sort, 0, len(starts), begin % _PAGE, 0, *more)
    pointers = (np.asarray(starts, dtype=np.int64) + begin).astype(">u2").tobytes()
    used = len(reserved) + len(header) + len(pointers)
    return b"".join((reserved, header, pointers, bytes(begin - used), content))


def _four(number: int) -> bytes:
    return number.to_bytes(4, "big")
