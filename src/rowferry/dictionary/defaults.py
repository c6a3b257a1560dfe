"""What fills a column that a row leaves out: nothing, the database, or what the model computes as SQLAlchemy would."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Sequence


@dataclass(frozen=True, eq=False)
class Default:
    """What fills a column that is left out, in `words`.

    `make` gives the value for each row, or `expression` does in SQL; where there is neither, the database fills it.
    A `sequence` is for databases that have some; in others, it is as if there were none.
    """

    words: str
    make: Callable[[], object] | None = None
    expression: ColumnElement[Any] | None = None
    sequence: bool = False

    @property
    def by_model(self) -> bool:
        """Whether the value is computed before the row goes in, because the database knows nothing of it."""
        return self.make is not None or self.expression is not None


def default_for(column: Column[Any]) -> Default | None:
    """What fills a column that is left out; None if it has to be given."""
    if column.default is not None:
        return _of_model(column.default)
    if column.identity is not None:
        return Default("numbered by the database")
    if column.server_default is not None:
        return Default("default of the database")
    if column is column.table.autoincrement_column:
        return Default("numbered by the database")
    return Default("null") if column.nullable and not column.primary_key else None


def _of_model(default: Any) -> Default | None:
    if isinstance(default, Sequence):
        expression = default.next_value()
        return Default(f"next of {default.name}", expression=expression, sequence=True)
    if default.is_clause_element:
        return Default(f"default {default.arg}", expression=default.arg)
    if default.is_callable:
        return None if _asks_for_context(default) else Default("default of the model", lambda: default.arg(None))
    return Default(f"default {default.arg!r}", lambda: default.arg)


def _asks_for_context(default: Any) -> bool:
    """Whether a function wants to know the statement that it is called for; SQLAlchemy wraps all others."""
    if hasattr(default.arg, "__wrapped__"):
        return False
    try:
        parameters = inspect.signature(default.arg).parameters.values()
    except (TypeError, ValueError):
        return True
    return any(p.default is p.empty and p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD} for p in parameters)
