"""Whole rows, of columns of every kind and keys of every form, get the verdict of the oracle, however they are cut."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import given, strategies as st

import oracle
import oracle_values
from looking_up import KeysInMemory
from made_up import made_up
from rowferry.dictionary.faults import RejectCode
from rowferry.dictionary.rules import TableRules, rules_of
from rowferry.judging.judge import Judge
from rowferry.judging.places import Places
from rowferry.judging.references import References
from rowferry.judging.reject_sink import RejectSink
from rowferry.judging.rows import RowBatch
from rowferry.judging.taken_keys import taken_keys
from rowferry.sources.csv import byte_source
from rowferry.sources.csv.source import CsvSource

_LEAST, _MOST = -(2**63), 2**63 - 1
LARGE = {7, 2**31, -(2**63), 2**63 - 1, 1_234_567_890_123_456_789}
KEYS: dict[str, set[Any]] = {"ports": {1, 2, 3}, "yards": LARGE, "flags": {"é", "b"}}

FIELDS = (
    oracle_values.Field("number", "integer", low=_LEAST, high=_MOST),
    oracle_values.Field("code", "text", length=5),
    oracle_values.Field("small", "integer", required=False, low=-(2**15), high=2**15 - 1),
    oracle_values.Field("port", "integer", parent="ports"),
    oracle_values.Field("yard", "integer", required=False, parent="yards", low=_LEAST, high=_MOST),
    oracle_values.Field("flag", "text", required=False, parent="flags"),
    oracle_values.Field("note", "text", required=False),
    oracle_values.Field("seen", "datetime"),
    oracle_values.Field("left", "datetime", required=False),
    oracle_values.Field("day", "date", required=False),
    oracle_values.Field("sure", "boolean"),
    oracle_values.Field("price", "decimal", required=False, digits=(12, 2)),
    oracle_values.Field("mass", "decimal", required=False, digits=(38, 0)),
    oracle_values.Field("ratio", "float", required=False),
)
NAMES = [field.name for field in FIELDS]
TYPES: tuple[sa.types.TypeEngine[Any], ...] = (
    sa.BigInteger(),
    sa.String(5),
    sa.SmallInteger(),
    sa.Integer(),
    sa.BigInteger(),
    sa.Text(),
    sa.Text(),
    sa.DateTime(timezone=True),
    sa.DateTime(timezone=True),
    sa.Date(),
    sa.Boolean(),
    sa.Numeric(12, 2),
    sa.Numeric(38, 0),
    sa.Float(),
)

GOOD = ["1", "b", "1", "1", "7", "b", "x", *2 * ["2021-07-01T10:00:00Z"], "2021-07-01", "true", "1.50", "1", "0.5"]
SPOILS: dict[str, str] = {
    "integer": "2|3|-1|+2|-0|03|1.0|1_0|0x1F|--1|-|1-|５|99|32767|32768|-32768|-32769|2147483647|2147483648|-2147483649"
    "|1234567890|1234567890123456789|9223372036854775807|-9223372036854775808|9223372036854775808|-9223372036854775809"
    "|00000000000000000000000000000007|99999999999999999999",
    "text": "é|b|1|ééééé|éééééé|123456| a|\u200b|\ufeff|\x1fa|null|a,b|a\nb|😀😀😀😀😀",
    "datetime": "2021-07-01 10:00:00|2021-07-01T10:00|2021-07-01T10:00:00.25-03:30|2020-02-29T10:00:00Z"
    "|2021-02-29T10:00:00Z|2021-02-28T23:59:59Z|2021-13-01T10:00:00Z|2021-00-01T10:00:00Z|2021-19-01T10:00:00Z"
    "|2021-04-31T10:00:00Z|2021-07-00T10:00:00Z|2021-07-39T10:00:00Z|2021-07-01T24:00:00Z|2021-07-01T29:00:00Z"
    "|2021-07-01T10:60:00Z|2021-07-01T10:00:60Z|0999-07-01T10:00:00Z|1000-01-01T00:00:00Z|2999-12-31T23:59:59Z"
    "|3000-01-01T00:00:00Z|9999-12-31T23:59:59Z|0000-01-01T00:00:00Z|2021-07-01T10:00:00z|2021-07-01t10:00:00Z"
    "|2021-07-01T1é:00:00|２021-07-01T10:00:0|0001-01-01T00:00:00+01:00|2021:07:01T10:00:00Z|today|1",
    "date": "0001-01-01|9999-12-31|2021-02-29|2020-02-29|20210701|2021-07-01T10:00",
    "boolean": "FALSE|True|1|yes| true",
    "decimal": "1.5|-0|-0.00|+1.|.5|1e3|100|9999999999.99|10000000000|0.001|"
    + "|".join([f"1.{'0' * 60}", f"{'0' * 60}1", "9" * 38, "9" * 39, f"-{'9' * 38}.{'0' * 9}", f"0.{'0' * 60}1"]),
    "float": "1|1e3|1e309|-1e-400|nan|inf|0x1p3|" + "9" * 400,
}
BLANK = "|".join(["", "", " ", "\t", "\u3000", "\x1c", "a\0b", "\udcff"])

spoil = st.integers(0, len(FIELDS) - 1).flatmap(
    lambda at: st.tuples(st.just(at), st.sampled_from(f"{SPOILS[FIELDS[at].kind]}|{BLANK}".split("|")))
)
rows = st.tuples(st.integers(-1, 9), st.lists(spoil, max_size=2))
odd_lines = st.sampled_from([b"", b"1,2", b'1,"never closed,x', b'1,a"b', b"," * 13, b"," * 14, b"\r"])
files = st.lists(rows | rows | rows | odd_lines, max_size=40)


def _lines(made: Sequence[tuple[int, list[tuple[int, str]]] | bytes]) -> bytes:
    """The file; a row whose key is -1 takes one that no other has."""
    lines = []
    for number, row in enumerate(made):
        if isinstance(row, bytes):
            lines.append(row)
            continue
        cells = GOOD.copy()
        cells[0], cells[1] = (str(100 + number), f"n{number}") if row[0] < 0 else (str(row[0] // 2), "ab"[row[0] % 2])
        for at, text in row[1]:
            cells[at] = text
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(cells)
        lines.append(line.getvalue().encode(errors="surrogateescape"))
    return b"\n".join(lines)


def _rules(key: Sequence[str]) -> TableRules:
    metadata = sa.MetaData()
    parents: dict[str, sa.types.TypeEngine[Any]] = {"ports": sa.Integer(), "yards": sa.BigInteger(), "flags": sa.Text()}
    for name, kind_of_key in parents.items():
        sa.Table(name, metadata, sa.Column("id", kind_of_key, primary_key=True))
    columns: list[sa.Column[Any]] = []
    for field, kind in zip(FIELDS, TYPES, strict=True):
        refers = [sa.ForeignKey(f"{field.parent}.id")] if field.parent else []
        columns.append(sa.Column(field.name, kind, *refers, primary_key=field.name in key, nullable=not field.required))
    return rules_of(sa.Table("ships", metadata, *columns, sa.CheckConstraint("small > 0", name="small_is_positive")))


class _Lookups(KeysInMemory):
    """One of whose tables has a rule."""

    def failed_checks(self, rules: TableRules, rows: list[dict[str, object]]) -> list[tuple[int, str]]:
        return [(at, "small_is_positive") for at, row in enumerate(rows) if _too_small(row["small"])]


def _too_small(small: object) -> bool:
    return isinstance(small, int) and small <= 0


def _shifted(batch: RowBatch) -> RowBatch:
    """The same rows, whose columns are slices out of longer ones."""
    columns = [
        pa.concat_arrays([pa.array(["\0é", "", "7"]), column, pa.array(["x"])])[3:-1] for column in batch.columns
    ]
    return replace(batch, columns=columns)


def _judge_all(rules: TableRules, path: Path) -> tuple[list[tuple[Any, ...]], list[oracle.Reject], list[list[str]]]:
    """The accepted rows with their numbers, the rejected ones, and the columns that their faults name, in order."""
    accepted: list[tuple[Any, ...]] = []
    places = Places([path.name])
    with closing(taken_keys(rules)) as taken, closing(RejectSink(places)) as sink:
        judge = Judge(rules, _Lookups(KEYS), taken, places)
        for batch in CsvSource(path, rules).batches():
            verdict = judge.judge(_shifted(batch))
            accepted += [tuple(row.values()) for row in verdict.accepted.to_pylist()]
            sink.add(verdict.rejected)
            assert verdict.rows_read == batch.count == verdict.accepted.num_rows + len(verdict.rejected)
        kept = list(_kept(sink))
        assert sink.count == len(kept)
        ((count, by_code),) = sink.counts()
        assert count == len(kept)
        assert by_code == {code: sum(code in {c for _, c in row.found} for row, _ in kept) for code in by_code}
    return accepted, [row for row, _ in kept], [order for _, order in kept]


def _kept(sink: RejectSink) -> Iterator[tuple[oracle.Reject, list[str]]]:
    for _, number, raw, errors in sink:
        found = json.loads(errors)
        yield oracle.as_reject({"row_number": number, "raw": raw, "errors": found}), [e["column"] or "" for e in found]


@pytest.mark.parametrize("key", [["number"], ["code"], ["number", "code"], ["number", "seen", "sure"]], ids="-".join)
@made_up(20)
@given(made=files, block=st.sampled_from([40, 1_000, 1_000_000]))
def test_rows_of_every_kind(
    tmp_path: Path, key: list[str], made: list[tuple[int, list[tuple[int, str]]] | bytes], block: int
) -> None:
    # The first row keeps the file from beginning like a compressed one, or with a byte order mark.
    data = b"\n".join([b"so that no magic bytes stand first", _lines(made)])
    path = tmp_path / "ships.csv"
    path.write_bytes(data)
    expected = oracle.expect(data, oracle.Definition("ships", FIELDS, tuple(key)), KEYS, breaks=_breaks_rule)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(byte_source, "BLOCK_BYTES", block)
        accepted, rejected, orders = _judge_all(_rules(key), path)
    assert rejected == expected.rejects
    rejected_numbers = {row.row_number for row in rejected}
    assert [row[-1] for row in accepted] == [n for n in range(1, expected.rows_read + 1) if n not in rejected_numbers]
    assert [row[:-1] for row in accepted] == list(expected.rows.values())
    for columns in orders:
        assert columns == sorted(columns, key=["", *NAMES].index)


def _breaks_rule(values: tuple[Any, ...]) -> bool:
    return _too_small(values[NAMES.index("small")])


def test_a_column_that_refers_to_two_tables_must_be_in_both() -> None:
    metadata = sa.MetaData()
    parents = [sa.Table(name, metadata, sa.Column("id", sa.Integer, primary_key=True)) for name in ("ports", "yards")]
    place = sa.Column("place", sa.Integer, *(sa.ForeignKey(parent.c.id) for parent in parents))
    rules = rules_of(sa.Table("ships", metadata, sa.Column("id", sa.Integer, primary_key=True), place))
    references = References(rules, KeysInMemory(KEYS))
    missing = {to.parent: references.missing(to, [pa.array([1, 7], pa.int32())]).tolist() for to in rules.references}
    assert missing == {"ports": [False, True], "yards": [True, False]}


def test_a_key_is_required_even_where_the_database_would_make_one_up() -> None:
    key = sa.Column("id", sa.Integer, primary_key=True, nullable=True)
    rules = rules_of(sa.Table("ships", sa.MetaData(), key))
    _, fault = rules.columns[0].judge("")
    assert fault is not None
    assert fault.code == RejectCode.REQUIRED
