"""Ranges with the same values have one spelling, whose values are those that PostgreSQL has."""

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import DATERANGE, INT4RANGE, INT8RANGE, NUMRANGE, TSRANGE, TSTZRANGE, Range

from rowferry.kinds.registry import kind_of
from rowferry.kinds.unfit import OutOfRangeError, UnfitError

_KEPT: list[tuple[sa.types.TypeEngine[Any], str, str]] = [
    (INT4RANGE(), "[1,4]", "[1,5)"),
    (INT4RANGE(), " ( 1 , 5 ) ", "[2,5)"),
    (INT4RANGE(), "[,5)", "(,5)"),
    (INT4RANGE(), "[,]", "(,)"),
    (INT4RANGE(), "[5,5]", "[5,6)"),
    (INT4RANGE(), "(5,5]", "empty"),
    (INT4RANGE(), "(5,6)", "empty"),
    (INT4RANGE(), "(2147483647,2147483647)", "empty"),
    (INT4RANGE(), "Empty", "empty"),
    (INT8RANGE(), "[-9223372036854775808,9223372036854775806]", "[-9223372036854775808,9223372036854775807)"),
    (DATERANGE(), "[2021-01-01,9999-12-31]", "[2021-01-01,10000-01-01)"),
    (DATERANGE(), '["0001-01-01",2020-02-29]', "[0001-01-01,2020-03-01)"),
    (NUMRANGE(), "[1.0,1.00)", "empty"),
    (NUMRANGE(), "(-.50,007.10]", "(-0.50,7.10]"),
    (TSRANGE(), '["2021-11-07 02:48:42",]', "[2021-11-07T02:48:42,)"),
    (TSTZRANGE(), "(2021-11-07T02:48:42.5+01,2021-11-07T02:48Z]", "(2021-11-07T01:48:42.500000Z,2021-11-07T02:48:00Z]"),
]


@pytest.mark.parametrize(("column_type", "text", "kept"), _KEPT, ids=str)
def test_a_range_has_one_spelling(column_type: sa.types.TypeEngine[Any], text: str, kept: str) -> None:
    kind, _ = kind_of(column_type)
    assert kind.parse(text) == kept
    assert kind.parse(kept) == kept


def test_its_values_are_those_of_postgresql(postgresql_server: sa.URL) -> None:
    engine = sa.create_engine(postgresql_server, poolclass=sa.NullPool)
    with engine.connect() as connection:
        for column_type, text, kept in _KEPT:
            kind, _ = kind_of(column_type)
            cast = column_type.compile(engine.dialect)
            both = connection.exec_driver_sql(f"SELECT %s::{cast}::text, %s::{cast}::text", (text, kept)).one()
            assert [kind.parse(spelled) for spelled in both] == [kept, kept]
            assert both[0] == both[1]


@pytest.mark.parametrize(
    ("column_type", "text", "fault"),
    [
        *((INT4RANGE(), text, UnfitError) for text in ("", "1,5", "[1,5", "[1;5)", "[1.0,5)", '["",5)', "[5,1)")),
        *((INT4RANGE(), text, OutOfRangeError) for text in ("[1,2147483647]", "[-2147483649,)")),
        *((DATERANGE(), text, UnfitError) for text in ("[2021-02-30,)", "[,infinity)")),
        (DATERANGE(), "(9999-12-31,10000-01-01]", OutOfRangeError),
        (NUMRANGE(), "[NaN,)", UnfitError),
    ],
    ids=str,
)
def test_what_is_none_is_refused(column_type: sa.types.TypeEngine[Any], text: str, fault: type[UnfitError]) -> None:
    kind, _ = kind_of(column_type)
    with pytest.raises(UnfitError) as caught:
        kind.parse(text)
    assert type(caught.value) is fault


def test_a_default_of_a_class_is_spelled_in_the_same_way() -> None:
    kind, _ = kind_of(TSTZRANGE())
    assert kind.default(Range(dt.datetime(2021, 1, 1, tzinfo=dt.UTC), None)) == "[2021-01-01T00:00:00Z,)"
