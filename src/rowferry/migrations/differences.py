"""In what a database differs from the tables of the program, found by Alembic."""

from collections.abc import Callable
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData


def differences(connection: Connection, metadata: MetaData) -> list[str]:
    """What tables, columns, types and constraints of the program a database lacks or has otherwise, in words.

    What a database has beside them, such as tables and indexes of somebody else, is no difference.
    """
    known = set(metadata.tables)

    def is_ours(_thing: Any, name: str | None, kind: str, reflected: bool, model: Any) -> bool:
        if kind == "table":
            return name in known
        return not (reflected and model is None and kind in {"index", "unique_constraint", "foreign_key_constraint"})

    context = MigrationContext.configure(connection, opts={"include_object": is_ours, "compare_type": True})
    return [_describe(difference) for found in compare_metadata(context, metadata) for difference in _each(found)]


def _each(found: Any) -> list[Any]:
    """Changes of one column come as a list of their own."""
    return found if isinstance(found, list) else [found]


_IN_WORDS: dict[str, Callable[..., str]] = {
    "add_table": lambda table: f"there is no table {table.name}",
    "add_column": lambda _schema, table, column: f"{table} lacks the column {column.name}",
    "remove_column": lambda _schema, table, column: f"{table} also has the column {column.name}",
    "modify_type": lambda _schema, table, column, _more, has, wanted: f"{table}.{column} is {has} instead of {wanted}",
    "modify_nullable": lambda _schema, table, column, _more, is_null, _wanted: (
        f"{table}.{column} {'may' if is_null else 'must not'} be null"
    ),
    "add_index": lambda index: f"{index.table.name} lacks the index on {_names(index.columns)}",
    "add_constraint": lambda rule: f"{rule.table.name} lacks a constraint on {_names(rule.columns)}",
    "add_fk": lambda rule: f"{rule.table.name} lacks a foreign key on {_names(rule.columns)}",
}


def _describe(found: tuple[Any, ...]) -> str:
    kind, *what = found
    return _IN_WORDS[kind](*what) if kind in _IN_WORDS else f"{kind}: {what}"


def _names(columns: Any) -> str:
    return ", ".join(column.name for column in columns)
