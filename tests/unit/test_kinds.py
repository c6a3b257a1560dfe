"""What texts mean: the grammar of each kind, and that the fast reader of columns never contradicts the judge."""

import datetime as dt
import struct
import uuid
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings, strategies as st
from sqlalchemy.dialects import postgresql

import oracle_values
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


INSTANT = dt.datetime(2021, 11, 7, 2, 48, 42, tzinfo=dt.UTC)
IDENTIFIER = uuid.UUID("0190a5e8-3c4d-7b2a-9f61-0d2f5c1b7a94")


def span(months: int, days: int, seconds: float) -> object:
    return pa.MonthDayNano([months, days, round(seconds * 1_000) * 1_000_000])


SHORT = struct.unpack("f", struct.pack("f", 0.1))[0]
RANGE, TYPE, LENGTH, REQUIRED = "value.range", "value.type", "value.length", "value.required"

EXAMPLES: list[tuple[str, str, object]] = [
    ("integer", "4", 4),
    ("integer", "+4", 4),
    ("integer", "-4", -4),
    ("integer", "-0", 0),
    ("integer", "007", 7),
    ("integer", "000000000000000000000000000000007", 7),
    ("integer", "2147483647", 2**31 - 1),
    ("integer", "-2147483648", -(2**31)),
    ("integer", "2147483648", RANGE),
    ("integer", "-2147483649", RANGE),
    ("integer", "9223372036854775808", RANGE),
    ("integer", "9" * 5_000, RANGE),
    ("bigint", "9223372036854775807", 2**63 - 1),
    ("bigint", "-9223372036854775808", -(2**63)),
    ("bigint", "9223372036854775808", RANGE),
    ("smallint", "32767", 32_767),
    ("smallint", "-32768", -32_768),
    ("smallint", "32768", RANGE),
    *[("integer", text, TYPE) for text in ("1.0", "1_000", "1e3", "true", " 1 ", "1 ", " 1", "+", "-", "--1", "+-1")],
    *[("integer", text, TYPE) for text in ("0x10", "1,000", "NaN", "٣", "１", "1\n", "²", "1\0", "None", "null", "−1")],
    *[("integer", text, REQUIRED) for text in ("", " ", "\t", "\u00a0", "\u3000", "\x1c", "\n", "\x85")],
    ("datetime", "2021-11-07T02:48:42Z", INSTANT),
    ("datetime", "2021-11-07 02:48:42", INSTANT),
    ("datetime", "2021-11-07T02:48:42", INSTANT),
    ("datetime", "2021-11-07T02:48:42+00:00", INSTANT),
    ("datetime", "2021-11-07T04:48:42+02:00", INSTANT),
    ("datetime", "2021-11-07T04:48:42+0200", INSTANT),
    ("datetime", "2021-11-07T04:48:42+02", INSTANT),
    ("datetime", "2021-11-06T21:18:42-05:30", INSTANT),
    ("datetime", "2021-11-07T02:48", INSTANT.replace(second=0)),
    ("datetime", "2021-11-07T02:48Z", INSTANT.replace(second=0)),
    ("datetime", "2021-11-07T02:48:42.5Z", INSTANT.replace(microsecond=500_000)),
    ("datetime", "2021-11-07T02:48:42.123456", INSTANT.replace(microsecond=123_456)),
    ("datetime", "2020-02-29T00:00Z", dt.datetime(2020, 2, 29, tzinfo=dt.UTC)),
    ("datetime", "0001-01-01T00:00:00Z", dt.datetime(1, 1, 1, tzinfo=dt.UTC)),
    ("datetime", "9999-12-31T23:59:59.999999Z", dt.datetime.max.replace(tzinfo=dt.UTC)),
    *[
        ("datetime", text, TYPE)
        for text in ("2021-11-07", "20211107", "1636253322", "today", "now", "infinity", "epoch")
    ],
    *[("datetime", f"2021-11-07T{time}", TYPE) for time in ("24:00", "24:00:00Z", "2:48", "02:60", "02:48:60", "02")],
    *[
        ("datetime", f"2021-11-07T02:48:42{rest}", TYPE)
        for rest in ("z", " UTC", "EST", "+24:00", "+01:60", "+1", "Z ")
    ],
    *[("datetime", f"2021-11-07T02:48:42{rest}", TYPE) for rest in (".", ".1234567", ",", "+02:", "[UTC]", "\n", "-")],
    *[
        ("datetime", f"2021-11-07T02:48:42{rest}", TYPE)
        for rest in (" Z", "  +02:00", "+02:00:60", "+2:00", " +02:00Z")
    ],
    *[("datetime", f"{start}T02:48:42Z", TYPE) for start in ("0000-00-00", "02021-11-07", "2021-02-29", "2021-13-01")],
    *[("datetime", f"{start}T02:48:42Z", RANGE) for start in ("0000-01-01", "10000-01-01", "294276-02-29")],
    ("datetime", "0044-03-15 02:48:42+00 BC", RANGE),
    ("datetime", "0000-03-15 02:48:42+00 BC", TYPE),
    ("datetime", "10000-01-01 00:30:00+01", dt.datetime(9999, 12, 31, 23, 30, tzinfo=dt.UTC)),
    ("datetime", "0001-12-31 23:30:00-01 BC", dt.datetime(1, 1, 1, 0, 30, tzinfo=dt.UTC)),
    ("datetime", "2021-11-06 21:52:40-04:56:02", INSTANT),
    ("datetime", "2021-11-06 21:52:40-045602", INSTANT),
    ("datetime", "2021-11-07 04:48:42.0000000 +02:00", INSTANT),
    ("datetime", f"2021-11-07T02:48:42,{'0' * 60}Z", INSTANT),
    ("datetime", "2021-11-07T02:48:42.500000000Z", INSTANT.replace(microsecond=500_000)),
    ("datetime", "2021-11-07T02:48:42,5Z", INSTANT.replace(microsecond=500_000)),
    ("datetime", "20211107T024842Z", INSTANT),
    ("datetime", "20211107 044842+02", INSTANT),
    ("datetime", "20211107T0248", INSTANT.replace(second=0)),
    ("datetime", "20211107T024842,123456", INSTANT.replace(microsecond=123_456)),
    *[("datetime", text, TYPE) for text in ("20211107T02:48:42Z", "2021-11-07T024842Z", "202111070248", "20211107T02")],
    *[
        ("datetime", f"{start}T02:48:42Z", TYPE)
        for start in ("21-11-07", "2021-11-7", "2021-311", "2021-W44-7", "-021-01-01")
    ],
    *[
        ("datetime", f"{start}T02:48:42Z", TYPE)
        for start in (" 2021-11-07", "+2021-11-07", "2021/11/07", "２021-11-07")
    ],
    *[
        ("datetime", text, TYPE)
        for text in ("2021-11-07t02:48Z", "2021-11-07  02:48", "2021-11-07_02:48", "1900-02-29T00:00")
    ],
    *[("datetime", text, RANGE) for text in ("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-00:01")],
    ("real", "0.1", SHORT),
    ("real", "-0.5e0", -0.5),
    ("real", "16777216", 2.0**24),
    ("real", "16777217", RANGE),
    ("real", "16777217.0", RANGE),
    ("real", "16777217e0", 2.0**24),
    ("real", "16777217.5", 2.0**24 + 2),
    ("real", "123456790000", 123456790528.0),
    ("real", "3.4028234e38", (2 - 2.0**-23) * 2.0**127),
    ("real", "3.5e38", RANGE),
    ("real", "1.4e-45", 2.0**-149),
    ("real", "1e-46", RANGE),
    ("real", "1.000000059604644775390625", 1.0),
    ("real", "1.000000059604644775390626", 1 + 2.0**-23),
    ("real", "1.00000017881393432617187499", 1 + 2.0**-23),
    *[("choice", text, text) for text in ("a", "b c", "1")],
    *[("choice", text, TYPE) for text in ("A", " a", "a ", "b", "b  c", "a, b c", "2")],
    *[("padded", text, "abc") for text in ("abc", "abc  ", "abc" + " " * 9)],
    ("padded", " abc", " abc"),
    ("padded", "abc\t ", "abc\t"),
    ("padded", "abcdef", LENGTH),
    ("padded", "     ", REQUIRED),
    ("long decimal", "9" * 70 + "." + "9" * 6, Decimal("9" * 70 + "." + "9" * 6)),
    ("long decimal", "-" + "9" * 70 + ".5", Decimal("-" + "9" * 70 + ".5")),
    ("long decimal", "9" * 71, RANGE),
    ("long decimal", "0.0000001", RANGE),
    ("exact", "1.00", "1.00"),
    ("exact", "+001.", "1"),
    ("exact", "-.50", "-0.50"),
    ("exact", "-0.0", "0.0"),
    ("exact", "1" * 200 + "." + "0" * 200, "1" * 200 + "." + "0" * 200),
    *[("exact", text, TYPE) for text in (".", "1e3", "NaN", "-Infinity", "1,5", "1_0", "0x1", " 1")],
    ("interval", "P1DT2H", span(0, 1, 7_200)),
    ("interval", "PT36H", span(0, 1, 43_200)),
    ("interval", "-PT1H", span(0, -1, 82_800)),
    ("interval", "P1D", span(0, 1, 0)),
    ("interval", "P1W1DT1M", span(0, 8, 60)),
    ("interval", "P1M", RANGE),
    ("interval", "P1Y", RANGE),
    ("interval", "P-1Y12M", span(0, 0, 0)),
    ("interval", "P2932897D", RANGE),
    ("interval", "PT70389527H", span(0, 2_932_896, 82_800)),
    ("interval", "PT70389528H", RANGE),
    ("interval", "P0DT36H", span(0, 0, 129_600)),
    ("interval", "P1DT-36H", span(0, 1, -129_600)),
    ("months", "P1Y2M3DT4H5M6.789S", span(14, 3, 14_706.789)),
    ("months", "-P1M-3DT-4H", span(-1, 3, 14_400)),
    ("months", "P-1MT36H", span(-1, 0, 129_600)),
    ("months", "P2147483648D", RANGE),
    ("months", "PT2562048H", RANGE),
    *[
        (kind, text, TYPE)
        for kind in ("interval", "months")
        for text in (
            "P",
            "PT",
            "P1",
            "1D",
            "P1DT",
            "P1.5D",
            "PT1.S",
            "P1D2M",
            "PT1M1H",
            "p1d",
            "1 day",
            "P1D ",
            "01:00",
        )
    ],
    ("local", "2021-11-07T02:48:42", INSTANT.replace(tzinfo=None)),
    ("local", "2021-11-07 02:48:42.5", INSTANT.replace(tzinfo=None, microsecond=500_000)),
    ("local", "20211107T024842", INSTANT.replace(tzinfo=None)),
    *[("local", f"2021-11-07T02:48:42{zone}", TYPE) for zone in ("Z", "+00", "-05:30", " +02:00", " UTC")],
    ("local", "0044-03-15 02:48:42 BC", RANGE),
    ("uuid", str(IDENTIFIER), IDENTIFIER),
    ("uuid", str(IDENTIFIER).upper(), IDENTIFIER),
    *[("uuid", text, TYPE) for text in (IDENTIFIER.hex, IDENTIFIER.urn, f"{{{IDENTIFIER}}}", f" {IDENTIFIER}")],
    *[("uuid", str(IDENTIFIER).replace(*one), TYPE) for one in (("-", "_"), ("0", "g"), ("0", "٠"))],
    ("bytes", r"\x", b""),
    ("bytes", r"\x00fF", b"\0\xff"),
    ("bytes", r"\x01020304", LENGTH),
    *[("bytes", text, TYPE) for text in (r"\X00", r"\x0", r"\x0g", "00", "AA==", r"\x00 ", "x00", "\\")],
    ("text", "abc", "abc"),
    ("text", " a ", " a "),
    ("text", "12345", "12345"),
    ("text", "123456", LENGTH),
    ("text", "ééééé", "ééééé"),
    ("text", "éééééé", LENGTH),
    ("text", "😀😀😀😀😀", "😀😀😀😀😀"),
    ("text", "e\u0301", "e\u0301"),
    ("text", "\u200b", "\u200b"),
    ("text", "\ufeff", "\ufeff"),
    ("text", "a\0b", TYPE),
    ("text", "\0", TYPE),
    ("text", "null", "null"),
    ("text", "a\nb", "a\nb"),
    *[("text", text, REQUIRED) for text in ("", " ", "   ", "\t\r\n", "\u2003", "\u2028", "\x1f", "      ")],
    ("long text", "x" * 100_000, "x" * 100_000),
    ("date", "2021-11-07", dt.date(2021, 11, 7)),
    ("date", "0001-01-01", dt.date(1, 1, 1)),
    *[
        ("date", text, TYPE)
        for text in ("20211107", "2021-02-29", "2021-11-07T00:00", "07.11.2021", "2021-W01-1", " 2021-11-07")
    ],
    ("boolean", "true", True),
    ("time", "02:48:42", dt.time(2, 48, 42)),
    ("time", "02:48", dt.time(2, 48)),
    ("time", "23:59:59.999999", dt.time.max),
    ("time", "02:48:42,5000000", dt.time(2, 48, 42, 500_000)),
    *[("time", text, TYPE) for text in ("24:00", "2:48", "02", "02:60", "02:48:60", "024842", "T02:48", "02:48:42Z")],
    *[("time", text, TYPE) for text in ("02:48:42.1234567", "02:48:42 PM", " 02:48", "02:48:42+02", "02:48:")],
    ("date", "9999-12-31", dt.date(9999, 12, 31)),
    *[("date", text, RANGE) for text in ("10000-01-01", "0000-01-01", "0044-03-15 BC", "5874897-12-31")],
    ("boolean", "FALSE", False),
    ("boolean", "t", True),
    ("boolean", "f", False),
    *[("boolean", text, TYPE) for text in ("1", "0", "yes", "tr", "True ", "on", "ƒ")],
    ("decimal", "1.50", Decimal("1.50")),
    ("decimal", "-1.5000", Decimal("-1.5")),
    ("decimal", "00000000000000000000000000000000000000001.5", Decimal("1.5")),
    ("decimal", "99999999.99", Decimal("99999999.99")),
    ("decimal", f"1.5{'0' * 60}", Decimal("1.5")),
    ("decimal", f"100.{'0' * 60}", Decimal(100)),
    ("decimal", f"0.{'0' * 60}", Decimal(0)),
    ("decimal", "100000000", RANGE),
    ("decimal", "0.001", RANGE),
    ("decimal", "9" * 60, RANGE),
    ("decimal", "0." + "1" * 60, RANGE),
    ("big decimal", "9" * 32 + "." + "9" * 6, Decimal("9" * 32 + "." + "9" * 6)),
    ("big decimal", "9" * 32 + "." + "9" * 7, RANGE),
    ("decimal", ".5", Decimal("0.5")),
    ("decimal", "-.50000", Decimal("-0.5")),
    ("decimal", "5.", Decimal(5)),
    ("decimal", ".0", Decimal(0)),
    ("big decimal", "9" * 32 + ".", Decimal("9" * 32)),
    *[("decimal", text, TYPE) for text in (".", "-.", "1.e3", "1e3", "NaN", "Infinity", "1,5", "1_0.5", "$1", "+-1")],
    ("float", "1.5e3", 1500.0),
    ("float", "-0.25", -0.25),
    ("float", "1e309", RANGE),
    ("float", "1e-400", RANGE),
    ("float", f"0.{'0' * 400}1", RANGE),
    ("float", "0e-400", 0.0),
    ("float", "5e-324", 5e-324),
    ("float", ".5", 0.5),
    ("float", "1.", 1.0),
    ("float", "-.5E-1", -0.05),
    ("float", "0.1000000000000000000001", 0.1),
    ("float", "9007199254740992", 2.0**53),
    ("float", "9007199254740993", RANGE),
    ("float", "-9007199254740993.00", RANGE),
    ("float", "9007199254740993e0", 2.0**53),
    ("float", "9007199254740993.5", 2.0**53 + 2),
    ("float", "1152921504606846976", 2.0**60),
    ("float", "1152921504606847000", 2.0**60),
    ("float", "1152921504606847001", RANGE),
    ("float", "1" * 400, RANGE),
    *[("float", text, TYPE) for text in ("nan", "inf", ".", "+.e1", "0x1p3", "1e", "1e1.5", "infinity")],
]


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


@settings(max_examples=60, deadline=None)
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


@settings(max_examples=60, deadline=None)
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
    ],
    ids=repr,
)
def test_types_without_a_kind_are_refused_by_name(column_type: sa.types.TypeEngine[Any]) -> None:
    table = sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("x", column_type))
    with pytest.raises(LookupError, match=r"t\.x"):
        rules_of(table)
