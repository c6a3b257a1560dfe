"""A row gets the same verdict, the same codes and the same values, whether it comes by CSV, by JSON or by Avro."""

import csv
import io
import json
from typing import Any

import fastavro
from hypothesis import example, given, strategies as st

from batching import Batches
from loading import Tables
from made_up import made_up
from restoring import Restores
from rowferry.operations.restore_sources import RestoreSource

NAMES = ("id", "name", "datetime", "department_id", "job_id")

_INTEGERS = st.one_of(
    st.integers(-3, 12).map(str),
    st.integers().map(str),
    st.sampled_from(["+1", "-0", "007", "1.0", "1_0", "1e3", " 1", "1 ", "٣", "0x1", "true", "9223372036854775808"]),
)
_INSTANTS = st.one_of(
    st.datetimes().map(lambda at: at.isoformat()),
    st.datetimes().map(lambda at: at.isoformat(" ") + "+02:00"),
    st.sampled_from(
        [
            "2021-02-29T10:00",
            "2024-02-29T10:00Z",
            "0001-01-01T00:00+01:00",
            "9999-12-31T23:59:59.999999-01",
            "2021-07-01",
            "2021-07-01T24:00",
            "2021-07-01T10:00:00,5Z",
            "2021-7-1T10:00",
            "2021-07-01T10:00:60Z",
            "infinity",
        ]
    ),
)
_TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.integers(250, 260).map(lambda length: "ä" * length),
    st.sampled_from([",", '"', "a\nb", "a\r\nb", "\ufeff", "\0", "\x1c", "\u2003"]),
)
_MISSING = st.sampled_from(["", " ", "\t"])


def _cell(usual: st.SearchStrategy[str], good: str) -> st.SearchStrategy[str]:
    return st.one_of(st.just(good), st.just(good), usual, _TEXTS, _MISSING)


_ROWS = st.lists(
    st.tuples(
        _cell(_INTEGERS, "1") | st.integers(1, 6).map(str),
        _cell(_TEXTS, "Harold Vogt"),
        _cell(_INSTANTS, "2021-11-07T02:48:42Z"),
        _cell(_INTEGERS, "2"),
        _cell(_INTEGERS, "3"),
    ),
    min_size=1,
    max_size=12,
)

Verdicts = dict[int, list[tuple[str | None, str, str]]]


@made_up(20)
@example(rows=[("1", "x", "2021-07-01T10:00Z", "1", "1"), ("1", "y", "2021-07-01T10:00Z", "9", "")], numbers=True)
@example(rows=[("1", "x", "2021-07-01T10:00Z", "1", "0\r")], numbers=False)
@given(rows=_ROWS, numbers=st.booleans())
def test_csv_json_and_avro_are_judged_alike(tables: Tables, rows: list[tuple[str, ...]], numbers: bool) -> None:
    if not tables.rows("jobs"):
        tables.with_parents()
    text = io.StringIO()
    # It quotes what its own line ends hold; a bare carriage return at the end of a line would be one of them.
    csv.writer(text, lineterminator="\r\n").writerows([NAMES, *rows])
    tables.put("hired_employees.csv", text.getvalue())
    by_csv = tables.rows("hired_employees"), _verdicts(tables.rejects(), header=1)
    tables.execute("DELETE FROM hired_employees")
    receipt = Batches(tables).put(_as_json(rows, numbers=numbers))
    by_json = tables.rows("hired_employees"), _verdicts(tables.rejects(receipt.batch_id), header=0)
    tables.execute("DELETE FROM hired_employees")
    assert by_json == by_csv
    restored = Restores(tables).restore(_as_avro(tables, rows, numbers=numbers), partial=True)
    by_avro = tables.rows("hired_employees"), _verdicts(tables.rejects(restored.restore_id), header=0)
    tables.execute("DELETE FROM hired_employees")
    assert by_avro == by_csv


def _as_json(rows: list[tuple[str, ...]], *, numbers: bool) -> bytes:
    """The same rows; where integers are told by numbers, all that JSON takes for one is."""
    objects = [dict(zip(NAMES, row, strict=True)) for row in rows]
    documents = [
        {
            name: int(value) if numbers and name.endswith("id") and _is_plain(value) else value
            for name, value in row.items()
        }
        for row in objects
    ]
    return json.dumps({"hired_employees": documents}).encode()


def _as_avro(tables: Tables, rows: list[tuple[str, ...]], *, numbers: bool) -> RestoreSource:
    """The same rows in a file of another program, all as text, or ids as numbers where all of them are."""
    path = tables.folder / "rows.avro"
    ids = numbers and all(_is_plain(value) and abs(int(value)) < 2**63 for row in rows for value in (row[0], *row[3:]))
    types = ["long" if ids and name.endswith("id") else "string" for name in NAMES]
    fields = [{"name": name, "type": ["null", kind]} for name, kind in zip(NAMES, types, strict=True)]
    records = [
        {name: int(value) if kind == "long" else value for name, kind, value in zip(NAMES, types, row, strict=True)}
        for row in rows
    ]
    with path.open("wb") as file:
        fastavro.writer(file, {"type": "record", "name": "row", "fields": fields}, records)
    return RestoreSource(tables.service.catalog.table("hired_employees"), path, path.name)


def _is_plain(value: str) -> bool:
    return value.isascii() and value.removeprefix("-").isdigit() and str(int(value)) == value


def _verdicts(rejects: list[dict[str, Any]], header: int) -> Verdicts:
    """Of each rejected row, by its place among the rows: column, code and message of all faults but of duplicates."""
    return {
        row["row_number"] - header: [
            (e["column"], e["code"], "" if e["code"] == "key.duplicate" else e["message"]) for e in row["errors"]
        ]
        for row in rejects
    }
