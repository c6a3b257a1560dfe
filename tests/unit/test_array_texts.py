"""What texts are arrays, in the spelling of PostgreSQL and in that of JSON."""

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from rowferry.kinds.registry import kind_of
from rowferry.kinds.unfit import OutOfRangeError, UnfitError

_NONE = """
1,2 | {1 | {1}x | {1,} | {,1} | {1 2} | {{1},2} | {{}} | [[]] | {1}} | {1{2}} | {\\1} | [1, {}] | [true]
{{{{{{{1}}}}}}} | [[[[[[[1]]]]]]] | [0:0]={1} | { | {"1" "2"} | {"1} | [1 | {x} | [1.0] | {""}
"""


@pytest.mark.parametrize("text", ["", *(text.strip() for line in _NONE.splitlines() for text in line.split(" | "))])
def test_what_is_no_array_is_refused(text: str) -> None:
    kind, _ = kind_of(sa.ARRAY(sa.Integer))
    with pytest.raises(UnfitError) as caught:
        kind.parse(text)
    assert type(caught.value) is UnfitError


_UUID = UUID("0190a5e8-3c4d-7b2a-9f61-0d2f5c1b7a94")

_KEPT: list[tuple[sa.types.TypeEngine[Any], str, str]] = [
    (sa.Integer(), ' { 1 , null, "2" } ', "[1, null, 2]"),
    (sa.Integer(), '["1", 2]', "[1, 2]"),
    (sa.Text(), '{a b,"NULL","",\'}', '["a b", "NULL", "", "\'"]'),
    (sa.Boolean(), "{t,f,true}", "[true, false, true]"),
    (sa.Boolean(), "[true, null]", "[true, null]"),
    (sa.Double(), "{1,0.1,1e3}", "[1.0, 0.1, 1000.0]"),
    (sa.Numeric(4, 1), "[1.5, 2]", '["1.5", "2.0"]'),
    (sa.Date(), "{2021-02-03}", '["2021-02-03"]'),
    (sa.REAL(), "{0.1,1e-3}", "[0.1, 0.001]"),
    (sa.Numeric(), "{1.50,007}", '["1.50", "7"]'),
    (sa.DateTime(), '{"2021-02-03 04:05:06"}', '["2021-02-03T04:05:06"]'),
    (sa.Uuid(), f"{{{str(_UUID).upper()}}}", f'["{_UUID}"]'),
    (sa.LargeBinary(), r'{"\\xDEad"}', r'["\\xdead"]'),
    (postgresql.INET(), '["192.0.2.1/32", null]', '["192.0.2.1", null]'),
    (postgresql.MACADDR8(), "{08-00-2B-01-02-03-04-05}", '["08:00:2b:01:02:03:04:05"]'),
    (postgresql.INT4RANGE(), '{"[1,4]",empty}', '["[1,5)", "empty"]'),
]
"""Elements of a type, how they may be spelled, and how they are kept."""


@pytest.mark.parametrize(("element", "text", "kept"), _KEPT, ids=repr)
def test_an_array_has_one_spelling(element: sa.types.TypeEngine[Any], text: str, kept: str) -> None:
    kind, _ = kind_of(sa.ARRAY(element))
    assert kind.parse(text) == kept
    assert kind.parse(kept) == kept
    assert kind.parse(kind.for_postgresql(kept)) == kept


@pytest.mark.parametrize(("element", "text"), [(sa.Integer(), "[2147483648]"), (sa.String(1), "{ab}")], ids=repr)
def test_an_element_that_does_not_fit_is_out_of_range(element: sa.types.TypeEngine[Any], text: str) -> None:
    kind, _ = kind_of(sa.ARRAY(element))
    with pytest.raises(OutOfRangeError):
        kind.parse(text)


def test_no_depth_is_too_great_to_be_refused() -> None:
    kind, _ = kind_of(sa.ARRAY(sa.Integer))
    for depth in (7, 700, 70_000):
        with pytest.raises(UnfitError, match=r"it has too many dimensions|it is nested too deeply"):
            kind.parse("[" * depth + "]" * depth)


def test_postgresql_spells_the_same_values(postgresql_server: sa.URL) -> None:
    """What it sends is what was sent to it."""
    engine = sa.create_engine(postgresql_server, poolclass=sa.NullPool)
    with engine.connect() as connection:
        for element, _, kept in _KEPT:
            column_type = sa.ARRAY(element)
            kind, _ = kind_of(column_type)
            cast = column_type.compile(engine.dialect)
            spelled = connection.exec_driver_sql(f"SELECT %s::{cast}::text", (kind.for_postgresql(kept),)).scalar_one()
            assert kind.parse(spelled) == kept


def test_arrays_of_the_same_elements_are_one_kind() -> None:
    assert kind_of(sa.ARRAY(sa.Text))[0] is kind_of(sa.ARRAY(sa.Text))[0]
    with pytest.raises(LookupError, match="arrays of type json are not supported"):
        kind_of(sa.ARRAY(sa.JSON))
