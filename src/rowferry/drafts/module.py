"""Writes a module of tables: SQLAlchemy classes that linters and formatters leave alone."""

import keyword
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKeyConstraint, Table

from rowferry.drafts.draft import Draft, DraftTable
from rowferry.drafts.expressions import STEP, WIDTH, Call, condition, python_type, quoted, type_of, written

_TAKEN = {
    *("metadata", "registry", "sa", "postgresql", "sqlite", "dt", "decimal", "uuid", "Any", "Mapped", "mapped_column"),
    *("bool", "bytes", "float", "int", "str"),
}
"""Names that would hide others within a class."""

_IMPORTS = {
    "dt.": "import datetime as dt",
    "decimal.": "import decimal",
    "uuid.": "import uuid",
    "Any": "from typing import Any",
}


def module_text(draft: Draft, title: str) -> str:
    """The source of a module: a docstring, what is to be known, a base, and a class for each table.

    It is the same for the same draft. A table without a key is no class, but a Table.
    """
    metadata = draft.metadata()
    names = _class_names(draft.tables)
    written = [_table(table, metadata.tables[table.key], names[table.key]) for table in draft.tables]
    body = "\n\n".join(written)
    head = [f'"""{_within_quotes(title)}"""', "", *_comment(draft.notes)]
    sections = ["\n".join(head).rstrip() + "\n", _imports(body), _BASE, body]
    return "\n".join(section for section in sections if section)


_BASE = '''
class Base(DeclarativeBase):
    """The tables."""

'''


def _imports(body: str) -> str:
    plain = sorted(line for use, line in _IMPORTS.items() if re.search(rf"\b{re.escape(use)}", body))
    first = "\n".join(sorted(plain, key=lambda line: line.startswith("from")))
    rooms = [room for room in ("postgresql", "sqlite") if re.search(rf"\b{room}\.", body)]
    dialects = f"from sqlalchemy.dialects import {', '.join(rooms)}\n" if rooms else ""
    orm = ["DeclarativeBase", *(name for name in ("Mapped", "mapped_column") if re.search(rf"\b{name}\b", body))]
    third = f"import sqlalchemy as sa\n{dialects}from sqlalchemy.orm import {', '.join(orm)}\n"
    return f"{first}\n\n{third}" if first else third


def _comment(lines: Iterable[str], indent: int = 0) -> list[str]:
    room = " " * indent
    wrapped = (textwrap.wrap(" ".join(line.split()), 84 - indent, break_long_words=False) or [""] for line in lines)
    return [f"{room}# {line}" for line in chain.from_iterable(wrapped)]


def _class_names(tables: Sequence[DraftTable]) -> dict[str, str]:
    """A name for the class of each table: that of the table in capitals."""
    found: dict[str, str] = {}
    for table in tables:
        words = re.split(r"[\W_]+", table.key if table.schema else table.name)
        name = "".join(word[:1].upper() + word[1:] for word in words)
        name = name if name.isidentifier() and not keyword.iskeyword(name) else f"Table{name}"
        while name in found.values() or name in ("Base", "DeclarativeBase", *_TAKEN):
            name += "_"
        found[table.key] = name
    return found


def _table(draft: DraftTable, table: Table, name: str) -> str:
    if not table.primary_key.columns:
        left = f"{_variable(name)} = "
        return "\n".join([*_comment(draft.comments), f"{left}{_core(table, len(left))}", ""])
    lines = [*_comment(draft.comments), f"class {name}(Base):", f'    """{_doc(draft)}"""', ""]
    lines.append(f"    __tablename__ = {quoted(table.name)}")
    if arguments := _arguments(table):
        lines.append(f"    __table_args__ = {_tuple(arguments)}")
    lines.append("")
    for column, attribute in zip(table.columns, _attributes(table), strict=True):
        lines += _comment(draft.of_columns.get(column.name, ()), STEP)
        lines.append(f"    {_mapped(table, column, attribute)}")
    return "\n".join([*lines, ""])


def _doc(draft: DraftTable) -> str:
    return _within_quotes(draft.doc) or _within_quotes(f"A row of {draft.key}.")


def _within_quotes(text: str) -> str:
    """A text on one line as it may stand in a docstring."""
    text = " ".join(text.split()).replace("\\", "\\\\").replace('"""', "'''")
    return f"{text[:-1]}'" if text.endswith('"') else text


def _variable(name: str) -> str:
    return f"{name[:1].lower()}{name[1:]}_table"


def _core(table: Table, before: int) -> str:
    columns = [Call("sa.Column", [quoted(c.name), *_settings(table, c, nullable=True)]) for c in table.columns]
    return Call("sa.Table", [quoted(table.name), "Base.metadata", *columns, *_arguments(table)]).written(0, before)


def _tuple(arguments: Sequence[str | Call]) -> str:
    """A line for each argument; a single one is on the same line, if it fits there."""
    line = f"({arguments[0]},)"
    if len(arguments) == 1 and STEP + len("__table_args__ = ") + len(line) <= WIDTH:
        return line
    return "\n".join(["(", *(f"        {written(argument, 2 * STEP)}," for argument in arguments), "    )"])


def _attributes(table: Table) -> Iterator[str]:
    """A name in Python for each column: its own, if that can be."""
    used: set[str] = set()
    for column in table.columns:
        name = re.sub(r"\W", "_", column.name)
        name = name if name.isidentifier() and not name.startswith("_") else f"column_{name.lstrip('_')}"
        while keyword.iskeyword(name) or name in _TAKEN or name in used:
            name += "_"
        used.add(name)
        yield name


def _mapped(table: Table, column: Column[Any], attribute: str) -> str:
    optional = "" if column.primary_key or not column.nullable else " | None"
    left = f"{attribute}: Mapped[{python_type(column.type)}{optional}] = "
    settings = _settings(table, column)
    named = [] if attribute == column.name else [quoted(column.name)]
    return left + Call("mapped_column", [*named, *settings]).written(STEP, len(left))


def _settings(table: Table, column: Column[Any], *, nullable: bool = False) -> list[str | Call]:
    """What follows the name of a column: its type, where it refers to, and the rest."""
    found: list[str | Call] = [type_of(column.type), *(_reference(each) for each in _single_references(table, column))]
    if column.computed is not None:
        found.append(f"sa.Computed({condition(str(column.computed.sqltext))}, persisted={column.computed.persisted})")
    if column.identity is not None:
        found.append(f"sa.Identity(always={bool(column.identity.always)})")
    if column.primary_key:
        found.append("primary_key=True")
    if column.autoincrement is False:
        found.append("autoincrement=False")
    if nullable and not column.nullable:
        found.append("nullable=False")
    default = column.server_default
    if isinstance(default, sa.DefaultClause):
        found.append(f"server_default=sa.text({condition(str(default.arg))})")
    return [*found, f"doc={quoted(column.comment)}"] if column.comment else found


def _single_references(table: Table, column: Column[Any]) -> list[ForeignKeyConstraint]:
    found = [each for each in table.foreign_key_constraints if each.column_keys == [column.name]]
    return sorted(found, key=lambda each: each.elements[0].target_fullname)


def _reference(constraint: ForeignKeyConstraint) -> Call:
    return Call("sa.ForeignKey", [quoted(constraint.elements[0].target_fullname), *_name(constraint)])


def _name(constraint: Any) -> list[str]:
    return [f"name={quoted(str(constraint.name))}"] if constraint.name else []


def _arguments(table: Table) -> list[str | Call]:
    """The constraints and indexes of several columns, or with conditions, and the schema."""
    found: list[Call] = []
    for each in table.constraints:
        names = f"[{', '.join(quoted(column.name) for column in getattr(each, 'columns', ()))}]"
        if isinstance(each, ForeignKeyConstraint) and len(each.elements) > 1:
            targets = f"[{', '.join(quoted(element.target_fullname) for element in each.elements)}]"
            found.append(Call("sa.ForeignKeyConstraint", [names, targets, *_name(each)]))
        elif isinstance(each, sa.UniqueConstraint):
            columns = [quoted(column.name) for column in each.columns]
            found.append(Call("sa.UniqueConstraint", [*columns, *_name(each)]))
        elif isinstance(each, sa.CheckConstraint):
            found.append(Call("sa.CheckConstraint", [condition(str(each.sqltext)), *_name(each)]))
    indexes = [_index(each) for each in table.indexes]
    schema = [f'{{"schema": {quoted(table.schema)}}}'] if table.schema and table.primary_key.columns else []
    core = [f"schema={quoted(table.schema)}"] if table.schema and not schema else []
    return [*sorted(found, key=str), *sorted(indexes, key=str), *schema, *core]


def _index(index: sa.Index) -> Call:
    unique = ["unique=True"] if index.unique else []
    return Call("sa.Index", [quoted(str(index.name)), *(quoted(column.name) for column in index.columns), *unique])
