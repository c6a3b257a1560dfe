"""Inputs that stand for kinds of files found in the field, and what is right for each of their rows."""

from pathlib import Path

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases"

TAKEN = {
    1: "2021-05-30T05:43:46", 2: "2021-05-30T00:13:46.123456", 4: "2021-05-30T05:43:46", 5: "2021-05-30T03:43:46",
    6: "2021-05-30T05:43:46", 7: "2021-05-30T05:43:46", 10: "2021-05-30T12:43:46", 16: "2021-05-30T05:43:46.500000",
    18: "2021-05-30T05:43:46", 20: "2021-05-30T05:43:46", 21: "2021-05-29T15:43:46", 22: "2021-05-29T13:44:46",
    24: "1890-05-30T04:50:18", 25: "2021-05-30T03:43:46", 29: "2021-05-30T05:43:00",
}  # fmt: skip
"""The rows of c15 that have an instant, and which."""

REFUSED = {
    3: ("value.type", "it has seven decimals; at most six can be stored"),
    8: ("value.type", "it names a time zone"),
    9: ("value.type", "it has nine decimals; at most six can be stored"),
    11: ("value.type", "month 00"),
    12: ("value.type", "must be a date and time in ISO 8601"),
    13: ("value.type", "must be a date and time in ISO 8601"),
    14: ("value.type", "must be a date and time in ISO 8601"),
    15: ("value.type", "must be a date and time in ISO 8601"),
    17: ("value.type", "T and Z must be capital letters"),
    19: ("value.type", "second 60"),
    23: ("value.type", "must be a date and time in ISO 8601"),
    26: ("value.type", "its minus sign is U+2212"),
    27: ("value.range", "must be in the years 1 to 9999"),
    28: ("value.range", "must be in the years 1 to 9999"),
    30: ("value.type", "must be a date and time in ISO 8601"),
}

PAY = {
    1: {"amount": "value.type"}, 2: {"amount": "value.type"}, 3: {}, 4: {}, 5: {},
    6: {"amount": "value.type", "active": "value.type", "born": "value.type"},
    7: {"amount": "value.type", "active": "value.type", "born": "value.type"},
    8: {"amount": "value.type", "born": "value.type"},
    9: {"active": "value.type", "born": "value.type"},
    10: {"amount": "value.type", "active": "value.type", "born": "value.type", "rate": "value.type"},
    11: {"amount": "value.type", "born": "value.type"},
    12: {"amount": "value.range"}, 13: {}, 14: {"amount": "value.range", "rate": "value.range"}, 15: {}, 16: {},
}  # fmt: skip
"""The faults of each row of c16."""
