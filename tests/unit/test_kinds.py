"""What texts mean: the grammar of each kind, and that the fast reader of columns never contradicts the judge."""

from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import example, given, strategies as st
from sqlalchemy.dialects import postgresql

import oracle_values
from kind_examples import EXAMPLES, LENGTH, RANGE, REQUIRED, TYPE
from made_up import made_up
from rowferry.arrow.arrays import python_values
from rowferry.dictionary.rules import ColumnRule, rules_of

KINDS: dict[str, tuple[sa.types.TypeEngine[Any], oracle_values.Field]] = {
    "smallint": (sa.SmallInteger(), oracle_values.Field("x", "integer", low=-(2**15), high=2**15 - 1)),
    "integer": (sa.Integer(), oracle_values.Field("x", "integer")),
    "bigint": (sa.BigInteger(), oracle_values.Field("x", "integer", low=-(2**63), high=2**63 - 1)),
    "text": (sa.String(5), oracle_values.Field("x", "text", length=5)),
    "long text": (sa.Text(), oracle_values.Field("x", "text")),
    "datetime": (sa.DateTime(timezone=True), oracle_values.Field("x", "datetime")),
    "real": (sa.REAL(), oracle_values.Field("x", "real")),
    "choice": (sa.Enum("a", "b c", "1"), oracle_values.Field("x", "choice", among=("a", "b c", "1"))),
    "padded": (sa.CHAR(5), oracle_values.Field("x", "padded", length=5)),
    "long decimal": (sa.Numeric(76, 6), oracle_values.Field("x", "decimal", digits=(76, 6))),
    "exact": (sa.Numeric(), oracle_values.Field("x", "exact")),
    "interval": (sa.Interval(), oracle_values.Field("x", "interval")),
    "months": (postgresql.INTERVAL(), oracle_values.Field("x", "months")),
    "local": (sa.DateTime(), oracle_values.Field("x", "local")),
    "uuid": (sa.Uuid(), oracle_values.Field("x", "uuid")),
    "bytes": (sa.LargeBinary(3), oracle_values.Field("x", "bytes", length=3)),
    "date": (sa.Date(), oracle_values.Field("x", "date")),
    "time": (sa.Time(), oracle_values.Field("x", "time")),
    "boolean": (sa.Boolean(), oracle_values.Field("x", "boolean")),
    "decimal": (sa.Numeric(10, 2), oracle_values.Field("x", "decimal", digits=(10, 2))),
    "big decimal": (sa.Numeric(38, 6), oracle_values.Field("x", "decimal", digits=(38, 6))),
    "float": (sa.Float(), oracle_values.Field("x", "float")),
}


def rule_of(kind: str, *, required: bool = True) -> ColumnRule:
    table = sa.Table(
        "t",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("x", KINDS[kind][0], nullable=not required),
    )
    return rules_of(table).by_name["x"]


@pytest.mark.parametrize(("kind", "text", "expected"), EXAMPLES, ids=lambda value: repr(value)[:40])
def test_each_form_is_read_or_refused(kind: str, text: str, expected: object) -> None:
    value, fault = rule_of(kind).judge(text)
    if isinstance(expected, str) and expected in (TYPE, RANGE, LENGTH, REQUIRED):
        assert fault is not None
        assert (fault.column, fault.code) == ("x", expected)
        assert "x" in fault.message
        assert len(fault.message) < 250
    else:
        assert fault is None
        assert value == expected
        assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        ("datetime", "2021-13-01T00:00Z", "month 13"),
        ("datetime", "2021-02-30T00:00Z", "day 30 of month 02"),
        ("datetime", "2021-05-30T24:00Z", "hour 24"),
        ("datetime", "2021-06-30T23:59:60Z", "second 60"),
        ("datetime", "2021-05-30 05:43:46.1234567", "it has seven decimals; at most six can be stored"),
        ("datetime", "2021-05-30T05:43:46.123456789Z", "it has nine decimals; at most six can be stored"),
        ("datetime", f"2021-05-30T05:43:46.{'1' * 20}Z", "it has 20 decimals; at most six can be stored"),
        ("datetime", "2021-05-30", "it has no time"),
        ("datetime", "2021-05-30t05:43:46z", "T and Z must be capital letters"),
        ("datetime", "2021-05-30 05:43:46 UTC", "it names a time zone"),
        ("datetime", "2021-05-30T05:43:46+25:00", "offset 25"),
        ("datetime", "2021-05-30T05:43:46\u221207:00", "U+2212"),
        ("datetime", "2021-W44-7T05:43", "not the week"),
        ("datetime", "9999-12-31T23:30:00-01:00", "must be in the years 1 to 9999"),
        ("date", "2021-02-29", "day 29 of month 02"),
        ("date", "0044-03-15 BC", "must be in the years 1 to 9999"),
        ("float", "1e-400", "it would become 0"),
        ("time", "02:48:42+02:00", "it has a time zone"),
        ("time", "24:00:00", "hour 24"),
        ("local", "2021-05-30T05:43:46Z", "it has a UTC offset"),
        ("local", "2021-05-30", "it has no time"),
        ("real", "1e39", "must be a number that fits into 32 bits"),
        ("real", "16777217", "it would become 16777216"),
        ("choice", "d", "x must be one of a, b c, 1, not 'd'"),
        ("bytes", r"\x01020304", "must have at most 3 bytes, not 4"),
        ("float", "9007199254740993", "it would become 9007199254740992"),
    ],
)
def test_the_message_names_the_fault(kind: str, text: str, told: str) -> None:
    _, fault = rule_of(kind).judge(text)
    assert fault is not None
    assert told in fault.message


@pytest.mark.parametrize("text", ["1" * 131_073, "0." + "0" * 16_384])
def test_an_exact_number_has_as_many_digits_as_postgresql_keeps(text: str) -> None:
    assert rule_of("exact").judge(text[:-1]) == (text[:-1], None)
    _, fault = rule_of("exact").judge(text)
    assert fault is not None
    assert fault.code == RANGE


near = st.one_of(
    st.text(max_size=8),
    st.text(" \t\x1c\x1f\x85\xa0\u1680\u180e\u2000\u200a\u200b\u2028\u202f\u205f\u3000\ufeff\r\na", max_size=3),
    st.from_regex(r"[+\- ]?[0-9_.]{1,22}([eE][0-9])?", fullmatch=True),
    st.from_regex(r"[+-]?[0-9]{0,40}(\.[0-9]{0,40})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.from_regex(
        r"[0-9]{4,6}-?[01][0-9]-?[0-3][0-9][T ][012][0-9]:?[0-6][0-9](:?[0-6][0-9]([.,][0-9]{0,9})?)?"
        r"(Z| ?[+\-][012][0-9](:?[0-6][0-9]){0,2})?( BC)?",
        fullmatch=True,
    ),
    st.from_regex(r"[012]?[0-9]:[0-6][0-9](:[0-6][0-9]([.,][0-9]{0,8})?)?(Z|[+-][01][0-9])?", fullmatch=True),
    st.from_regex(r"\\x([0-9A-Fa-f]{2}){0,4}[0-9a-g]?", fullmatch=True),
    st.uuids().map(str) | st.from_regex(r"([0-9a-fA-F]{8}-([0-9a-f]{4}-){3}[0-9a-fA-Fg-]{12})", fullmatch=True),
    st.from_regex(r"-?P(-?[0-9]{1,3}[YMWD]){0,3}(T([0-9]{1,7}[HMS]){0,3})?", fullmatch=True),
    st.from_regex(r"[0-9]{4,7}-[01][0-9]-[0-3][0-9]( BC)?", fullmatch=True),
    st.floats().map(str),
    st.integers(2**53 - 4, 2**70).map(str),
    st.from_regex(
        r"[012][0-9]{3}-[01][0-9]-[0-3][0-9][T t][012][0-9]:[0-6][0-9](:[0-6][0-9](\.[0-9]{0,7})?)?"
        r"(Z|z|[+\-][012][0-9](:?[0-6][0-9])?)?\n?",
        fullmatch=True,
    ),
    st.from_regex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", fullmatch=True),
    st.datetimes(timezones=st.timezones() | st.none()).map(lambda value: value.isoformat()),
    st.dates().map(str),
    st.integers(-(2**65), 2**65).map(str),
    st.sampled_from([text for _, text, _ in EXAMPLES if "\0" not in text]),
)


@pytest.mark.parametrize("kind", KINDS)
def test_the_fast_reader_is_sure_of_no_example_that_the_judge_refuses(kind: str) -> None:
    rule = rule_of(kind)
    for text in {text for _, text, _ in EXAMPLES if "\0" not in text}:
        judged, fault = rule.judge(text)
        for beside in ([], ["1"], ["abc"], ["2021-11-07T02:48:42Z"], ["2021-11-07T02:48:42ZZ", "2021-11-07T02:48:42"]):
            values, sure = rule.read(pa.array([text, *beside], pa.string()))
            assert not sure[0] or (fault is None and python_values(values)[0] == judged), text


@made_up(20)
@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@given(texts=st.lists(near.filter(lambda text: "\0" not in text), max_size=12))
def test_wherever_the_fast_reader_is_sure_the_judge_agrees(kind: str, *, required: bool, texts: list[str]) -> None:
    rule = rule_of(kind, required=required)
    column = pa.array(["skipped", *texts], pa.string())[1:]
    values, sure = rule.read(column)
    assert len(values) == len(sure) == len(texts)
    for text, value, certain in zip(texts, python_values(values), sure.tolist(), strict=True):
        if certain:
            judged, fault = rule.judge(text)
            assert fault is None
            assert value == judged
        else:
            assert value is None


@made_up(20)
@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@given(text=near)
@example(text="\0")
def test_the_judge_says_what_the_oracle_says(kind: str, *, required: bool, text: str) -> None:
    column = oracle_values.Field(**{**vars(KINDS[kind][1]), "required": required})
    value, fault = rule_of(kind, required=required).judge(text)
    code = fault.code if fault else None
    assert (None if code else value, code) == oracle_values.judge(column, text)


@pytest.mark.parametrize(("kind", "text", "expected"), EXAMPLES, ids=lambda value: repr(value)[:40])
def test_what_the_judge_finds_stays_the_same_in_a_column(kind: str, text: str, expected: object) -> None:
    rule = rule_of(kind)
    value, fault = rule.judge(text)
    assert fault or python_values(pa.array([value], rule.arrow)) == [expected]


@pytest.mark.parametrize("kind", KINDS)
def test_every_character_that_is_white_space_is_missing_in_every_column(kind: str) -> None:
    blanks = [chr(code) for code in range(0x110000) if chr(code).isspace()]
    rule = rule_of(kind)
    values, sure = rule.read(pa.array([*blanks, *(2 * blank for blank in blanks)], pa.string()))
    assert not sure.any()
    assert len(values) == 2 * len(blanks)
    for blank in blanks:
        value, fault = rule.judge(blank)
        assert value is None
        assert fault is not None
        assert fault.code == REQUIRED


def test_plain_columns_are_read_at_once() -> None:
    for kind, text in {"integer": "12", "text": "word", "datetime": "2021-11-07T02:48:42Z", "bigint": "-5"}.items():
        _, sure = rule_of(kind).read(pa.array([text] * 100, pa.string()))
        assert sure.all()


@pytest.mark.parametrize(
    "column_type",
    [
        sa.Numeric(77, 2),
        sa.Enum(),
        sa.Time(timezone=True),
        postgresql.HSTORE(),
        postgresql.INT4MULTIRANGE(),
        sa.ARRAY(postgresql.JSONB),
    ],
    ids=repr,
)
def test_types_without_a_kind_are_refused_by_name(column_type: sa.types.TypeEngine[Any]) -> None:
    table = sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("x", column_type))
    with pytest.raises(LookupError, match=r"t\.x"):
        rules_of(table)
