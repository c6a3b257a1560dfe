"""Rows that are written in SQLite's file format are read by SQLite as they were, and its own check finds no fault."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from made_up import made_up
from rowferry.backends.sqlite.image import ImageTable, SqliteImage

SCHEMA = pa.schema(
    {"a": pa.int64(), "b": pa.string(), "c": pa.bool_(), "d": pa.int32(), "e": pa.float64(), "f": pa.string()}
)
Rows = list[tuple[Any, ...]]

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=300)
rows = st.tuples(
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | texts,
    st.none() | st.booleans(),
    st.none() | st.integers(-(2**31), 2**31 - 1),
    st.none() | st.floats(allow_nan=False),
    st.none() | texts,
)


def write(path: Path, batches: Iterable[Rows], *, tables: int = 1, encoding: str = "UTF-8") -> None:
    """A file in which each table holds all rows, numbered with gaps."""
    batches = list(batches)
    with path.open("wb") as file:
        image = SqliteImage(file, encoding)
        for at in range(tables):
            table, first = ImageTable(image, f"t{at}", "number", SCHEMA.names), 1
            for batch in batches:
                arrays = [pa.array([row[at] for row in batch], field.type) for at, field in enumerate(SCHEMA)]
                table.write(np.arange(first, first + 3 * len(batch), 3), arrays)
                first += 3 * len(batch) + 1_000_000
            table.end()
        image.end()


def read(path: Path, *, table: int = 0, encoding: str = "UTF-8") -> Rows:
    """What SQLite reads by ascending number, once it has found the file to be sound."""
    database = sqlite3.connect(":memory:")
    database.execute(f"PRAGMA encoding = '{encoding}'")
    database.execute("ATTACH ? AS image", (str(path),))
    assert database.execute("PRAGMA image.integrity_check").fetchall() == [("ok",)]
    found = database.execute(f"SELECT * FROM image.t{table} ORDER BY number").fetchall()
    database.close()
    numbers = [row[0] for row in found]
    assert numbers == sorted(set(numbers))
    return [row[1:] for row in found]


@made_up(20)
@given(batches=st.lists(st.lists(rows, max_size=20), max_size=4), encoding=st.sampled_from(["UTF-8", "UTF-16le"]))
def test_any_rows(tmp_path: Path, batches: list[Rows], encoding: str) -> None:
    path = tmp_path / "image"
    write(path, batches, encoding=encoding)
    assert read(path, encoding=encoding) == [row for batch in batches for row in batch]


def row(text: str) -> tuple[Any, ...]:
    return (1, text, True, 2, 0.5, None)


@pytest.mark.parametrize("length", [*range(65_440, 65_520, 3), 131_000, 1_000_000])
def test_rows_around_and_beyond_the_size_of_a_page(tmp_path: Path, length: int) -> None:
    wanted = [row("short"), row("x" * length), row("also short"), row("y" * length)]
    write(tmp_path / "image", [wanted])
    assert read(tmp_path / "image") == wanted


def test_more_tables_than_the_first_page_names(tmp_path: Path) -> None:
    write(tmp_path / "image", [[row("one")]], tables=900)
    assert (tmp_path / "image").read_bytes()[100] == 5, "the first page only says where others are"
    assert read(tmp_path / "image", table=899) == [row("one")]


def test_a_file_beyond_the_page_that_sqlite_keeps_its_locks_on(tmp_path: Path) -> None:
    batch = [row("x" * 60_000)] * 500
    write(tmp_path / "image", [batch] * 35)
    assert read(tmp_path / "image") == batch * 35
