"""Of each kind: columns, values, and texts that are none; test_every_kind takes all of them through everything."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from rowferry.kinds.arrays import ARRAY
from rowferry.kinds.binaries import BINARY
from rowferry.kinds.booleans import BOOLEAN
from rowferry.kinds.choices import CHOICE
from rowferry.kinds.dates import DATE
from rowferry.kinds.datetimes import DATETIME
from rowferry.kinds.decimals import DECIMAL
from rowferry.kinds.exact_numbers import EXACT
from rowferry.kinds.floats import FLOAT
from rowferry.kinds.integers import INTEGER
from rowferry.kinds.intervals import CALENDAR_INTERVAL, INTERVAL
from rowferry.kinds.json_binary import JSONB
from rowferry.kinds.json_texts import JSON as JSON_TEXT
from rowferry.kinds.kind import Kind
from rowferry.kinds.local_datetimes import LOCAL_DATETIME
from rowferry.kinds.networks import CIDR, INET, MAC, MAC8
from rowferry.kinds.padded_texts import PADDED_TEXT
from rowferry.kinds.ranges import RANGES
from rowferry.kinds.reals import REAL
from rowferry.kinds.texts import TEXT
from rowferry.kinds.times import TIME
from rowferry.kinds.uuids import UUIDS


class Spelled(str):
    """A text that is the same as anything which is spelled so."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other)

    __hash__ = str.__hash__


@dataclass(frozen=True)
class KindValues:
    """`column` is the type in a model, `schema` what the API document says of it.

    `good` are texts, the values that they mean, and these in JSON; `faulty` are texts, and the codes of their faults.
    """

    column: str
    schema: dict[str, str]
    good: tuple[tuple[str, Any, object], ...]
    faulty: tuple[tuple[str, str], ...]
    everywhere: bool = True
    """Whether SQLite has such a type, too."""
    is_text_in_json: bool = True
    """A text in JSON means what it means in a file."""


shown = dt.datetime.fromisoformat

_UUID = UUID("0190a5e8-3c4d-7b2a-9f61-0d2f5c1b7a94")

KIND_VALUES: dict[Kind, KindValues] = {
    BOOLEAN: KindValues(
        "Boolean()",
        {"type": "boolean"},
        (("true", True, True), ("F", False, False), ("False", False, False)),
        (("yes", "value.type"), ("1", "value.type")),
    ),
    INTEGER: KindValues(
        "BigInteger()",
        {"type": "integer"},
        (("7", 7, 7), ("+007", 7, 7), ("-9223372036854775808", -(2**63), -(2**63))),
        (("1.0", "value.type"), ("9223372036854775808", "value.range")),
    ),
    FLOAT: KindValues(
        "Double()",
        {"type": "number"},
        (("0.1", 0.1, 0.1), ("-1e-300", -1e-300, -1e-300), ("1152921504606846976", 2.0**60, 2.0**60)),
        (("nan", "value.type"), ("1e400", "value.range"), ("9007199254740993", "value.range")),
    ),
    REAL: KindValues(
        "REAL()",
        {"type": "number"},
        (
            ("0.5", 0.5, 0.5),
            ("-9.765625e-4", -(2.0**-10), -(2.0**-10)),
            ("16777216", 2.0**24, 2.0**24),
        ),
        (("nan", "value.type"), ("1e400", "value.range"), ("9007199254740993", "value.range")),
    ),
    DECIMAL: KindValues(
        "Numeric(12, 2)",
        {"type": "number"},
        (("12.50", Decimal("12.50"), "12.50"), ("-.5", Decimal("-0.5"), "-0.50"), ("7", Decimal(7), "7.00")),
        (("1e3", "value.type"), ("0.001", "value.range"), ("12345678901", "value.range")),
    ),
    EXACT: KindValues(
        "Numeric()",
        {"type": "number"},
        (
            ("007.10", Decimal("7.10"), "7.10"),
            ("-.5", Decimal("-0.5"), "-0.5"),
            ("9" * 90 + "." + "0" * 40, Decimal("9" * 90 + "." + "0" * 40), "9" * 90 + "." + "0" * 40),
            ("-0.00", Decimal("0.00"), "0.00"),
            ("0.0000001", Decimal("0.0000001"), "0.0000001"),
            ("-12345678.000012", Decimal("-12345678.000012"), "-12345678.000012"),
        ),
        (
            ("NaN", "value.type"),
            ("1e3", "value.type"),
            ("Infinity", "value.type"),
            ("0." + "1" * 16_384, "value.range"),
        ),
        everywhere=False,
    ),
    DATETIME: KindValues(
        "DateTime(timezone=True)",
        {"type": "string", "format": "date-time"},
        (
            ("2021-11-07T02:48:42Z", dt.datetime(2021, 11, 7, 2, 48, 42, tzinfo=dt.UTC), "2021-11-07T02:48:42Z"),
            ("2020-02-29 01:00+01", dt.datetime(2020, 2, 29, tzinfo=dt.UTC), "2020-02-29T00:00:00Z"),
            ("0001-01-01T00:00:00.5", dt.datetime(1, 1, 1, 0, 0, 0, 500_000, dt.UTC), "0001-01-01T00:00:00.500000Z"),
        ),
        (("2021-11-07", "value.type"), ("0044-03-15 02:48:42+00 BC", "value.range")),
    ),
    DATE: KindValues(
        "Date()",
        {"type": "string", "format": "date"},
        (
            ("2021-11-07", dt.date(2021, 11, 7), "2021-11-07"),
            ("2020-02-29", dt.date(2020, 2, 29), "2020-02-29"),
            ("0001-01-01", dt.date(1, 1, 1), "0001-01-01"),
        ),
        (("07.11.2021", "value.type"), ("10000-01-01", "value.range")),
    ),
    TIME: KindValues(
        "Time()",
        {"type": "string", "format": "time"},
        (
            ("02:48:42", dt.time(2, 48, 42), "02:48:42"),
            ("23:59:59,999999000", dt.time.max, "23:59:59.999999"),
            ("00:00", dt.time(0), "00:00:00"),
        ),
        (("24:00:00", "value.type"), ("02:48:42+02", "value.type")),
    ),
    LOCAL_DATETIME: KindValues(
        "DateTime()",
        {"type": "string"},
        (
            ("2021-11-07T02:48:42", shown("2021-11-07T02:48:42"), "2021-11-07T02:48:42"),
            ("2020-02-29 01:00", shown("2020-02-29T01:00:00"), "2020-02-29T01:00:00"),
            ("0001-01-01T00:00:00.5", shown("0001-01-01T00:00:00.500000"), "0001-01-01T00:00:00.500000"),
            ("99991231T235959,999999", shown("9999-12-31T23:59:59.999999"), "9999-12-31T23:59:59.999999"),
        ),
        (
            ("2021-11-07", "value.type"),
            ("2021-11-07T02:48:42Z", "value.type"),
            ("2021-11-07 02:48:42+02", "value.type"),
            ("0044-03-15 02:48:42 BC", "value.range"),
        ),
    ),
    INTERVAL: KindValues(
        "Interval()",
        {"type": "string", "format": "duration"},
        (
            ("P1DT2H30M", dt.timedelta(days=1, hours=2, minutes=30), "P1DT2H30M"),
            ("PT36H", dt.timedelta(hours=36), "P1DT12H"),
            ("-PT0.000001S", dt.timedelta(microseconds=-1), "P-1DT23H59M59.999999S"),
            ("P2932896DT86399,999999S", dt.timedelta(2_932_896, 86_399, 999_999), "P2932896DT23H59M59.999999S"),
            ("PT0S", dt.timedelta(0), "PT0S"),
            ("P1W", dt.timedelta(weeks=1), "P7D"),
        ),
        (
            ("1 day", "value.type"),
            ("P", "value.type"),
            ("P1DT", "value.type"),
            ("PT0.0000001S", "value.type"),
            ("P1M", "value.range"),
            ("P2932897D", "value.range"),
        ),
    ),
    CALENDAR_INTERVAL: KindValues(
        "postgresql.INTERVAL()",
        {"type": "string", "format": "duration"},
        (
            ("P1DT2H30M", dt.timedelta(days=1, hours=2, minutes=30), "P1DT2H30M"),
            ("P-2DT1.5S", dt.timedelta(days=-2, seconds=1.5), "P-2DT1.5S"),
        ),
        (("1 mon", "value.type"), ("P2147483648D", "value.range"), ("PT9223372036.854775S1", "value.type")),
        everywhere=False,
    ),
    UUIDS: KindValues(
        "Uuid()",
        {"type": "string", "format": "uuid"},
        (
            ("0190a5e8-3c4d-7b2a-9f61-0d2f5c1b7a94", _UUID, "0190a5e8-3c4d-7b2a-9f61-0d2f5c1b7a94"),
            ("0190A5E8-3C4D-7B2A-9F61-0D2F5C1B7A94", _UUID, "0190a5e8-3c4d-7b2a-9f61-0d2f5c1b7a94"),
            ("00000000-0000-0000-0000-000000000000", UUID(int=0), "00000000-0000-0000-0000-000000000000"),
        ),
        (
            ("0190a5e83c4d7b2a9f610d2f5c1b7a94", "value.type"),
            ("{0190a5e8-3c4d-7b2a-9f61-0d2f5c1b7a94}", "value.type"),
            ("0190a5e8-3c4d-7b2a-9f61-0d2f5c1b7a9g", "value.type"),
            ("0190a5e8-3c4d-7b2a-9f610-d2f5c1b7a94", "value.type"),
        ),
    ),
    BINARY: KindValues(
        "LargeBinary(4)",
        {"type": "string"},
        (
            (r"\xDEADbeef", b"\xde\xad\xbe\xef", r"\xdeadbeef"),
            (r"\x", b"", r"\x"),
            (r"\x00ff0a", b"\0\xff\n", r"\x00ff0a"),
        ),
        (
            ("3q2+7w==", "value.type"),
            ("deadbeef", "value.type"),
            (r"\xabc", "value.type"),
            (r"\x0102030405", "value.length"),
        ),
    ),
    CHOICE: KindValues(
        "Enum('red', 'green', 'very red', name='color')",
        {"type": "string"},
        (("red", "red", "red"), ("green", "green", "green"), ("very red", "very red", "very red")),
        (("Red", "value.type"), ("blue", "value.type"), ("red ", "value.type")),
    ),
    PADDED_TEXT: KindValues(
        "CHAR(4)",
        {"type": "string"},
        (("abcd", "abcd", "abcd"), ("ab", "ab  ", "ab"), (" b      ", " b  ", " b")),
        (("abcde", "value.length"), ("     ", "value.required")),
    ),
    ARRAY: KindValues(
        "ARRAY(Integer).with_variant(JSON(), 'sqlite')",
        {},
        (
            ("[1, null, -3]", [1, None, -3], [1, None, -3]),
            ("[]", [], []),
            ("[[1, 2], [3, 4]]", [[1, 2], [3, 4]], [[1, 2], [3, 4]]),
        ),
        (("[1", "value.type"), ("[NaN]", "value.type"), ("[1,]", "value.type")),
        is_text_in_json=False,
    ),
    INET: KindValues(
        "INET().with_variant(String(49), 'sqlite')",
        {"type": "string"},
        tuple((text, Spelled(text), text) for text in ("192.0.2.1", "192.0.2.1/24", "2001:db8::1/64")),
        (),
        is_text_in_json=False,
    ),
    CIDR: KindValues(
        "CIDR().with_variant(String(49), 'sqlite')",
        {"type": "string"},
        tuple((text, Spelled(text), text) for text in ("192.0.2.0/24", "192.0.2.1/32", "2001:db8::/32", "::/0")),
        (),
        is_text_in_json=False,
    ),
    MAC: KindValues(
        "MACADDR().with_variant(String(17), 'sqlite')",
        {"type": "string"},
        (("08:00:2b:01:02:03", "08:00:2b:01:02:03", "08:00:2b:01:02:03"),),
        (),
        is_text_in_json=False,
    ),
    MAC8: KindValues(
        "MACADDR8().with_variant(String(23), 'sqlite')",
        {"type": "string"},
        (("08:00:2b:01:02:03:04:05", "08:00:2b:01:02:03:04:05", "08:00:2b:01:02:03:04:05"),),
        (),
        is_text_in_json=False,
    ),
    RANGES[0]: KindValues(
        "DATERANGE().with_variant(String(40), 'sqlite')",
        {"type": "string"},
        tuple((text, Spelled(text), text) for text in ("[2021-11-07,2021-11-10)", "(,2021-11-10)", "empty")),
        (),
        is_text_in_json=False,
    ),
    JSON_TEXT: KindValues(
        "JSON()",
        {},
        (
            ('{"a": [1.0, null, "\u00e9"]}', {"a": [1.0, None, "\u00e9"]}, {"a": [1.0, None, "\u00e9"]}),
            ('"x"', "x", "x"),
            ('[18446744073709551616,  1e3, {"": true}]', [2**64, 1000.0, {"": True}], [2**64, 1000.0, {"": True}]),
            ("-7", -7, -7),
        ),
        (
            ("{a: 1}", "value.type"),
            ('{"a": 1, "a": 1}', "value.type"),
            ('["\\ud800"]', "value.type"),
            ("[NaN]", "value.type"),
            ("[" * 100_000, "value.type"),
        ),
        is_text_in_json=False,
    ),
    JSONB: KindValues(
        "JSONB()",
        {},
        (
            ('{"b": 1.0, "aa": null}', {"b": 1.0, "aa": None}, {"b": 1.0, "aa": None}),
            ('"x"', "x", "x"),
            ("[18446744073709551616, 0.1]", [2**64, 0.1], [2**64, 0.1]),
            ("false", False, False),
        ),
        (('{"a": 1, "a": 1}', "value.type"), ('["\\u0000"]', "value.type"), ("[1e999999]", "value.range")),
        is_text_in_json=False,
    ),
    TEXT: KindValues(
        "String(20)",
        {"type": "string"},
        (("abc", "abc", "abc"), (" Zo\u00eb \u2603", " Zo\u00eb \u2603", " Zo\u00eb \u2603"), ("007", "007", "007")),
        (("x" * 21, "value.length"), (" ", "value.required")),
    ),
}

LONG_DECIMALS = KindValues(
    "Numeric(76, 30)",
    {"type": "number"},
    (
        ("9" * 46 + "." + "9" * 30, Decimal("9" * 46 + "." + "9" * 30), "9" * 46 + "." + "9" * 30),
        ("-" + "9" * 46 + "." + "9" * 30, Decimal("-" + "9" * 46 + "." + "9" * 30), "-" + "9" * 46 + "." + "9" * 30),
        ("-.5", Decimal("-0.5"), "-0.5" + "0" * 29),
        ("0", Decimal(0), "0." + "0" * 30),
    ),
    (("NaN", "value.type"), ("1" * 47, "value.range"), ("0." + "1" * 31, "value.range")),
    everywhere=False,
)
"""Of a type whose values take 256 bits."""
