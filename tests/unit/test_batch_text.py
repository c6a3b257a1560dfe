"""Rows that are read all at once are those that are found when they are read one by one."""

import json
from typing import Any
from unittest.mock import patch

from hypothesis import example, given, strategies as st

from made_up import made_up
from rowferry.dictionary.catalog import load_catalog
from rowferry.errors import RowferryError
from rowferry.sources.json import batch_text
from rowferry.sources.json.batch_text import RepeatingObject, read_batch

CATALOG = load_catalog("rowferry.models")

_NAMES = st.sampled_from(['"id"', '"job"', '"\\u0069d"', '"j\\"b"', '""', '"pay"', '"a\\\\"', '"{"'])
_VALUES = st.sampled_from(
    [
        *("1", "-0", "1.0", "1e9", "true", "null", "NaN", "[]", "{}", "01", "'", 30 * "1", '["x"]', '{"id":"x"}'),
        *('"x"', '""', '"\\u00e4"', '"\\\\u"', '"a\\"b"', '"],"'),
    ]
)
_ROWS = st.lists(st.tuples(_NAMES, _VALUES), max_size=4).map(
    lambda members: "{" + ", ".join(f"{name}: {value}" for name, value in members) + "}"
)
_BODIES = st.builds(
    lambda rows, end: '{"jobs":[ ' + " ,\n".join(rows) + end,
    st.lists(_ROWS | _VALUES, max_size=4),
    st.sampled_from([" ]}", "]}", "]", "}", ",]}", "]} x"]),
)


@made_up(133)
@example('{"jobs": [{"id": 1, "job": "a", "id": 2}]}')
@example('{"jobs": [{"id": "1", "job": "a", "id": "2\\u0022"}]}')
@example('{"jobs": [{"id": 1, "job": "\\\\u0022"}]}')
@example('{"jobs": [}')
@example('{"jobs": [1,]}')
@example('{"jobs": ')
@given(_BODIES)
def test_reading_at_once_finds_the_same(body: str) -> None:
    at_once = _read(body)
    with patch.object(batch_text._Scan, "_plain_rows", lambda _: None):
        assert _read(body) == at_once


def test_plain_rows_are_read_at_once() -> None:
    body = json.dumps({"jobs": [{"id": number, "job": "Zoë, \u2603"} for number in range(1_000)]})
    with patch.object(batch_text, "_each_row", side_effect=AssertionError):
        assert len(read_batch(body.encode(), CATALOG)["jobs"].values) == 1_000


def _read(body: str) -> Any:
    """Values with their types and texts, or why it is no batch."""
    try:
        rows = read_batch(body.encode(), CATALOG).get("jobs")
    except RowferryError as error:
        return error.code, error.message
    if rows is None:
        return None
    return [(_told(value), rows.raw(at)) for at, value in enumerate(rows.values)]


def _told(value: Any) -> Any:
    if isinstance(value, dict):
        repeated = value.repeated if isinstance(value, RepeatingObject) else None
        return type(value), repeated, {name: _told(item) for name, item in value.items()}
    return [_told(item) for item in value] if isinstance(value, list) else (type(value), value)
