"""What rows refer to is found by pages of keys as by asking for each of them."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import given, strategies as st

from looking_up import KeysInMemory
from made_up import made_up
from rowferry.arrow import integer_set
from rowferry.arrow.integer_set import IntegerSet
from rowferry.dictionary.foreign_keys import Reference
from rowferry.dictionary.rules import rules_of
from rowferry.judging import known_keys, references
from rowferry.judging.known_keys import KnownKeys, KnownValues
from rowferry.judging.references import References

keys = st.one_of(st.integers(-5, 40), st.integers(-(2**63), 2**63 - 1))
batches = st.lists(st.lists(st.none() | keys, max_size=12), max_size=6)


class Counting(KeysInMemory):
    """Keys in memory that others may change; what was asked for is noted."""

    def __init__(self, there: set[int]) -> None:
        super().__init__({"ports": there})
        self.there, self.asked = there, list[object]()

    def existing(self, table: str, column: str, values: list[object]) -> list[object]:
        self.asked += values
        return super().existing(table, column, values)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few keys are many."""
    monkeypatch.setattr(references, "_PAGE", 4)
    monkeypatch.setattr(references, "_READ_TO_ASK", 1)
    monkeypatch.setattr(integer_set, "_BELOW", 16)


def _found(lookups: Counting) -> tuple[References, Reference]:
    ports = sa.Table("ports", sa.MetaData(), sa.Column("id", sa.BigInteger, primary_key=True))
    place = sa.Column("place", sa.BigInteger, sa.ForeignKey(ports.c.id))
    rules = rules_of(sa.Table("ships", ports.metadata, sa.Column("id", sa.Integer, primary_key=True), place))
    return References(rules, lookups), rules.references[0]


def _missing(lookups: Counting, made: list[list[int | None]]) -> Iterator[list[bool]]:
    found, reference = _found(lookups)
    for batch in made:
        yield found.missing(reference, [pa.array(batch, pa.int64())]).tolist()


@made_up(100)
@given(there=st.sets(keys), made=batches)
def test_what_is_missing_is_what_is_not_there(there: set[int], made: list[list[int | None]]) -> None:
    expected = [[key is not None and key not in there for key in batch] for batch in made]
    lookups = Counting(there)
    assert list(_missing(lookups, made)) == expected
    assert len(lookups.asked) == len(set(lookups.asked)), "each is asked for once"


def test_keys_that_were_read_are_not_asked_for() -> None:
    lookups = Counting(set(range(-2, 30)))
    made: list[list[int | None]] = [[1], [2], [3], [4], [-2, -1, 0, 1], [29]]  # by the fourth, a page is read
    assert not any(map(any, _missing(lookups, made)))
    assert lookups.asked == [1, 2, 3, 4, 29]


def test_a_parent_that_comes_after_its_page_was_read_is_found_unless_it_was_missing_before() -> None:
    lookups = Counting({1, 3, 5, 7, 9})
    found, reference = _found(lookups)

    def missing(*batch: int) -> list[bool]:
        return list(found.missing(reference, [pa.array(batch, pa.int64())]).tolist())

    assert missing(1, 2, 3, 5, 7) == [False, True, False, False, False]
    lookups.there |= {2, 4}
    assert missing(2, 4) == [True, False]
    lookups.there.clear()
    assert missing(4, 5, 9) == [False, False, True]


@made_up(66)
@given(added=st.lists(st.lists(keys, min_size=1), max_size=5), asked=st.lists(st.none() | keys))
def test_integers_are_known_as_other_values_are(added: list[list[int]], asked: list[int | None]) -> None:
    both = IntegerSet(1_000_000), KnownValues(pa.int64())
    for known in both:
        for one in added:
            known.add(pa.array(one, pa.int64()))
    masks = [known.holds(pa.array(asked, pa.int64())) for known in both]
    wanted = set[int]().union(*added)
    assert masks[0].tolist() == [key in wanted for key in asked]
    assert np.array_equal(masks[0], masks[1])


@pytest.mark.parametrize("known", [IntegerSet(4, 16), KnownValues(pa.int64())])
def test_what_gets_too_much_is_forgotten(known: KnownKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_keys, "_MOST", 4)
    known.add(pa.array([100, 101], pa.int64()))
    assert not known.has_room()
    known.add(pa.array([102, 103, 104], pa.int64()))
    assert known.holds(pa.array([100, 102, 104], pa.int64())).tolist() == [False, True, True]
