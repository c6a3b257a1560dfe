"""What texts are arrays, in the spelling of PostgreSQL and in that of JSON."""

from typing import Any

import pytest
import sqlalchemy as sa

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


@pytest.mark.parametrize(
    ("element", "text", "kept"),
    [
        (sa.Integer(), ' { 1 , null, "2" } ', "[1, null, 2]"),
        (sa.Integer(), '["1", 2]', "[1, 2]"),
        (sa.Integer(), "[2147483648]", None),
        (sa.Text(), '{a b,"NULL","",\'}', '["a b", "NULL", "", "\'"]'),
        (sa.String(1), "{ab}", None),
        (sa.Boolean(), "{t,f,true}", "[true, false, true]"),
        (sa.Boolean(), "[true, null]", "[true, null]"),
        (sa.Double(), "{1,0.1,1e3}", "[1.0, 0.1, 1000.0]"),
        (sa.Numeric(4, 1), "[1.5, 2]", '["1.5", "2.0"]'),
        (sa.Date(), "{2021-02-03}", '["2021-02-03"]'),
    ],
    ids=repr,
)
def test_an_array_has_one_spelling(element: sa.types.TypeEngine[Any], text: str, kept: str | None) -> None:
    kind, _ = kind_of(sa.ARRAY(element))
    if kept is None:
        with pytest.raises(OutOfRangeError):
            kind.parse(text)
    else:
        assert kind.parse(text) == kept
        assert kind.parse(kept) == kept
        assert kind.parse(kind.for_postgresql(kept)) == kept


def test_arrays_of_the_same_elements_are_one_kind() -> None:
    assert kind_of(sa.ARRAY(sa.Text))[0] is kind_of(sa.ARRAY(sa.Text))[0]
    with pytest.raises(LookupError, match="arrays of type json are not supported"):
        kind_of(sa.ARRAY(sa.JSON))
