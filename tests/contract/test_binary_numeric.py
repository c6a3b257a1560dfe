"""Decimals in PostgreSQL's binary form are the decimals that they were, whatever their precision and scale."""

from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import given, strategies as st

from made_up import made_up
from rowferry.backends.postgresql.copy_format import copy_format
from rowferry.kinds.decimals import DECIMAL

Values = list[Decimal | None]


@pytest.fixture(scope="module")
def postgresql(postgresql_server: sa.URL) -> Iterator[psycopg.Connection]:
    url = postgresql_server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TEMPORARY TABLE given (at int, value numeric)")
        yield connection


@st.composite
def columns(draw: st.DrawFn) -> pa.Array:
    precision = draw(st.integers(1, 76))
    scale = draw(st.integers(1, precision))
    most = 10**precision - 1
    unscaled = st.integers(-most, most) | st.sampled_from([0, 1, -1, most, -most, 10 ** (precision - 1)])
    decimals = unscaled.map(lambda number: Decimal(f"{number}e-{scale}") if number else Decimal(0))
    values = draw(st.lists(st.none() | decimals, min_size=1, max_size=20))
    longer = pa.array([None, *values, Decimal(0)], DECIMAL.widest(precision, scale))
    return longer[1:-1]  # a slice, as parts of a block are


@made_up(50)
@given(values=columns())
def test_each_decimal_arrives_as_it_is(postgresql: psycopg.Connection, values: pa.Array) -> None:
    batch = pa.record_batch([pa.array(range(len(values)), pa.int32()), values], names=["at", "value"])
    form = copy_format(batch.schema)
    assert form.options == "FORMAT binary"
    postgresql.execute("TRUNCATE given")
    with postgresql.cursor().copy(f"COPY given FROM STDIN ({form.options})") as copy:
        for part in (form.begin(), form.rows(batch), form.end()):
            copy.write(part)
    found = postgresql.execute("SELECT value, scale(value) FROM given ORDER BY at").fetchall()
    assert [value for value, _ in found] == values.to_pylist()
    assert {scale for _, scale in found} <= {None, values.type.scale}
