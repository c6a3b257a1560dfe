"""Values that a database computes for rows which are not there yet: the defaults of a model that are written in SQL."""

from typing import Any

from sqlalchemy import Column, ColumnElement, Engine, SelectBase, literal, select, type_coerce


def computed(engine: Engine, column: Column[Any], expression: ColumnElement[Any], count: int) -> list[object]:
    """The value of an expression for so many new rows of a column, computed for each of them."""
    number = select(literal(1).label("number")).cte("rowferry_numbers", recursive=True)
    rows = number.union_all(select(number.c.number + 1).where(number.c.number < count))
    value = expression.scalar_subquery() if isinstance(expression, SelectBase) else expression
    with engine.connect() as connection, connection.begin():
        return list(connection.scalars(select(type_coerce(value, column.type)).select_from(rows)))
