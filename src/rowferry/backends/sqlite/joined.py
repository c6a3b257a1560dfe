r"""Pages of a table of SQLite with each column joined into one value: three times as fast as row by row.

What SQLite allows and a model does not (another type, NUL in a text, bytes that are no text) is noticed, and left to
those who read row by row.

Of the jobs (1, Clerk), (2, NULL), (5, Cook), whose text is required, the query returns a single row. It counts one odd
row, so the page is read row by row; were it not for that, `split_page` would make two columns of the last two values:

    >>> from rowferry.dictionary.catalog import load_catalog
    >>> jobs = load_catalog("rowferry.models").table("jobs")
    >>> database = sqlite3.connect("")
    >>> script = "CREATE TABLE jobs (id, job); INSERT INTO jobs VALUES (1, 'Clerk'), (2, NULL), (5, 'Cook')"
    >>> _ = database.executescript(script)
    >>> count, last_key, odd, *joined = database.execute(joined_page(jobs, "", rows=10)).fetchone()
    >>> count, last_key, odd, joined
    (3, 5, 1, ['1,2,5', b'Clerk\x00Cook'])
    >>> split_page(jobs, 2, [0, "1,5", b"Clerk\0Cook"]).to_pydict()
    {'id': [1, 5], 'job': ['Clerk', 'Cook']}
    >>> database.close()
"""

from typing import Any

import numpy as np
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow
from rowferry.backends.joined_texts import NO_TEXT, split_texts
from rowferry.backends.sqlite.types import quoted
from rowferry.backends.sqlite.values import all_of
from rowferry.dictionary.rules import ColumnRule, TableRules
from rowferry.kinds.booleans import BOOLEAN
from rowferry.kinds.integers import INTEGER
from rowferry.kinds.texts import Text

_MOST_COLUMNS = 900
"""An optional column takes two of the 2,000 that the answer to a query may have."""


def joins(rules: TableRules) -> bool:
    """Whether pages of a table can be joined: by a single key that is a number, without fractions and long texts.

    The database must keep its texts in UTF-8, since what is joined comes as bytes.
    """
    known = all(column.kind.sqlite.joined for column in rules.columns)
    bounded = all(column.max_length for column in rules.columns if isinstance(column.kind, Text))
    few = len(rules.columns) <= _MOST_COLUMNS
    return known and bounded and few and len(rules.key) == 1 and rules.by_name[rules.key[0]].kind is INTEGER


def joined_page(rules: TableRules, condition: str, rows: int) -> str:
    """The query for the next rows: how many, the last key, how many are odd, and of each column all values."""
    names, key = ", ".join(map(quoted, rules.names)), quoted(rules.key[0])
    usual = all_of([_is_usual(column) for column in rules.columns])
    parts = ", ".join(part for column in rules.columns for part in _joined(column))
    page = f"SELECT {names} FROM {quoted(rules.name)}{condition} ORDER BY {key} LIMIT {rows}"
    return f"SELECT count(*), max({key}), sum(NOT ({usual})), {parts} FROM ({page})"


def _is_usual(column: ColumnRule) -> str:
    """The condition that a value is of the type that the model says."""
    name, stored = f"typeof({quoted(column.name)})", "integer" if column.kind.sqlite.joined == "numbers" else "text"
    return f"{name} = '{stored}'" if column.required else f"{name} IN ('{stored}', 'null')"


def _joined(column: ColumnRule) -> list[str]:
    """All values of a column, and of an optional one which of them are missing."""
    name, number = quoted(column.name), column.kind.sqlite.joined == "numbers"
    instead = "0" if number else f"CAST(x'{NO_TEXT:X}' AS TEXT)"
    value = name if column.required else f"coalesce({name}, {instead})"
    values = f"group_concat({value})" if number else f"CAST(group_concat({value}, char(0)) AS BLOB)"
    return [values] if column.required else [values, f"group_concat({name} IS NULL, '')"]


def split_page(rules: TableRules, rows: int, joined: list[Any]) -> pa.RecordBatch | None:
    """The rows of a page, or None if a value is not what its column asks for."""
    odd, *parts = joined
    if odd:
        return None
    arrays, sent = [], iter(parts)
    for column in rules.columns:
        array = _array(column, rows, next(sent), "" if column.required else next(sent))
        if array is None:
            return None
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, schema=rules.schema)


def _array(column: ColumnRule, rows: int, values: Any, missing: str) -> pa.Array | None:
    try:
        read = _numbers if column.kind.sqlite.joined == "numbers" else _texts
        array = read(column, values, missing)
    except (pa.ArrowInvalid, OverflowError):
        return None
    return array if array is not None and len(array) == rows else None


def _numbers(column: ColumnRule, values: str, missing: str) -> pa.Array | None:
    numbers = np.fromstring(values, dtype=np.int64, sep=",")
    if column.kind is BOOLEAN and ((numbers < 0) | (numbers > 1)).any():
        return None
    valid = np.frombuffer(missing.encode(), dtype=np.uint8) != ord("1") if "1" in missing else None
    return pc.cast(as_arrow(numbers, valid), column.arrow)


def _texts(column: ColumnRule, values: bytes, missing: str) -> pa.Array | None:
    if values.count(NO_TEXT) != missing.count("1"):
        return None
    texts = split_texts(values)
    texts.validate(full=True)
    return column.kind.read_joined(texts, column.arrow)
