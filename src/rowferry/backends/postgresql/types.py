"""Which types of PostgreSQL keep the values of a model's column: binary COPY takes the bytes of another for its own."""

import re
from collections.abc import Iterator

from sqlalchemy import Column, Enum, Table, UniqueConstraint

from rowferry.backends.postgresql.plan import DIALECT
from rowferry.kinds.declared import variant_of
from rowferry.kinds.registry import kind_of
from rowferry.kinds.texts import CITEXT


def keeps_values(column: Column[object], column_type: str) -> bool:
    """Whether a type, as `format_type` spells it, keeps what a model's column allows, or says that it cannot."""
    try:
        kind, arrow = kind_of(column.type, DIALECT.name)
    except LookupError:  # the ledger has others, which nobody puts rows into
        return True
    return kind.kept_by_postgresql(column_type, arrow)


def unkept(column: Column[object], column_type: str, collation: str | None) -> str | None:
    """What keeps a column of the database from serving its model, as it stands behind its name; None if nothing does.

    `collation` is one that is not deterministic. By it, or in citext, different texts are the same; but where texts
    tell rows apart, the database must take none of them for another.
    """
    if column.computed is not None:
        return None
    if not keeps_values(column, column_type):
        return f"of type {column_type}"
    loose = column_type if re.fullmatch(CITEXT, column_type) else collation
    return f"by {loose}, which treats different texts as equal" if loose and _tells_rows_apart(column) else None


def nameless(table: Table) -> Iterator[str]:
    """The columns of a model whose types PostgreSQL could not make without a name, each with what to do about it."""
    for column in table.columns:
        declared = variant_of(column.type, DIALECT.name)
        values = getattr(declared, "item_type", declared)
        if isinstance(values, Enum) and values.native_enum and not values.name:
            yield (
                f"{column}: PostgreSQL makes a type for an Enum, which needs a name; give it one, as in "
                f"Enum(…, name={column.name!r}), or let it be a text, by native_enum=False"
            )


def _tells_rows_apart(column: Column[object]) -> bool:
    """Whether a column belongs to a key, to what is unique, or to a reference."""
    constraints = (given.columns for given in column.table.constraints if isinstance(given, UniqueConstraint))
    indexes = (index.columns for index in column.table.indexes if index.unique)
    unique = any(column.name in columns for columns in (*constraints, *indexes))
    return unique or column.primary_key or bool(column.foreign_keys)
