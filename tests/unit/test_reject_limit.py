"""How many rejected rows a load may have."""

import pytest

from rowferry.errors import OptionInvalid
from rowferry.operations.load_options import LoadOptions, RejectLimit


@pytest.mark.parametrize(
    ("limit", "rejected", "rows_read", "exceeded"),
    [
        (None, 10, 10, False),
        ("0", 0, 0, False),
        ("0", 1, 100, True),
        ("5", 5, 100, False),
        ("5", 6, 100, True),
        (" 5 ", 6, 100, True),
        ("0%", 0, 100, False),
        ("0%", 1, 10**9, True),
        ("1%", 1, 100, False),
        ("1%", 2, 100, True),
        ("1%", 1, 99, True),
        ("1.5%", 3, 200, False),
        ("1.5%", 4, 200, True),
        ("100%", 100, 100, False),
        ("50%", 0, 0, False),
    ],
)
def test_the_limit_itself_is_allowed(limit: str | None, rejected: int, rows_read: int, *, exceeded: bool) -> None:
    assert RejectLimit.parse(LoadOptions(max_rejects=limit)).exceeded(rejected, rows_read) is exceeded


@pytest.mark.parametrize("text", ["", "-1", "1.5", "x", "101%", "100.1%", "%", "1 %", "1e3", "-1%", "5%%", "٣", "nan%"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(OptionInvalid) as caught:
        RejectLimit.parse(LoadOptions(max_rejects=text))
    assert "1%" in caught.value.advice


@pytest.mark.parametrize("limit", [None, "5", "5%"])
def test_all_or_nothing_allows_none(limit: str | None) -> None:
    parsed = RejectLimit.parse(LoadOptions(all_or_nothing=True, max_rejects=limit))
    assert parsed.exceeded(1, 1_000_000)
    assert not parsed.exceeded(0, 0)


def test_a_limit_that_makes_no_sense_is_refused_also_with_all_or_nothing() -> None:
    with pytest.raises(OptionInvalid):
        RejectLimit.parse(LoadOptions(all_or_nothing=True, max_rejects="some"))
