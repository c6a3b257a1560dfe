"""A row gets the same verdict whether its values come typed, as from Avro, or as texts and numbers, as in JSON."""

import datetime as dt
import json
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, strategies as st

from looking_up import KeysInMemory
from made_up import made_up
from rowferry.dictionary.catalog import load_catalog
from rowferry.dictionary.rules import TableRules
from rowferry.judging.judge import Judge, Verdict
from rowferry.judging.places import Places
from rowferry.judging.rows import RowBatch
from rowferry.judging.taken_keys import taken_keys
from rowferry.judging.typed_values import read_typed
from rowferry.sources.json.batch_text import read_batch
from rowferry.sources.json.source import JsonSource

CATALOG = load_catalog("fourth_table")
PROJECTS = CATALOG.table("projects")

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=24) | st.sampled_from(
    ["", " ", "\0", "\u2003", "ä"]
)
_INTEGERS = st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3) | st.sampled_from([32767, 32768, -32768, -32769])
_VALUES: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "id": (pa.int64(), _INTEGERS | st.sampled_from([1, 2, 3, 2**31 - 1, 2**31])),
    "name": (pa.string(), _TEXTS),
    "department_id": (pa.int32(), st.integers(1, 9)),
    "level": (pa.int32(), st.integers(-40_000, 40_000) | st.just(3)),
    "visits": (pa.int64(), _INTEGERS),
    "budget": (pa.decimal128(12, 2), st.decimals(Decimal("-9999999999.99"), Decimal("9999999999.99"), places=2)),
    "ratio": (pa.float64(), st.floats(allow_nan=False, allow_infinity=False)),
    "active": (pa.bool_(), st.booleans()),
    "ends": (pa.date32(), st.dates()),
    "seen": (pa.timestamp("us", "UTC"), st.datetimes(timezones=st.just(dt.UTC))),
}
_ROWS = st.lists(
    st.tuples(*(st.one_of(st.none(), values, values, values) for _, values in _VALUES.values())), max_size=12
)


def _judged(rules: TableRules, batch: RowBatch) -> Verdict:
    taken = taken_keys(rules)
    try:
        lookups = KeysInMemory({reference.parent: (1, 2, 3) for reference in rules.references})
        return Judge(rules, lookups, taken, Places(["projects"])).judge(batch)
    finally:
        taken.close()


def _typed(rows: list[tuple[Any, ...]], types: dict[str, pa.DataType] | None = None) -> RowBatch:
    kinds = {name: kind for name, (kind, _) in _VALUES.items()} | (types or {})
    # Slices out of longer columns, as a block of rows may be.
    columns = [pa.array([None, *(row[at] for row in rows), None], kind)[1:-1] for at, kind in enumerate(kinds.values())]
    return RowBatch(1, len(rows), columns, np.arange(len(rows), dtype=np.int64), [], str, typed=True)


def _sent(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, dt.date) else value


def _as_json(rows: list[tuple[Any, ...]]) -> RowBatch:
    body = {"projects": [dict(zip(_VALUES, map(_sent, row), strict=True)) for row in rows]}
    (batch,) = JsonSource(PROJECTS, read_batch(json.dumps(body).encode(), CATALOG)["projects"]).batches()
    return batch


@made_up(50)
@example(rows=[(1, "x", 1, 1, None, None, None, None, None, None), (1, " ", 9, None, 1, None, None, None, None, None)])
@given(rows=_ROWS.filter(len))
def test_typed_values_are_judged_as_json(rows: list[tuple[Any, ...]]) -> None:
    typed, sent = _judged(PROJECTS, _typed(rows)), _judged(PROJECTS, _as_json(rows))
    assert typed.accepted.equals(sent.accepted)
    assert [(row.row_number, row.faults) for row in typed.rejected] == [
        (row.row_number, row.faults) for row in sent.rejected
    ]


@made_up(20)
@given(seen=st.lists(st.one_of(st.none(), st.datetimes(), _TEXTS), min_size=1, max_size=8))
def test_instants_that_come_as_text_are_read_by_their_grammar(seen: list[dt.datetime | str | None]) -> None:
    texts = [at.isoformat() if isinstance(at, dt.datetime) else at for at in seen]
    rows = [(at, "x", 1, 1, None, None, None, None, None, text) for at, text in enumerate(texts, 1)]
    typed, sent = _judged(PROJECTS, _typed(rows, {"seen": pa.string()})), _judged(PROJECTS, _as_json(rows))
    assert typed.accepted.equals(sent.accepted)
    assert [row.faults for row in typed.rejected] == [row.faults for row in sent.rejected]


@pytest.mark.parametrize(
    ("column", "values", "told"),
    [
        ("seen", pa.array([2**62], pa.timestamp("us", "UTC")), "seen must be a date and time in ISO 8601, not 4611"),
        ("seen", pa.array([1], pa.timestamp("ns", "UTC")), "seen must be a date and time in ISO 8601, not 1 ns"),
        ("seen", pa.array([7], pa.int64()), "seen must be a date and time in ISO 8601, not the number 7"),
        ("ends", pa.array([2**30], pa.date32()), "ends must be a date (YYYY-MM-DD), not 1073741824 days"),
        ("ends", pa.array([0], pa.timestamp("us")), "not the local date and time 1970-01-01T00:00:00"),
        ("seen", pa.array([0], pa.date32()), "not the date 1970-01-01"),
        ("level", pa.array([1.0], pa.float64()), "level must be an integer, not the number 1.0"),
        ("level", pa.array([True], pa.bool_()), "level must be an integer, not true"),
        ("name", pa.array([b"\xff"], pa.binary()), "name must be text, not"),
        ("ratio", pa.array([math.nan], pa.float64()), "ratio must be a number, not 'nan'"),
        ("ratio", pa.array([math.inf], pa.float64()), "ratio must be a number, not 'inf'"),
        ("visits", pa.array([2**64 - 1], pa.uint64()), "visits must be between"),
        ("visits", pa.array([Decimal(10**30)], pa.decimal128(38, 0)), "visits must be between"),
        ("visits", pa.array([Decimal("5.00")], pa.decimal128(9, 2)), "visits must be an integer, not the number 5.00"),
        ("ratio", pa.array([2**53 + 1], pa.int64()), "fits into 64 bits, not '9007199254740993': it would become"),
        ("ratio", pa.array([1152921504606847000], pa.int64()), "it would become 1152921504606846976"),
        ("ratio", pa.array([Decimal(2**53 + 1)], pa.decimal128(38, 0)), "it would become 9007199254740992"),
        ("ratio", pa.array(["1e-400"]), "it would become 0"),
        ("budget", pa.array([1e-300], pa.float64()), "budget must have at most 10 digits before and 2 after"),
    ],
)
def test_values_of_the_wrong_type_are_named(column: str, values: pa.Array, told: str) -> None:
    row = {"id": 1, "name": "x", "level": 1}
    batch = _typed([tuple(row.get(name) for name in _VALUES)])
    batch.columns[PROJECTS.names.index(column)] = values
    (rejected,) = _judged(PROJECTS, batch).rejected
    assert [fault.column for fault in rejected.faults] == [column]
    assert told in rejected.faults[0].message


@pytest.mark.parametrize(
    ("column", "values", "text"),
    [
        ("seen", pa.array([0], pa.timestamp("ms")), "1970-01-01T00:00:00+00:00"),
        ("seen", pa.array([1_000], pa.timestamp("ns", "UTC")), "1970-01-01T00:00:00.000001+00:00"),
        ("budget", pa.array([1.5], pa.float64()), "1.50"),
        ("budget", pa.array([3], pa.int32()), "3.00"),
        ("ratio", pa.array([Decimal("0.5")], pa.decimal128(3, 1)), "0.5"),
        ("level", pa.array(["3"]), "3"),
        ("visits", pa.array([Decimal(-(2**63))], pa.decimal128(38, 0)), str(-(2**63))),
        ("ratio", pa.array([2**60], pa.int64()), "1.152921504606847e+18"),
        ("budget", pa.array([1e9], pa.float64()), "1000000000.00"),
        ("active", pa.array(["t"]), "true"),
        ("seen", pa.array(["19691231T190358,000000000-045602"]), "1970-01-01T00:00:00+00:00"),
    ],
)
def test_values_of_another_type_with_the_same_meaning_are_taken(column: str, values: pa.Array, text: str) -> None:
    batch = _typed([tuple({"id": 1, "name": "x", "level": 1}.get(name) for name in _VALUES)])
    batch.columns[PROJECTS.names.index(column)] = values
    found = _judged(PROJECTS, batch).accepted.column(column)[0].as_py()
    assert PROJECTS.by_name[column].kind.spell(found) == text


def test_a_column_of_good_values_needs_no_look_at_each() -> None:
    rows = [
        (at, "x", 1, 1, 5, Decimal("1.50"), 0.5, True, dt.date(2021, 1, 1), dt.datetime.now(dt.UTC)) for at in (1, 2)
    ]
    for rule, values in zip(PROJECTS.columns, _typed(rows).columns, strict=True):
        read, sure = read_typed(rule, values)
        assert sure.all()
        assert read.type == rule.arrow
