"""What a type that a model declares comes down to in a database: its variant for it, and what a decorator wraps."""

from functools import cache
from typing import Any

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

Type = TypeEngine[Any]

_CHANGING = (
    "process_bind_param",
    "process_result_value",
    "bind_processor",
    "result_processor",
    "bind_expression",
    "column_expression",
)
"""What a decorator overrides if the database holds other values than the application."""


def variant_of(column_type: Type, dialect: str) -> Type:
    """The type that a model has for a database of this dialect, by `with_variant`; of a domain what it is over."""
    found: Type = column_type._variant_mapping.get(dialect, column_type)  # noqa: SLF001  # docs/reference/private-interfaces.md
    while isinstance(found, DOMAIN):
        found = found.data_type
    return found


def wrapped_by(decorator: TypeDecorator[Any], dialect: str) -> Type:
    """The type that a decorator wraps, whose values are the same.

    Raises:
        LookupError: The values of the decorator are others, or may be.
    """
    name = type(decorator).__name__
    if changing := [each for each in _CHANGING if _overrides(decorator, each)]:
        raise LookupError(
            f"{name}, a TypeDecorator whose {changing[0]} changes values on their way to the database; use the type "
            "that it wraps, and convert values in the application"
        )
    if not _overrides(decorator, "load_dialect_impl"):
        return decorator.impl_instance
    if not dialect:
        raise LookupError(f"{name}, a TypeDecorator that is known for a database only")
    return decorator.load_dialect_impl(_dialect(dialect))


def _overrides(decorator: TypeDecorator[Any], method: str) -> bool:
    return getattr(type(decorator), method) is not getattr(TypeDecorator, method)


@cache
def _dialect(name: str) -> Dialect:
    found: Dialect = registry.load(name)()
    return found
