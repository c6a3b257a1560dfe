"""In what a database differs from the tables of the program, found by Alembic."""

from collections.abc import Callable, Mapping
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData


def differences(connection: Connection, metadata: MetaData) -> list[str]:
    """What tables, columns, types and constraints of the program a database lacks or has otherwise, in words.

    What a database has beside them, such as tables and indexes of somebody else, is no difference.
    """
    default = connection.dialect.default_schema_name
    known = {(table.schema if table.schema != default else None, table.name) for table in metadata.tables.values()}
    schemas = {schema for schema, _ in known}

    def is_looked_at(name: str | None, kind: str, parents: Mapping[str, str | None]) -> bool:
        if kind == "schema":
            return name in schemas
        return kind != "table" or (parents["schema_name"], name) in known

    def is_ours(_thing: Any, _name: str | None, kind: str, reflected: bool, model: Any) -> bool:
        return not (reflected and model is None and kind in {"index", "unique_constraint", "foreign_key_constraint"})

    opts = {"include_name": is_looked_at, "include_object": is_ours, "include_schemas": True, "compare_type": True}
    context = MigrationContext.configure(connection, opts=opts)
    return [_describe(difference) for found in compare_metadata(context, metadata) for difference in _each(found)]


def _each(found: Any) -> list[Any]:
    """Changes of one column come as a list of their own."""
    return found if isinstance(found, list) else [found]


_IN_WORDS: dict[str, Callable[..., str]] = {
    "add_table": lambda table: f"there is no table {table.fullname}",
    "add_column": lambda schema, table, column: f"{_named(schema, table)} lacks the column {column.name}",
    "remove_column": lambda schema, table, column: f"{_named(schema, table)} also has the column {column.name}",
    "modify_type": lambda schema, table, column, _more, has, wanted: (
        f"{_named(schema, table)}.{column} is {has} instead of {wanted}"
    ),
    "modify_nullable": lambda schema, table, column, _more, is_null, _wanted: (
        f"{_named(schema, table)}.{column} {'may' if is_null else 'must not'} be null"
    ),
    "add_index": lambda index: f"{index.table.fullname} lacks the index on {_names(index.columns)}",
    "add_constraint": lambda rule: f"{rule.table.fullname} lacks a constraint on {_names(rule.columns)}",
    "add_fk": lambda rule: f"{rule.table.fullname} lacks a foreign key on {_names(rule.columns)}",
}


def _describe(found: tuple[Any, ...]) -> str:
    kind, *what = found
    return _IN_WORDS[kind](*what) if kind in _IN_WORDS else f"{kind}: {what}"


def _names(columns: Any) -> str:
    return ", ".join(column.name for column in columns)


def _named(schema: str | None, table: str) -> str:
    return ".".join(filter(None, (schema, table)))
