"""Which keys the rows of a file have taken: the same answers as a dict gives, whatever the order."""

from collections.abc import Callable
from contextlib import closing

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from rowferry.backends.key_range import KeyRange
from rowferry.dictionary.catalog import load_catalog
from rowferry.streams.taken_keys import IntegerKeys, StoredKeys, taken_keys

Batches = list[list[int]]

edges = st.sampled_from([0, -1, 1, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63), 2**32, -(2**32)])
random_batches = st.lists(st.lists(st.integers(-6, 6) | edges, max_size=12), max_size=6)
ascending = st.lists(st.integers(1, 3), max_size=40).map(lambda steps: np.cumsum(steps).tolist())
ascending_batches = st.lists(st.integers(0, 40), max_size=4).flatmap(
    lambda cuts: ascending.map(lambda keys: np.split(keys, sorted(min(cut, len(keys)) for cut in cuts)))
)
mostly_ascending = st.tuples(ascending_batches, random_batches).map(
    lambda both: [list(map(int, batch)) for batch in [*both[0], *both[1], *both[0]]]
)

SINGLE: dict[str, tuple[Callable[[], IntegerKeys | StoredKeys], Callable[[list[int]], list[pa.Array]]]] = {
    "integers": (IntegerKeys, lambda keys: [pa.array(keys, pa.int64())]),
    "texts": (StoredKeys, lambda keys: [pa.array([f'k"{key}' for key in keys], pa.string())]),
    "pairs": (
        StoredKeys,
        lambda keys: [pa.array([key // 2 for key in keys], pa.int64()), pa.array([str(key % 2) for key in keys])],
    ),
}


@settings(max_examples=150, deadline=None)
@pytest.mark.parametrize("form", SINGLE)
@given(batches=random_batches | mostly_ascending)
def test_the_first_row_takes_the_key(form: str, batches: Batches) -> None:
    new, column = SINGLE[form]
    first_of, number = dict[int, int](), 10
    with closing(new()) as taken:
        names: dict[int | str, int] = {}
        for keys in batches:
            numbers = np.arange(number, number + len(keys), dtype=np.int64)
            number += len(keys)
            expected = []
            for key, row in zip(keys, numbers.tolist(), strict=True):
                expected.append(key in first_of)
                first_of.setdefault(key, row)
            assert taken.take(column(keys), numbers).tolist() == expected
            names |= {taken.spelled(column(keys), at): key for at, key in enumerate(keys)}
        found = {names[name]: row for name, row in taken.first_rows(iter(names))}
        assert found == first_of


@settings(max_examples=100, deadline=None)
@pytest.mark.parametrize("form", ["integers", "texts"])
@given(batches=random_batches, asked=st.lists(st.integers(-6, 6) | edges))
def test_holds_says_which_keys_are_taken(form: str, batches: Batches, asked: list[int]) -> None:
    new, column = SINGLE[form]
    with closing(new()) as taken:
        for keys in batches:
            taken.take(column(keys), np.arange(len(keys), dtype=np.int64))
        every = {key for keys in batches for key in keys}
        assert taken.holds(column(asked)[0]).tolist() == [key in every for key in asked]


@pytest.mark.parametrize("arrow", [pa.int16(), pa.int32(), pa.int64()], ids=str)
def test_integer_keys_of_any_width(arrow: pa.DataType) -> None:
    with closing(IntegerKeys()) as taken:
        assert taken.take([pa.array([3, -2, 3], arrow)], np.array([1, 2, 3])).tolist() == [False, False, True]
        assert dict(taken.first_rows(iter([3]))) == {3: 1}
        assert taken.holds(pa.array([-2, 2], arrow)).tolist() == [True, False]


def test_keys_that_only_seem_to_rise_by_one() -> None:
    least, most = -(2**63), 2**63 - 1
    with closing(IntegerKeys()) as taken:
        assert not taken.take([pa.array([most, least, -1, 0])], np.array([1, 2, 3, 4])).any()
        assert taken.take([pa.array([least, most])], np.array([5, 6])).all()
        assert dict(taken.first_rows(iter([most, least]))) == {most: 1, least: 2}
        assert dict(taken.first_rows(iter([0, -1]))) == {-1: 3, 0: 4}


def test_many_keys_out_of_order() -> None:
    keys = np.random.default_rng(7).integers(-(10**6), 10**6, 300_000)
    repeated: list[bool] = []
    with closing(IntegerKeys()) as taken:
        for at in range(0, len(keys), 50_000):
            part = pa.array(keys[at : at + 50_000])
            repeated += taken.take([part], np.arange(at, at + len(part), dtype=np.int64)).tolist()
        first_of: dict[int, int] = {}
        for row, key in enumerate(keys.tolist()):
            first_of.setdefault(key, row)
        twice = {key for key, again in zip(keys.tolist(), repeated, strict=True) if again}
        assert [row for row, again in enumerate(repeated) if not again] == list(first_of.values())
        assert dict(taken.first_rows(iter(twice))) == {key: first_of[key] for key in twice}


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
