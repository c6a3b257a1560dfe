"""The rows that a CSV file is cut into: the same ones that a byte-by-byte reader finds, whatever the block size."""

import itertools
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, strategies as st

import oracle
from made_up import made_up
from rowferry.dictionary.catalog import load_catalog
from rowferry.errors import SourceChanged
from rowferry.judging.rows import UNREADABLE, RowBatch, raw_rows
from rowferry.sources.csv import byte_source, framing, source as csv_source
from rowferry.sources.csv.framing import find_lines, lines_at, places_not_utf8, scan_row
from rowferry.sources.csv.source import CsvSource

PIECES = ['"', '""', ",", "\r", "\n", "\r\n", "\0", "a", "bc", "\xff", "é", "\ufeff", " ", '","', '"\n', '\n"', "\n\r"]

nasty = st.lists(st.sampled_from(PIECES), max_size=40).map(
    lambda pieces: b"".join(b"\xff" if piece == "\xff" else piece.encode() for piece in pieces)
)

SAFE_HEAD = 41 * b"1,a\n"
"""First rows, so that no magic bytes stand at the start of a file, and more of its lines end with LF than with CR."""

TABLE = load_catalog("rowferry.models").table("jobs")

FoundRow = tuple[int, str, tuple[object, ...] | None, list[str]]
"""Number, raw, cells (None where there are none), codes."""


def rows_of(path: Path) -> Iterator[FoundRow]:
    for batch in CsvSource(path, TABLE).batches():
        cells: dict[int, tuple[object, ...] | None] = {}
        codes: dict[int, list[str]] = {}
        for at, position in enumerate(batch.positions.tolist()):
            cells[position] = tuple(column[at].as_py() for column in batch.columns)
        for row in batch.odd:
            assert row.position not in cells
            cells[row.position] = None if row.cells is None else tuple(row.cells)
            codes[row.position] = [str(fault.code) for fault in row.faults]
        for column, position in unreadable_of(batch):
            found = cells[position]
            assert found is not None
            cells[position] = (*found[:column], UNREADABLE, *found[column + 1 :])
        for positions, fault in batch.spoiled:
            assert not {row.position for row in batch.odd} & set(positions.tolist())
            for position in positions.tolist():
                cells.setdefault(position, None)
                codes.setdefault(position, []).append(fault.code)
        assert sorted(cells) == list(range(batch.count))
        for position in range(batch.count):
            yield batch.first + position, batch.raw(position), cells[position], codes.get(position, [])


def unreadable_of(batch: RowBatch) -> Iterator[tuple[int, int]]:
    for column, positions in batch.unreadable:
        for position in positions.tolist():
            yield column, position


def expected_rows(data: bytes, longest: int, kept: int) -> Iterator[FoundRow]:
    for number, row in enumerate(oracle.frame(data.removeprefix(b"\xef\xbb\xbf"), longest), 1):
        codes: list[str] = []
        cells: tuple[object, ...] | None = None
        if row.cells is None:
            undecodable = _decoded(row.raw) is UNREADABLE and not row.too_long
            codes = ["row.encoding"] * undecodable + ["row.too_long" if row.too_long else "row.quote"]
        else:
            cells = tuple(_decoded(cell) for cell in row.cells)
            if UNREADABLE in cells:
                codes.append("row.encoding")
            if len(cells) != len(TABLE.columns):
                codes.append("row.too_few_fields" if len(cells) < len(TABLE.columns) else "row.too_many_fields")
                cells = None
        yield number, oracle.spelled(row.raw, longest, kept), cells, codes


def _decoded(cell: bytes) -> object:
    try:
        return cell.decode()
    except UnicodeDecodeError:
        return UNREADABLE


def read_with(
    data: bytes, *, block: int = 2**21, longest: int = 2**20, kept: int = 2**16, rarely: int = 2**14
) -> list[FoundRow]:
    """The rows of a file, read with other sizes than those of the product."""
    with pytest.MonkeyPatch.context() as patch, tempfile.NamedTemporaryFile(suffix=".csv") as file:
        patch.setattr(byte_source, "BLOCK_BYTES", block)
        patch.setattr(framing, "_RARELY", rarely)
        patch.setattr(framing, "_FEW_LINES", rarely)
        patch.setattr(csv_source, "MAX_ROW_BYTES", longest)
        patch.setattr(csv_source, "RAW_BYTES", kept)
        file.write(data)
        file.flush()
        return list(rows_of(Path(file.name)))


@made_up(200)
@given(nasty)
def test_lines_found_at_once_are_the_rows_found_one_by_one(data: bytes) -> None:
    if not data:
        return
    lines = find_lines(data)
    for line in lines.plain.nonzero()[0].tolist():
        start = int(lines.starts[line])
        row = scan_row(data, start, final=True)
        assert row is not None
        assert row.cells is not None
        assert (row.end, row.after, len(row.cells)) == (lines.ends[line], lines.after[line], lines.fields[line])
        bounds = lines.cell_bounds[2 * lines.first_cells[line] :].tolist()
        cells = [data[bounds[at] : bounds[at + 1]] for at in range(0, 2 * len(row.cells), 2)]
        assert [cell.replace(b'""', b'"') for cell in cells] == row.cells


@made_up(200)
@given(nasty)
def test_lines_with_a_stray_quote_are_spoiled_rows(data: bytes) -> None:
    lines = find_lines(data or b"\n")
    for line in lines.stray.nonzero()[0].tolist():
        row = scan_row(data, int(lines.starts[line]), final=True)
        assert row is not None
        assert row.cells is None
        assert (row.end, row.after, row.stray) == (lines.ends[line], lines.after[line], ord('"'))


bytes_of_utf8 = st.sampled_from([
    *(bytes([byte]) for byte in (0, 0x41, 0x7F, *range(0x80, 0xC2, 7), *range(0xC0, 0x100))),
    *(text.encode() for text in ("é", "߿", "ࠀ", "퟿", "", "￿", "𐀀", "\U0010ffff")),
    b"\xe0\x9f\xbf", b"\xed\xa0\x80", b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xed\x9f\xbf",
])  # fmt: skip


@made_up(333)
@given(st.lists(st.lists(bytes_of_utf8, max_size=6).map(b"".join), min_size=1, max_size=4))
def test_lines_that_are_not_utf8_are_those_that_python_cannot_decode(lines: list[bytes]) -> None:
    block = np.frombuffer(b"\n".join([*lines, b""]), dtype=np.uint8)
    starts = np.cumsum([0, *(len(line) + 1 for line in lines[:-1])])
    found = set(lines_at(starts, places_not_utf8(block)).tolist())
    assert found == {number for number, line in enumerate(lines) if _decoded(line) is UNREADABLE}


@made_up(200)
@given(nasty)
def test_scan_row_finds_the_rows_of_the_oracle(data: bytes) -> None:
    found, at = [], 0
    while at < len(data):
        row = scan_row(data, at, final=True)
        assert row is not None
        found.append((data[at : row.end], None if row.cells is None else tuple(row.cells)))
        at = row.after
    assert found == [(row.raw, row.cells) for row in oracle.frame(data)]


@made_up(166)
@given(nasty)
def test_scan_row_never_decides_too_early(data: bytes) -> None:
    for end in (at + 1 for at, byte in enumerate(data) if byte == ord("\n")):
        early = scan_row(data[:end], 0, final=False)
        assert early is None or early == scan_row(data, 0, final=True)


@made_up(133)
@given(nasty, st.integers(4, 64), st.integers(1, 64))
@example(b'2,"a\nb"\r\n"x', 4, 1)
@example(b"\xef\xbb\xbf2,b\n", 4, 1)
def test_neither_the_size_of_blocks_nor_how_rare_quotes_are_changes_anything(
    data: bytes, block: int, rarely: int
) -> None:
    whole = SAFE_HEAD + data
    found = list(expected_rows(whole, 2**20, 2**16))
    assert read_with(whole, block=block, rarely=rarely) == found
    assert read_with(whole, rarely=rarely) == found
    assert read_with(whole) == found


@made_up(266)
@given(nasty, st.integers(4, 64), st.sampled_from([5, 8, 13]), st.sampled_from([3, 5]))
@example(b"1234567\r\n", 8, 8, 3)
@example(b'"3\n5",89\n1,2\n', 4, 8, 3)
@example(b'"""\n"\r', 4, 5, 3)
@example(b'1,"a\n' + 20 * b"y" + b"\n1,2\n", 4, 8, 3)
def test_rows_that_are_too_long_are_cut_at_their_line_in_any_block(
    data: bytes, block: int, longest: int, kept: int
) -> None:
    found = read_with(SAFE_HEAD + data, block=block, longest=longest, kept=kept)
    assert found == list(expected_rows(SAFE_HEAD + data, longest, kept))


def test_a_byte_order_mark_inside_the_file_belongs_to_its_cell() -> None:
    mark = "\ufeff"
    for before in ("id,job\n", "1,a\n", f"{mark}id,job\n", mark, ""):
        data = f"{before}{mark}2,b\n".encode()
        cells = [cells for _, _, cells, _ in read_with(data)]
        assert cells[-1] == ("2" if before in {"", mark} else f"{mark}2", "b"), before


def test_a_line_without_end_after_an_open_quote_is_not_held_in_memory() -> None:
    data = b'1,"open\n' + 8_000_000 * b"y" + b"\n2,b\n"
    tracemalloc.start()
    found = read_with(data, block=4_096, longest=16_384, kept=100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(number, codes) for number, _, _, codes in found] == [(1, ["row.quote"]), (2, ["row.too_long"]), (3, [])]
    assert peak < 2_000_000


@pytest.mark.parametrize("size", [16_384, 16_385])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b""])
def test_the_longest_row_is_still_a_row(size: int, line_end: bytes) -> None:
    data = b"1," + (size - 2) * b"y" + line_end
    for block in (1_000, 16_384, 16_385, 50_000):
        (row,) = read_with(data, block=block, longest=16_384)
        assert row[3] == ([] if size == 16_384 else ["row.too_long"])


def test_a_file_can_be_read_again_and_single_rows_too(tmp_path: Path) -> None:
    path = tmp_path / "jobs.csv"
    path.write_bytes(b'id,job\n1,"a\nb"\n2,"c\n3,d\n4\n')
    source = CsvSource(path, TABLE)
    first = [(batch.first, batch.count) for batch in source.batches()]
    digest = source.bytes.sha256
    assert [(batch.first, batch.count) for batch in source.batches()] == first == [(2, 4)]
    assert list(raw_rows(source.batches(), iter([2, 3, 5]))) == [(2, '1,"a\nb"'), (3, '2,"c'), (5, "4")]
    assert source.bytes.sha256 == digest
    assert source.bytes.bytes_read == path.stat().st_size


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "jobs.csv"
    path.write_text("1,a\n")
    source = CsvSource(path, TABLE)
    path.write_text("1,a\n2,b\n")
    with pytest.raises(SourceChanged):
        list(source.batches())


def test_every_short_text_of_quotes_commas_and_line_ends() -> None:
    alphabet = (b'"', b",", b"\n", b"\r", b"x")
    for length in range(1, 7):
        for letters in itertools.product(alphabet, repeat=length):
            data = b"".join(letters)
            at = 0
            for expected in oracle.frame(data):
                row = scan_row(data, at, final=True)
                assert row is not None
                assert data[at : row.end] == expected.raw, data
                assert (None if row.cells is None else tuple(row.cells)) == expected.cells, data
                at = row.after
            assert at == len(data)


def test_a_block_of_very_short_lines_is_taken_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "jobs.csv"
    path.write_bytes(b"1,a\n" + b"\n" * 200_000 + b'2,"\n\n"\n' + b"\n" * 100_000 + b"3,c")
    counts = [batch.count for batch in CsvSource(path, TABLE).batches()]
    assert sum(counts) == 300_003
    assert max(counts) < 150_000
