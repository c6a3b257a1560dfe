"""Rows of any declared table, made by hypothesis, and Avro files of them."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from rowferry.avro.reader import Seal
from rowferry.avro.sink import AvroSink
from rowferry.dictionary.avro_schema import schema_sha256
from rowferry.dictionary.rules import ColumnRule, TableRules
from rowferry.kinds.booleans import BOOLEAN
from rowferry.kinds.dates import DATE
from rowferry.kinds.datetimes import DATETIME
from rowferry.kinds.decimals import DECIMAL
from rowferry.kinds.floats import FLOAT
from rowferry.kinds.integers import INTEGER
from rowferry.kinds.kind import Kind
from rowferry.kinds.texts import TEXT
from rowferry.kinds.times import TIME
from rowferry.sources.avro.source import AvroSource

Row = dict[str, Any]

FULL: Row = {
    "id": -(2**31),
    "name": "Zoë ☃ 'x'",
    "department_id": 7,
    "level": 32767,
    "visits": -(2**63),
    "budget": Decimal("-1234567890.12"),
    "ratio": 1e-300,
    "active": False,
    "ends": dt.date(1, 1, 1),
    "seen": dt.datetime(2021, 11, 7, 2, 48, 42, 123456, dt.UTC),
}
"""A row of `projects`, the throw-away table, with a value in each column; EMPTY has only what is required."""

EMPTY: Row = dict.fromkeys(FULL) | {"id": 2**31 - 1, "name": "x", "level": 1}


def texts(column: ColumnRule) -> st.SearchStrategy[str]:
    letters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    return st.text(letters, min_size=1, max_size=min(column.max_length or 40, 40)).filter(
        lambda text: bool(text.strip())
    )


def decimals(column: ColumnRule) -> st.SearchStrategy[Decimal]:
    most = 10**column.arrow.precision - 1
    return st.integers(-most, most).map(lambda unscaled: Decimal(unscaled).scaleb(-column.arrow.scale))


def integers(column: ColumnRule) -> st.SearchStrategy[int]:
    assert column.bounds
    return st.integers(*column.bounds)


VALUES: dict[Kind, Any] = {
    INTEGER: integers,
    TEXT: texts,
    DECIMAL: decimals,
    BOOLEAN: lambda _: st.booleans(),
    DATE: lambda _: st.dates(),
    DATETIME: lambda _: st.datetimes(timezones=st.just(dt.UTC)),
    TIME: lambda _: st.times(),
    FLOAT: lambda _: st.floats(allow_nan=False, allow_infinity=False),
}


def rows_of(rules: TableRules, most: int = 30) -> st.SearchStrategy[list[Row]]:
    """Rows whose values obey their columns; references and keys are anything."""
    columns = {c.name: VALUES[c.kind](c) if c.required else st.none() | VALUES[c.kind](c) for c in rules.columns}
    return st.lists(st.fixed_dictionaries(columns), max_size=most)


def write_avro(path: Path, rules: TableRules, batches: list[list[Row]], codec: str = "deflate") -> Seal:
    """Write a file with at least one block for each list of rows."""
    arrow = [pa.RecordBatch.from_pylist(rows, schema=rules.schema) for rows in batches]
    with path.open("wb") as file:
        sink = AvroSink(file, rules, codec)
        for _ in sink.write(arrow):
            pass
    return Seal(sink.bytes, sink.sha256, schema_sha256(sink.header.schema), sink.rows, tuple(sink.crc32s))


def read_avro(path: Path, rules: TableRules, seal: Seal | None = None) -> list[Row]:
    """All rows of a file none of whose rows is odd; what is missing is None."""
    found: list[Row] = []
    with AvroSource(path, rules, seal=seal) as source:
        source.check()
        for batch in source.batches():
            assert not batch.odd
            assert batch.first == len(found) + 1
            found += pa.RecordBatch.from_arrays(batch.columns, schema=rules.schema).to_pylist()
    return [{name: None if value == "" else value for name, value in row.items()} for row in found]
