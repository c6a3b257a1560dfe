"""A type comes down to its variant for a database, and a decorator to the type that it wraps."""

import enum
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from rowferry.dictionary.rules import rules_of
from rowferry.kinds.choices import Choice
from rowferry.kinds.integers import INTEGER
from rowferry.kinds.registry import kind_of
from rowferry.kinds.texts import TEXT


class Name(TypeDecorator[str]):
    """As SQLModel wraps texts."""

    impl = sa.String
    cache_ok = True


class Code(TypeDecorator[Any]):
    """A number in one database and a text in others."""

    impl = sa.String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return sa.Integer() if dialect.name == "sqlite" else Name(7)


class Shouted(TypeDecorator[str]):
    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value and value.upper()


def test_a_variant_is_for_its_database_alone() -> None:
    varied = sa.Integer().with_variant(Name(20), "sqlite")
    assert [kind_of(varied, dialect)[0] for dialect in ("", "postgresql", "sqlite")] == [INTEGER, INTEGER, TEXT]


def test_a_decorator_counts_as_what_it_wraps() -> None:
    table = sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("x", Name(20)))
    rule = rules_of(table).by_name["x"]
    assert (rule.kind, rule.max_length) == (TEXT, 20)
    assert [kind_of(Code(), dialect)[0] for dialect in ("postgresql", "sqlite")] == [TEXT, INTEGER]


class Color(enum.Enum):
    RED = "r"
    CRIMSON = RED
    GREEN = "g"


@pytest.mark.parametrize(
    ("column_type", "among", "stored"),
    [
        (sa.Enum(Color), ("RED", "GREEN"), ["RED", "RED", "GREEN"]),
        (sa.Enum(Color, omit_aliases=False), ("RED", "CRIMSON", "GREEN"), ["RED", "RED", "GREEN"]),
        (postgresql.ENUM(Color, name="color"), ("RED", "GREEN"), ["RED", "RED", "GREEN"]),
        (sa.Enum(Color, values_callable=lambda them: [it.value for it in them]), ("r", "g"), ["r", "r", "g"]),
        (sa.Enum("RED", "GREEN"), ("RED", "GREEN"), [Color.RED, Color.CRIMSON, Color.GREEN]),
    ],
    ids=["class", "aliases", "postgresql", "values", "texts"],
)
def test_a_member_is_stored_as_sqlalchemy_stores_it(
    column_type: TypeEngine[Any], among: tuple[str, ...], stored: list[object]
) -> None:
    kind = kind_of(column_type)[0]
    assert isinstance(kind, Choice)
    assert kind.among == among
    assert [kind.default(member) for member in (Color.RED, Color.CRIMSON, Color.GREEN)] == stored


@pytest.mark.parametrize("column_type", [Shouted(), Code(), sa.PickleType()], ids=["changing", "unknown", "pickled"])
def test_a_decorator_whose_values_may_be_others_is_refused(column_type: TypeEngine[Any]) -> None:
    table = sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("x", column_type))
    with pytest.raises(LookupError, match=rf"t\.x: unsupported type {type(column_type).__name__}, a TypeDecorator"):
        rules_of(table)
