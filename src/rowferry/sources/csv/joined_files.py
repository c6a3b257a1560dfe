"""The files of one table as one source of rows, one behind the other."""

from bisect import bisect_right
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from rowferry.errors import HeaderMissing
from rowferry.judging.places import Places
from rowferry.judging.rows import OddRow, Positions, RowBatch, raws_of
from rowferry.judging.shapes import Shapes
from rowferry.sources.csv.source import CsvSource
from rowferry.sources.limits import RAW_BYTES

_ENOUGH_ROWS = 4_000
"""So many rows are worth the fixed cost of a batch; those of small files are put together up to there."""

_ENOUGH_BYTES = 4 * 1024 * 1024


_MOST_HELD = 8 * 1024 * 1024
"""So much of files is held when their rows are to be read; so not many of them are open at the same time, either."""


class JoinedFiles:
    """Implements Source: the rows of files, in the order given, each of which has its own header."""

    def __init__(self, files: Sequence[CsvSource], names: Sequence[str]) -> None:
        self.files = files
        self.rules = files[0].rules
        self.places = Places(names)
        self.size = sum(file.bytes.size for file in files)
        self._at = 0

    @property
    def reading(self) -> str:
        return self.places.names[self._at]

    @property
    def bytes_read(self) -> int:
        return sum(file.bytes.bytes_read for file in self.files[: self._at + 1])

    def remaining(self) -> float:
        """How much of the files is still to be read, from 1 to 0."""
        return 1 - min(1.0, self.bytes_read / self.size) if self.size else 0.0

    def described(self) -> list[dict[str, object]]:
        """What each file is, once it was read."""
        return [
            {
                "table": self.rules.name,
                "path": file.bytes.name,
                "name": name,
                "columns": file.columns,
                "delimiter": chr(file.delimiter),
                "bytes": file.bytes.size,
                "sha256": file.bytes.sha256,
            }
            for file, name in zip(self.files, self.places.names, strict=True)
        ]

    def shapes(self) -> Shapes:
        """Which columns the files have.

        Raises:
            HeaderUnfit, DelimiterUnfit: A file is to be read otherwise than it is.
        """
        held = 0
        for file in self.files:
            file.open()
            held += file.held
            if held > _MOST_HELD:
                file.close()
        given = list(dict.fromkeys(file.given for file in self.files))
        of_file = np.array([given.index(file.given) for file in self.files], dtype=np.int64)
        return Shapes(tuple(given), lambda numbers: of_file[self.places.files_of(numbers)])

    def batches(self) -> Generator[RowBatch, None, None]:
        """All rows in order; may be called again, to read the files again.

        Raises:
            HeaderMissing: A file has no header, and may be the rest of one whose header says where its columns stand.
        """
        return _joined(self._numbered())

    def _numbered(self) -> Iterator[RowBatch]:
        """The batches of all files, whose rows are numbered on from file to file."""
        following = 1
        for at, file in enumerate(self.files):
            self._at = at
            before: int | None = None
            for batch in file.batches():
                if before is None:
                    self._require_header(at)
                    # The only file, or the first one, keeps its numbers; its header counts.
                    before = following - batch.first if at else 0
                    self.places.begin(at, before + batch.first, before)
                yield batch if before == 0 else replace(batch, first=before + batch.first)
                following = before + batch.first + batch.count
            if before is None:
                self.places.begin(at, following, following - 1)

    def _require_header(self, at: int) -> None:
        """Raise HeaderMissing if a file has none, and one before it has another than the table's own columns."""
        file, in_order = self.files[at], list(self.files[at].rules.given)
        others = [before for before, other in enumerate(self.files[:at]) if other.columns != in_order]
        if others and not file.has_header:
            path, other = self.places.names[at], self.places.names[others[-1]]
            raise HeaderMissing(path=path, other=other, table=file.rules.name, columns=", ".join(in_order))


def _joined(batches: Iterable[RowBatch]) -> Generator[RowBatch, None, None]:
    """The same rows; batches of few are put together."""
    waiting: list[RowBatch] = []
    rows = weight = 0
    for batch in batches:
        waiting.append(batch)
        rows, weight = rows + batch.count, weight + _weight(batch)
        if rows >= _ENOUGH_ROWS or weight >= _ENOUGH_BYTES:
            yield _as_one(waiting)
            waiting, rows, weight = [], 0, 0
    if waiting:
        yield _as_one(waiting)


def _weight(batch: RowBatch) -> int:
    """About how many bytes a batch takes."""
    columns: int = sum(column.nbytes for column in batch.columns)
    return columns + sum(map(_weight_of_odd, batch.odd))


def _weight_of_odd(row: OddRow) -> int:
    return RAW_BYTES if row.cells is None else sum(len(str(cell)) for cell in row.cells)


def _as_one(batches: Sequence[RowBatch]) -> RowBatch:
    """Batches whose rows follow each other as one."""
    if len(batches) == 1:
        return batches[0]
    first = batches[0].first
    offsets = [batch.first - first for batch in batches]

    def raw(position: int) -> str:
        at = bisect_right(offsets, position) - 1
        return batches[at].raw(position - offsets[at])

    def raws(positions: Positions) -> pa.StringArray:
        cuts = np.searchsorted(positions, offsets[1:])
        parts = zip(batches, offsets, np.split(positions, cuts), strict=True)
        return pa.concat_arrays([raws_of(batch, part - offset) for batch, offset, part in parts])

    both = list(zip(batches, offsets, strict=True))
    return RowBatch(
        first=first,
        count=offsets[-1] + batches[-1].count,
        columns=[pa.concat_arrays(parts) for parts in zip(*(batch.columns for batch in batches), strict=True)],
        positions=np.concatenate([batch.positions + offset for batch, offset in both]),
        odd=[replace(row, position=row.position + offset) for batch, offset in both for row in batch.odd],
        raw=raw,
        spoiled=[(positions + offset, fault) for batch, offset in both for positions, fault in batch.spoiled],
        unreadable=[(column, positions + offset) for batch, offset in both for column, positions in batch.unreadable],
        left_out=[(column, positions + offset) for batch, offset in both for column, positions in batch.left_out],
        raws=raws,
    )
