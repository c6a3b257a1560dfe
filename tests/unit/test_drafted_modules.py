"""Modules of tables that are drafted: whatever their tables have, they are Python that makes the same again."""

import ast

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeEngine

from rowferry.drafts.draft import Draft, DraftTable
from rowferry.drafts.expressions import plain, type_of
from rowferry.drafts.module import module_text

TYPES = [
    sa.CHAR(3),
    sa.Enum("a", "it's", name="mood"),
    sa.JSON(),
    sa.NUMERIC(9, 2),
    sa.REAL(),
    sa.VARCHAR(9, collation="C"),
    postgresql.ARRAY(postgresql.TIMESTAMP(precision=3)),
    postgresql.BIT(3),
    postgresql.CITEXT(),
    postgresql.DOMAIN("positive", sa.INTEGER()),
    postgresql.DOUBLE_PRECISION(53),
    postgresql.ENUM("a", "b", name="mood"),
    postgresql.HSTORE(),
    postgresql.INET(),
    postgresql.INT4RANGE(),
    postgresql.INTERVAL(fields="DAY TO SECOND", precision=3),
    postgresql.JSON(),
    postgresql.JSONB(),
    postgresql.TIME(timezone=True, precision=3),
    postgresql.TIMESTAMP(timezone=True, precision=6),
    postgresql.UUID(),
    sqlite.JSON(),
]


@pytest.mark.parametrize("column_type", TYPES, ids=repr)
def test_a_type_is_made_again(column_type: TypeEngine[object]) -> None:
    wanted = plain(column_type)
    made = eval(type_of(wanted), {"sa": sa, "postgresql": postgresql, "sqlite": sqlite})
    assert repr(made) == repr(wanted)
    assert isinstance(made, type(wanted)) or type(made).__name__ == type(wanted).__name__


@pytest.mark.parametrize("title", ['"""', 'ends with "', "C:\\new\\users", "two\nlines", "\\"])
def test_a_title_of_any_letters_stands_in_a_docstring(title: str) -> None:
    table = DraftTable("ships", lambda: [sa.Column("id", sa.Integer, primary_key=True)], doc=title)
    module = ast.parse(module_text(Draft([table]), title))
    ships = module.body[-1]
    assert isinstance(ships, ast.ClassDef)
    assert ast.get_docstring(module) == ast.get_docstring(ships)
    assert (ast.get_docstring(module) or "").replace("'", '"') == " ".join(title.split())
