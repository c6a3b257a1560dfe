"""The keys of parents in SQLite are read in their order, where all have their usual form."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
import sqlalchemy as sa

from rowferry.backends.sqlite.parents import find_next_keys

PORTS = sa.Table("ports", sa.MetaData(), sa.Column("id", sa.BigInteger, primary_key=True))


@pytest.fixture
def driver() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE ports (id BIGINT PRIMARY KEY)")
        yield connection


def test_integers_are_read_in_their_order_and_nothing_else(driver: sqlite3.Connection) -> None:
    driver.executemany("INSERT INTO ports VALUES (?)", [(5,), (-1,), (7.5,), ("x",), (3,), (None,)])
    assert find_next_keys(driver, PORTS, "id", -1, 2).to_pylist() == [3, 5]
    assert find_next_keys(driver, PORTS, "id", 5, 9).to_pylist() == []


def test_keys_that_may_have_another_form_are_not_read(driver: sqlite3.Connection) -> None:
    driver.execute("DROP TABLE ports")
    driver.execute("CREATE TABLE ports (id PRIMARY KEY)")
    driver.execute("INSERT INTO ports VALUES (1)")
    assert find_next_keys(driver, PORTS, "id", 0, 9).to_pylist() == []
