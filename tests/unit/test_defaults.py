"""What a model gives as a default is the value that SQLAlchemy would store, in rows and in the schema of a backup."""

import datetime as dt
import enum
import ipaddress
from decimal import Decimal
from typing import Any

import fastavro
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from rowferry.dictionary.avro_schema import avro_schema, default_of
from rowferry.dictionary.rules import TableRules, rules_of


class Word(enum.StrEnum):
    YES = "y"


class Old(str, enum.Enum):  # noqa: UP042  # as it was done before Python 3.11
    NO = "n"


class Level(enum.IntEnum):
    LOW = 1


class Color(enum.Enum):
    RED = "r"


EIGHT_IN_BERLIN = dt.datetime(2020, 1, 1, 8, tzinfo=dt.timezone(dt.timedelta(hours=1)))


def rules_with(column_type: TypeEngine[Any], default: object) -> TableRules:
    column = sa.Column("x", column_type, default=default, nullable=False)
    return rules_of(sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), column))


@pytest.mark.parametrize(
    ("column_type", "default", "text", "value"),
    [
        (sa.String(5), Word.YES, "y", "y"),
        (sa.String(5), Old.NO, "n", "n"),
        (sa.String(5), Color.RED, "RED", "RED"),
        (sa.Enum(Color), Color.RED, "RED", "RED"),
        (sa.Text(), 7, "7", "7"),
        (sa.Integer(), Level.LOW, "1", 1),
        (sa.Integer(), True, "1", 1),
        (sa.Integer(), 1.0, "1", 1),
        (sa.Boolean(), 0, "false", False),
        (sa.Boolean(), True, "true", True),
        (sa.Double(), Decimal("0.5"), "0.5", 0.5),
        (sa.Numeric(12, 2), 0.5, "0.5", Decimal("0.5")),
        (sa.Numeric(12, 2), "0.5", "0.5", Decimal("0.5")),
        (sa.Numeric(12, 2), 0.505, "0.505", None),
        (sa.Numeric(), 0, "0", "0"),
        (sa.Numeric(), Decimal("1.50"), "1.50", "1.50"),
        (sa.Date(), dt.datetime(2020, 1, 1, 3), "2020-01-01", dt.date(2020, 1, 1)),  # noqa: DTZ001
        (sa.DateTime(), dt.date(2020, 1, 1), "2020-01-01T00:00:00", dt.datetime(2020, 1, 1)),  # noqa: DTZ001
        (sa.DateTime(), EIGHT_IN_BERLIN, "2020-01-01T07:00:00", dt.datetime(2020, 1, 1, 7)),  # noqa: DTZ001
        (
            sa.DateTime(timezone=True),
            dt.date(2020, 1, 1),
            "2020-01-01T00:00:00",
            dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        ),
        (postgresql.INET(), ipaddress.ip_address("192.0.2.1"), "192.0.2.1", "192.0.2.1"),
        (sa.ARRAY(sa.LargeBinary), [b"x"], r'["\\x78"]', r'["\\x78"]'),
        (sa.ARRAY(sa.Date), [dt.date(2020, 1, 1)], '["2020-01-01"]', '["2020-01-01"]'),
        (sa.JSON(), sa.JSON.NULL, "null", "null"),
        (sa.ARRAY(sa.Enum(Old, name="old")), [Old.NO, None], '["NO", null]', '["NO", null]'),
        (sa.ARRAY(sa.Numeric(4, 1)), "{1,2.5}", '["1.0", "2.5"]', '["1.0", "2.5"]'),
        (sa.JSON(), {"since": dt.date(2020, 1, 1)}, '{"since": "2020-01-01"}', '{"since": "2020-01-01"}'),
    ],
    ids=repr,
)
def test_a_default_is_what_sqlalchemy_would_store(
    column_type: TypeEngine[Any], default: object, text: str, value: object
) -> None:
    rules = rules_with(column_type, default)
    rule = rules.by_name["x"]
    assert rule.kind.spell_default(default) == text
    assert default_of(rules, rule) == value
    assert type(default_of(rules, rule)) is type(value)
    assert ("default" in avro_schema(rules)["fields"][1]) is (value is not None)
    assert fastavro.parse_schema(avro_schema(rules))
