"""The rows of an Avro file as rows of a table, by Avro's schema resolution."""

import datetime as dt
import json
from collections.abc import Generator
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.avro.reader import AvroReader, FileState, KnownHash, Seal, none_known
from rowferry.dictionary.avro_schema import default_of, found_in_file
from rowferry.dictionary.rules import ColumnRule, TableRules
from rowferry.errors import AvroUnfit
from rowferry.judging.places import Places
from rowferry.judging.rows import RowBatch
from rowferry.judging.shapes import Shapes
from rowferry.judging.typed_values import as_python
from rowferry.kinds.kind import cast_or_keep
from rowferry.sources.absent_columns import notes_on_absent
from rowferry.sources.limits import RAW_CHARACTERS

MOST_ROWS = 1 << 16
"""Other programs make larger blocks: a row with a fault takes much more memory than its bytes."""


class AvroSource:
    """Implements Source: the rows of an Avro file for one table; a context manager, which keeps the file open.

    The file's fields are found by the names of the columns or their aliases, in any order, and in any case if none has
    the very name. Fields that the table has not, nested ones among them, are passed over, and named by `ignored`;
    columns that the file has not are filled with their default or null. What only the database can fill is no part of
    `rules`, which are those of the table for such rows.

    Row numbers count from 1. The file may be open already; `name` is what errors call it, if not its path. With a
    seal, `check` proves that the file is the one that was sealed; without, only its structure is held to be sound, and
    every value is judged.

    Raises:
        SourceUnreadable: It cannot be read.
    """

    def __init__(
        self, path: Path | AvroReader, rules: TableRules, name: str | None = None, seal: Seal | None = None
    ) -> None:
        self.reader = path if isinstance(path, AvroReader) else AvroReader(path, name, seal)
        self.name = self.reading = self.reader.shown
        self.places = Places([self.name])
        self._table = rules

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.reader.__exit__(kind, error, trace)

    @property
    def size(self) -> int:
        return self.reader.size

    @property
    def bytes_read(self) -> int:
        return self.reader.bytes_read

    @property
    def rows_read(self) -> int:
        return self.reader.rows_read

    @property
    def ignored(self) -> list[str]:
        """The fields of the file that no column takes."""
        taken = {*self._places.values()}
        return [field.name for at, field in enumerate(self.reader.fields) if at not in taken]

    @property
    def notes(self) -> list[str]:
        """What people should know of the file, although nothing of it is refused."""
        return notes_on_absent([name for name in self._table.names if name not in self._places])

    @cached_property
    def rules(self) -> TableRules:
        """The rules of the table for the rows of the file.

        Raises:
            AvroUnfit: As for `check`.
        """
        return self._table.only(self._places)

    def check(self, verified: FileState | None = None, known: KnownHash = none_known) -> None:
        """Compare the file with its seal, and its fields with the table; before any row is decoded.

        It need not be hashed again if it is still in the state in which it was `verified` already, or if the hash of a
        file in this state is `known`.

        Raises:
            BackupDamaged: It is not the file that was sealed, or no sound Avro file.
            AvroUnfit: It lacks a column that is required and has no default, or its rows are not those of a table.
        """
        if self.reader.state != verified:
            self.reader.check_seal(known)
        self.rules  # noqa: B018  # they are looked for in the file

    def shapes(self) -> Shapes:
        """One: what the file lacks is filled in."""
        return Shapes((self.rules.names,))

    def batches(self) -> Generator[RowBatch, None, None]:
        """All rows in order, at most 65,536 at a time; may be called again, to read the file again.

        Raises:
            BackupDamaged: At the first block that is not sound, or at the end, where rows or bytes are not those of
                the seal: nothing that was read may be kept then.
        """
        places, first = [self._places[name] for name in self.rules.names], 1
        for block in self.reader.batches():
            for at in range(0, block.num_rows, MOST_ROWS):
                part = block.slice(at, MOST_ROWS)
                yield self._row_batch(first, part, places)
                first += part.num_rows

    @cached_property
    def _places(self) -> dict[str, int | None]:
        """Where in the file each column stands, None if a default or null does instead; others the database fills."""
        by_name = {field.name: at for at, field in enumerate(self.reader.fields)}
        found = [(column, self._place(by_name, column)) for column in self._table.columns]
        return {
            column.name: place for column, place in found if place is not None or not self._is_left_to_database(column)
        }

    def _is_left_to_database(self, column: ColumnRule) -> bool:
        """Whether only the database can fill a column; a part of the key it cannot, by which rows are found."""
        by_database = column.default is not None and not column.default.by_model
        return column.required and by_database and column.name not in self._table.key

    def _place(self, by_name: dict[str, int], column: ColumnRule) -> int | None:
        found = found_in_file(self._table, column, by_name)
        can_be_filled = not column.required or self._is_left_to_database(column)
        reason = ""
        if not found and not can_be_filled and default_of(self._table, column) is None:
            reason = f"it has no {column.name}, which {self._table.name} requires"
        if len(found) > 1:
            reason = f"its fields {', '.join(found)} differ only in case, and none of them is {column.name}"
        if found and self.reader.fields[by_name[found[0]]].nested:
            reason = f"its field {found[0]} is nested or has several types, which no column supports"
        if reason:
            raise AvroUnfit(path=self.name, reason=reason)
        return by_name[found[0]] if found else None

    def _row_batch(self, first: int, batch: pa.RecordBatch, places: list[int | None]) -> RowBatch:
        columns = [
            self._filled(rule, batch.num_rows) if place is None else self._promoted(rule, batch.column(place), place)
            for rule, place in zip(self.rules.columns, places, strict=True)
        ]
        positions = np.arange(batch.num_rows, dtype=np.int64)
        shown = batch.select([field.name for field in self.reader.fields if not field.nested])
        return RowBatch(
            first,
            batch.num_rows,
            columns,
            positions,
            [],
            lambda at: _raw(shown, at),
            typed=True,
            present=self.reader.seal is not None,
        )

    def _promoted(self, rule: ColumnRule, values: pa.Array, place: int) -> pa.Array:
        """Values in the type of their column, where Avro's resolution leads there; else as they are, for the judge."""
        found = values.type
        if pa.types.is_null(found):
            return pa.nulls(len(values), rule.arrow)
        if found == pa.binary() and self.reader.fields[place].primitive == "string":
            return pc.cast(values, pa.large_binary())  # one of them is no text
        if found == pa.binary() and found != rule.arrow:
            return cast_or_keep(values, pa.string())
        return rule.kind.promoted(values, rule.arrow)

    def _filled(self, rule: ColumnRule, rows: int) -> pa.Array:
        return pa.repeat(pa.scalar(default_of(self.rules, rule), rule.arrow), rows)


def _raw(batch: pa.RecordBatch, at: int) -> str:
    row = {
        name: _json_value(as_python(column[at])) for name, column in zip(batch.schema.names, batch.columns, strict=True)
    }
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace").decode()[:RAW_CHARACTERS].replace("\0", r"\x00")


def _json_value(value: object) -> object:
    """A value as JSON has it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat().replace("+00:00", "Z")
    return value if isinstance(value, str | int | float | None) else str(value)
