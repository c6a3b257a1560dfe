"""Arrow's functions, called without its wrappers, do what they do through these."""

import sys
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from rowferry.arrow import compute

NUMBERS = pa.array([3, None, 1, 3])
FLOATS = pa.array([1.5, float("nan"), None, float("inf")])
TEXTS = pa.array(["ab", None, " ", 'c""d'])
TRUTH = pa.array([True, False, None, True])
BYTES = pa.array([b"a", b"b", b"c", b"d"])
ROWS = pa.record_batch({"a": NUMBERS, "b": TEXTS})
NAMES = {"all_of": "all", "any_of": "any", "where": "filter"}
"""Those that would hide a word of Python have another name."""

CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("add", (FLOATS, 0.0), {}),
    ("all_of", (TRUTH,), {}),
    ("and_", (TRUTH, TRUTH), {}),
    ("any_of", (TRUTH,), {}),
    ("binary_join", (pa.array([["a", "b"], ["c"]]), ","), {}),
    ("binary_join_element_wise", (BYTES, BYTES, b""), {"null_handling": "replace", "null_replacement": b""}),
    ("binary_length", (TEXTS,), {}),
    ("bit_wise_and", (NUMBERS, 1), {}),
    ("cast", (NUMBERS, pa.string()), {}),
    ("cast", (pa.array([1.5]), pa.int64()), {"safe": False}),
    ("coalesce", (NUMBERS, NUMBERS), {}),
    ("dictionary_encode", (TEXTS,), {"null_encoding": "mask"}),
    ("drop_null", (NUMBERS,), {}),
    ("equal", (NUMBERS, NUMBERS), {}),
    ("extract_regex", (TEXTS,), {"pattern": "^(?P<first>a)(?P<second>b)$"}),
    ("fill_null", (NUMBERS, 0), {}),
    ("fill_null", (TRUTH, False), {}),
    ("greater_equal", (NUMBERS, pa.scalar(2)), {}),
    ("if_else", (TRUTH, NUMBERS, pa.scalar(None, pa.int64())), {}),
    ("index_in", (NUMBERS,), {"value_set": pa.array([3, 4])}),
    ("invert", (TRUTH,), {}),
    ("is_finite", (FLOATS,), {}),
    ("is_in", (NUMBERS,), {"value_set": pa.array([3, 4])}),
    ("is_null", (FLOATS,), {}),
    ("is_valid", (FLOATS,), {}),
    ("less_equal", (NUMBERS, 1), {}),
    ("match_substring", (TEXTS,), {"pattern": "b"}),
    ("match_substring_regex", (TEXTS,), {"pattern": "^a.$"}),
    ("min_max", (NUMBERS,), {}),
    ("not_equal", (NUMBERS, 3), {}),
    ("or_", (TRUTH, TRUTH), {}),
    ("replace_substring", (TEXTS,), {"pattern": '""', "replacement": '"'}),
    ("replace_with_mask", (NUMBERS, pa.array([True, False, False, True]), pa.array([7, 8])), {}),
    ("sort_indices", (ROWS,), {"sort_keys": [("a", "ascending")]}),
    ("take", (NUMBERS, pa.array([2, 0])), {}),
    ("take", (ROWS, pa.array([2, 0])), {}),
    ("unique", (NUMBERS,), {}),
    ("utf8_is_space", (TEXTS,), {}),
    ("utf8_length", (TEXTS,), {}),
    ("utf8_rtrim", (pa.array(["a  ", " ", None]),), {"characters": " "}),
    ("where", (NUMBERS, TRUTH), {}),
    ("where", (ROWS, TRUTH), {}),
]


@pytest.mark.parametrize(("name", "values", "told"), CALLS)
def test_a_function_is_the_one_that_arrow_documents(name: str, values: tuple[Any, ...], told: dict[str, Any]) -> None:
    found = getattr(compute, name)(*values, **told)
    expected = getattr(pc, NAMES.get(name, name))(*values, **told)
    assert (str(found.type) if hasattr(found, "type") else "", str(found)) == (
        str(expected.type) if hasattr(expected, "type") else "",
        str(expected),
    )


def test_every_function_is_called_above() -> None:
    functions = {name for name, value in vars(compute).items() if callable(value) and name[0].islower()}
    assert functions - {name for name, *_ in CALLS} == {"as_instants", "call_function"}


def test_what_would_lose_something_is_no_cast() -> None:
    with pytest.raises(pa.ArrowInvalid):
        compute.cast(pa.array([1.5]), pa.int64())


def test_bare_dates_and_times_are_those_of_utc() -> None:
    bare = compute.cast(pa.array(["2021-11-07 02:48:42", None]), pa.timestamp("us"))
    found = compute.as_instants(bare, pa.timestamp("us", "UTC"))
    assert [str(instant) for instant in found.to_pylist()] == ["2021-11-07 02:48:42+00:00", "None"]


class Looking:
    """A finder of modules that finds none, and notes what was looked for."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        self.names.append(name)


@pytest.mark.parametrize(("values", "value"), [(TEXTS, "x"), (BYTES, b"x"), (NUMBERS, 1), (FLOATS, 1.0), (TRUTH, True)])
def test_no_module_is_looked_for_to_learn_what_a_value_is(
    values: pa.Array, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = Looking()
    monkeypatch.setattr("sys.meta_path", [looking, *sys.meta_path])
    monkeypatch.delitem(sys.modules, "dateutil", raising=False)
    pa.scalar(value)
    assert looking.names == ["dateutil"]
    compute.equal(values, value)
    assert looking.names == ["dateutil"]
