"""In what a database differs from the tables of the program, found by Alembic."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, func, select
from sqlalchemy.exc import SAWarning
from sqlalchemy.schema import BLANK_SCHEMA


def differences(connection: Connection, metadata: MetaData) -> list[str]:
    """What tables, columns, types and constraints of the program a database lacks or has otherwise, in words.

    What a database has beside them, such as tables and indexes of somebody else, is no difference.
    """
    schemas, here = {table.schema for table in metadata.tables.values()}, connection.dialect.default_schema_name
    if here and here in schemas:
        metadata = _without_schema(metadata, here)
    found = _differences(connection, metadata)
    if not found or schemas == {None}:
        return found
    # What the path finds, the database names without its schema, which then is a difference in the name alone.
    with _first_schema_alone(connection):
        again = _differences(connection, metadata)
    hidden = tuple(f"{name}{end}" for name in metadata.tables if _ABSENT.format(name) in again for end in (" ", "."))
    return [each for each in found if each in again or each.startswith(hidden)]


def _without_schema(metadata: MetaData, schema: str) -> MetaData:
    """The same tables, those of a schema without it."""
    found = MetaData(naming_convention=metadata.naming_convention)
    none, blank = cast("str", None), cast("str", BLANK_SCHEMA)
    for table in metadata.tables.values():
        copy = table.to_metadata(
            found,
            schema=none if table.schema == schema else cast("str", table.schema),
            referred_schema_fn=lambda _table, _to, _key, referred: blank if referred == schema else referred,
        )
        # By default, the name of an index is made of that of the schema, too.
        names = {tuple(index.columns.keys()): index.name for index in table.indexes if index.columns}
        for index in copy.indexes:
            index.name = names.get(tuple(index.columns.keys()), index.name)
    return found


@contextmanager
def _first_schema_alone(connection: Connection) -> Iterator[None]:
    """Let names of tables and types stand for those of the first schema alone, until the end."""
    before = connection.scalar(select(func.current_setting("search_path")))
    connection.execute(select(func.set_config("search_path", func.quote_ident(func.current_schema()), True)))
    yield
    connection.execute(select(func.set_config("search_path", before, True)))


def _differences(connection: Connection, metadata: MetaData) -> list[str]:
    known = {(table.schema, table.name) for table in metadata.tables.values()}
    schemas = {schema for schema, _ in known}

    def is_looked_at(name: str | None, kind: str, parents: Mapping[str, str | None]) -> bool:
        if kind == "schema":
            return name in schemas
        return kind != "table" or (parents["schema_name"], name) in known

    def is_ours(_thing: Any, _name: str | None, kind: str, reflected: bool, model: Any) -> bool:
        return not (reflected and model is None and kind in {"index", "unique_constraint", "foreign_key_constraint"})

    opts = {"include_name": is_looked_at, "include_object": is_ours, "include_schemas": True, "compare_type": True}
    context = MigrationContext.configure(connection, opts=opts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # of tables that refer to each other, which have no order
        compared = compare_metadata(context, metadata)
    return [_describe(difference) for found in compared for difference in _each(found)]


def _each(found: Any) -> list[Any]:
    """Changes of one column come as a list of their own."""
    return found if isinstance(found, list) else [found]


_ABSENT = "there is no table {}"

_IN_WORDS: dict[str, Callable[..., str]] = {
    "add_table": lambda table: _ABSENT.format(table.fullname),
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
