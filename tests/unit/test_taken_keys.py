"""Which keys the rows of a file have taken: the same answers as a dict gives, whatever the order."""

import datetime as dt
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from made_up import made_up
from rowferry.backends.key_range import KeyRange
from rowferry.dictionary.catalog import load_catalog
from rowferry.judging import sorted_runs, stored_keys
from rowferry.judging.candidate_keys import Repeated
from rowferry.judging.integer_keys import IntegerKeys
from rowferry.judging.stored_keys import StoredKeys
from rowferry.judging.taken_keys import taken_keys

Batches = list[list[int]]

KINDS = (pa.int64(), pa.int64(), pa.string(), pa.int64())

edges = st.sampled_from([0, -1, 1, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63), 2**32, -(2**32)])
random_batches = st.lists(st.lists(st.integers(-6, 6) | edges, max_size=12), max_size=6)
ascending = st.lists(st.integers(1, 3), max_size=40).map(lambda steps: np.cumsum(steps).tolist())
ascending_batches = st.lists(st.integers(0, 40), max_size=4).flatmap(
    lambda cuts: ascending.map(lambda keys: np.split(keys, sorted(min(cut, len(keys)) for cut in cuts)))
)
mostly_ascending = st.tuples(ascending_batches, random_batches).map(
    lambda both: [list(map(int, batch)) for batch in [*both[0], *both[1], *both[0]]]
)
long_runs = st.tuples(st.integers(-90, 900), st.integers(20, 90)).map(lambda run: range(run[0], sum(run)))
batches_of_runs = st.lists(st.lists(long_runs, max_size=4).map(lambda runs: [key for run in runs for key in run]))

SINGLE: dict[str, tuple[Callable[[], IntegerKeys | StoredKeys], Callable[[list[int]], list[pa.Array]]]] = {
    "integers": (IntegerKeys, lambda keys: [pa.array(keys, pa.int64())]),
    "texts": (StoredKeys, lambda keys: [pa.array([f'k"{key}' for key in keys], pa.string())]),
    "pairs": (
        StoredKeys,
        lambda keys: [
            pa.array([key // 2 for key in keys], pa.int64()),
            pa.array([str(key % 2) for key in keys], pa.string()),
        ],
    ),
}


@made_up(50)
@pytest.mark.parametrize("form", SINGLE)
@given(batches=random_batches | mostly_ascending | batches_of_runs)
def test_the_first_row_takes_the_key(form: str, batches: Batches) -> None:
    new, column = SINGLE[form]
    first_of, number = dict[int, int](), 10
    with closing(new()) as taken:
        for keys in batches:
            numbers = np.arange(number, number + len(keys), dtype=np.int64)
            number += len(keys)
            firsts = [first_of.setdefault(key, row) for key, row in zip(keys, numbers.tolist(), strict=True)]
            expected = [(at, 0, first) for at, first in enumerate(firsts) if first != numbers[at]]
            assert _told(taken.take([column(keys)], numbers)) == expected


def _told(repeated: Repeated) -> list[tuple[int, ...]]:
    """Position, number of the key, and taker."""
    return list(zip(*(column.tolist() for column in repeated), strict=True))


@made_up(33)
@pytest.mark.parametrize("form", ["integers", "texts"])
@given(batches=random_batches, asked=st.lists(st.integers(-6, 6) | edges))
def test_holds_says_which_keys_are_taken(form: str, batches: Batches, asked: list[int]) -> None:
    new, column = SINGLE[form]
    with closing(new()) as taken:
        for number, keys in enumerate(batches):
            taken.take([column(keys)], 100 * number + np.arange(len(keys), dtype=np.int64))
        every = {key for keys in batches for key in keys}
        assert taken.holds(column(asked)).tolist() == [key in every for key in asked]


SAME_HASHES = [-1, -2, 0, 2**61 - 1, -(2**61 - 1), 1, 2**61, None]
"""Integers of which pairs have the same hash where the factor is 0; and Python has one for some of them, too."""

several = st.tuples(
    st.sampled_from(SAME_HASHES[:-1]),
    st.sampled_from(SAME_HASHES),
    st.sampled_from(["a", "b", None]),
    st.sampled_from(SAME_HASHES),
)


@made_up(50)
@given(
    batches=st.lists(st.lists(several, max_size=8), max_size=9),
    most=st.sampled_from([1, 8, 1_000]),
    factor=st.sampled_from([0, stored_keys._FACTOR]),
)
def test_a_row_takes_all_its_keys_or_none(
    batches: list[list[tuple[int, int | None, str | None, int | None]]],
    most: int,
    factor: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stored_keys, "_FACTOR", factor)
    monkeypatch.setattr(sorted_runs, "_MOST", most)
    monkeypatch.setattr(sorted_runs, "_FEW", 6)
    first_of, number = dict[tuple[object, ...], int](), 10
    with closing(StoredKeys()) as taken:
        for rows in batches:
            expected = list[tuple[int, ...]]()
            for at, (first, two, three, four) in enumerate(rows):
                keys = [key for key in ((0, first), (1, two, three), (2, four)) if None not in key]
                if not (found := [(at, int(key[0]), first_of[key]) for key in keys if key in first_of]):
                    first_of |= dict.fromkeys(keys, number + at)
                expected += found
            columns = [pa.array([row[at] for row in rows], kind) for at, kind in enumerate(KINDS)]
            numbers = np.arange(number, number + len(rows), dtype=np.int64)
            number += len(rows)
            assert _told(taken.take([columns[:1], columns[1:3], columns[3:]], numbers)) == expected
            assert taken.holds(columns[:1]).tolist() == [(0, row[0]) in first_of for row in rows]
            assert taken.holds(columns[1:3], 1).tolist() == [(1, *row[1:3]) in first_of for row in rows]
            assert taken.holds(columns[3:], 2).tolist() == [(2, row[3]) in first_of for row in rows]


OF_KINDS: dict[pa.DataType, list[object]] = {
    pa.int16(): [-32768, -1, 0, 1],
    pa.bool_(): [True, False],
    pa.date32(): [dt.date.min, dt.date(1969, 12, 31), dt.date(1970, 1, 1), dt.date.max],
    pa.time32("s"): [dt.time(0, 0, 1), dt.time(23, 59, 59)],
    pa.time64("us"): [dt.time(0, 0, 0, 1), dt.time(23, 59, 59)],
    pa.timestamp("us", "UTC"): [dt.datetime(1, 1, 1, tzinfo=dt.UTC), dt.datetime(2021, 1, 1, tzinfo=dt.UTC)],
    pa.float64(): [0.0, -0.0, 1.5, -1.5, 1e300],
    pa.decimal128(38, 2): [Decimal("-0.01"), Decimal("0.01"), Decimal(2**64), Decimal(-(2**64)), Decimal(0)],
    pa.string(): ["", "a", "ä"],
}


@made_up(20)
@pytest.mark.parametrize("arrow", OF_KINDS, ids=str)
@given(data=st.data())
def test_keys_of_every_type(arrow: pa.DataType, data: st.DataObject) -> None:
    value = st.none() | st.sampled_from(OF_KINDS[arrow])
    batches = data.draw(st.lists(st.lists(st.tuples(value, value), max_size=6), max_size=4))
    singly, both = set[object](), set[object]()
    with closing(StoredKeys()) as single, closing(StoredKeys()) as pairs:
        for number, rows in enumerate(batches):
            first, second = (pa.array([None, *(row[at] for row in rows)], arrow)[1:] for at in range(2))
            numbers = np.arange(10 * number, 10 * number + len(rows), dtype=np.int64)
            for taken, columns, keys, seen in (
                (single, [first], [row[0] for row in rows], singly),
                (pairs, [first, second], [None if None in row else row for row in rows], both),
            ):
                again = [key in seen or key in keys[:at] for at, key in enumerate(keys)]
                expected = [at for at, key in enumerate(keys) if key is not None and again[at]]
                assert taken.take([columns], numbers).positions.tolist() == expected
                seen |= {key for key in keys if key is not None}


@pytest.mark.parametrize("arrow", [pa.int16(), pa.int32(), pa.int64()], ids=str)
def test_integer_keys_of_any_width(arrow: pa.DataType) -> None:
    with closing(IntegerKeys()) as taken:
        assert _told(taken.take([[pa.array([3, -2, 3], arrow)]], np.array([1, 2, 3]))) == [(2, 0, 1)]
        assert taken.holds([pa.array([-2, 2], arrow)]).tolist() == [True, False]


def test_keys_that_only_seem_to_rise_by_one() -> None:
    least, most = -(2**63), 2**63 - 1
    with closing(IntegerKeys()) as taken:
        assert not _told(taken.take([[pa.array([most, least, -1, 0])]], np.array([1, 2, 3, 4])))
        assert _told(taken.take([[pa.array([least, most])]], np.array([5, 6]))) == [(0, 0, 2), (1, 0, 1)]
        assert _told(taken.take([[pa.array([0, -1])]], np.array([7, 8]))) == [(0, 0, 4), (1, 0, 3)]


def test_many_keys_out_of_order() -> None:
    keys = np.random.default_rng(7).integers(-(10**6), 10**6, 300_000)
    first_of = dict[int, int]()
    firsts = [first_of.setdefault(key, row) for row, key in enumerate(keys.tolist())]
    found: list[tuple[int, ...]] = []
    with closing(IntegerKeys()) as taken:
        for at in range(0, len(keys), 50_000):
            part = pa.array(keys[at : at + 50_000])
            repeated = _told(taken.take([[part]], np.arange(at, at + len(part), dtype=np.int64)))
            found += [(at + position, first) for position, _, first in repeated]
    assert found == [(row, first) for row, first in enumerate(firsts) if first != row]


def test_tables_with_an_integer_key_keep_it_in_little_memory() -> None:
    for rules in load_catalog("rowferry.models"):
        with closing(taken_keys(rules)) as taken:
            assert isinstance(taken, IntegerKeys)


def test_a_key_range_spans_all_batches() -> None:
    rules = load_catalog("rowferry.models").table("jobs")
    span = KeyRange(rules)
    assert span.bounds is None
    for keys in ([5, 3], [], [-7], [4]):
        span.add(pa.RecordBatch.from_pydict({"id": pa.array(keys, pa.int32()), "job": pa.array(["x"] * len(keys))}))
    assert span.known
    assert span.bounds == (-7, 5)
