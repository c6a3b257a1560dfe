"""What is JSON, and which of it a database keeps; however long it is, it is read once."""

import pytest

from rowferry.kinds.json_binary import JSONB
from rowferry.kinds.json_texts import JSON, JSON_IN_SQLITE
from rowferry.kinds.unfit import OutOfRangeError, UnfitError


@pytest.mark.timeout(5)
def test_a_member_that_is_there_twice_is_found_at_once() -> None:
    members = ",".join(f'"{at % 60_000}": 0' for at in range(60_001))
    with pytest.raises(UnfitError, match='an object has "0" twice'):
        JSON.parse("{" + members + "}")


@pytest.mark.timeout(5)
def test_digits_are_counted_at_once() -> None:
    text = "[" + ",".join(["1" * 15_999] * 200) + "]"
    assert JSONB.parse(text) == text
    with pytest.raises(OutOfRangeError):
        JSONB.parse("[0." + "1" * 16_384 + "]")


@pytest.mark.parametrize("number", ["1e0000000000200000", "1e-0000000000200000", "1e+9999999999999999"])
def test_zeros_before_an_exponent_hide_nothing(number: str) -> None:
    with pytest.raises(OutOfRangeError):
        JSONB.parse(f"[{number}]")
    assert JSONB.parse("[1e-00000000000005000]")


@pytest.mark.parametrize("number", ["1e9999999999999999999999", "-1e-9999999999999999999999"])
def test_a_number_beyond_all_is_not_what_sqlite_keeps(number: str) -> None:
    with pytest.raises(OutOfRangeError, match="SQLite would keep it as"):
        JSON_IN_SQLITE.parse(number)


@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ('{"]": ', "}")])
def test_what_is_deep_does_not_depend_on_who_asks(begin: str, end: str) -> None:
    def ask(calls: int, levels: int) -> str:
        return ask(calls - 1, levels) if calls else JSON.parse(begin * levels + "1" + end * levels)

    assert ask(0, 500) == ask(300, 500)
    for calls in (0, 300):
        with pytest.raises(UnfitError, match="it is nested too deeply"):
            ask(calls, 501)
    assert JSON.parse(wide := f"[{', '.join([begin + '1' + end] * 600)}]") == wide
