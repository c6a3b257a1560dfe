"""All parents are found in SQLite by reading their keys in order, if that does not take too long."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import given, settings, strategies as st

from rowferry.backends.sqlite import parents
from rowferry.backends.sqlite.parents import Referred, find_next_keys, has_all
from rowferry.dictionary.rules import rules_of

LEAST = -(2**63)

keys = st.sets(st.integers(-9, 30) | st.sampled_from([LEAST, LEAST + 1, 2**63 - 1]), max_size=20)

PORTS = sa.Table("ports", sa.MetaData(), sa.Column("id", sa.BigInteger, primary_key=True))
PLACE = sa.Column("place", sa.BigInteger, sa.ForeignKey(PORTS.c.id))
SHIPS = rules_of(sa.Table("ships", PORTS.metadata, sa.Column("id", sa.Integer, primary_key=True), PLACE))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few keys are many."""
    monkeypatch.setattr(parents, "_PAGE", 3)
    monkeypatch.setattr(parents, "_MOST", 2)
    monkeypatch.setattr(parents, "_BELOW", 8)


@pytest.fixture
def driver() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE ports (id BIGINT PRIMARY KEY)")
        yield connection


@settings(deadline=None)
@given(there=keys, wanted=keys)
def test_what_is_certain_is_there(there: set[int], wanted: set[int]) -> None:
    with closing(sqlite3.connect(":memory:")) as driver:
        driver.execute("CREATE TABLE ports (id BIGINT PRIMARY KEY)")
        driver.executemany("INSERT INTO ports VALUES (?)", ((key,) for key in there))
        certain = has_all(driver, PORTS, "id", np.array(sorted(wanted), dtype=np.int64))
        assert certain <= (wanted <= there)
        near = len([key for key in there if wanted and min(wanted) <= key <= max(wanted)]) <= 4 * len(wanted)
        assert certain or not (wanted <= there and near and LEAST not in wanted)


def test_integers_are_read_in_their_order_and_nothing_else(driver: sqlite3.Connection) -> None:
    driver.executemany("INSERT INTO ports VALUES (?)", [(5,), (-1,), (7.5,), ("x",), (3,), (None,)])
    assert find_next_keys(driver, PORTS, "id", -1, 2).to_pylist() == [3, 5]
    assert find_next_keys(driver, PORTS, "id", 5, 9).to_pylist() == []


def test_keys_that_may_have_another_form_are_not_read(driver: sqlite3.Connection) -> None:
    driver.execute("DROP TABLE ports")
    driver.execute("CREATE TABLE ports (id PRIMARY KEY)")
    driver.execute("INSERT INTO ports VALUES (1)")
    assert find_next_keys(driver, PORTS, "id", 0, 9).to_pylist() == []


def test_integers_are_only_certain_if_all_are_known(driver: sqlite3.Connection) -> None:
    driver.executemany("INSERT INTO ports VALUES (?)", ((key,) for key in range(20)))
    referred = Referred(SHIPS)
    for places in ([1, 5], [9, None], [10]):
        referred.add(pa.record_batch([pa.array(places, pa.int64())], names=["place"]))
    assert referred.are_there(driver, SHIPS.references[0])
    referred.add(pa.record_batch([pa.array([11], pa.int64())], names=["place"]))
    assert not referred.are_there(driver, SHIPS.references[0])
