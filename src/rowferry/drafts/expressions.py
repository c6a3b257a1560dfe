"""Python expressions that make the same types, columns and constraints of SQLAlchemy again."""

import ast
import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeEngine

STEP = 4
WIDTH = 88
"""Longer lines are broken; it is what formatters allow unless asked otherwise."""

_PLAIN = {
    "BIGINT",
    "BLOB",
    "BOOLEAN",
    "BYTEA",
    "DATE",
    "DATETIME",
    "DECIMAL",
    "DOUBLE",
    "INTEGER",
    "JSON",
    "NUMERIC",
    "NVARCHAR",
    "SMALLINT",
    "TEXT",
    "TIME",
    "TIMESTAMP",
    "VARCHAR",
}
"""Types of databases for which SQLAlchemy has a type that means the same."""

_ROOMS = {"sa": sa, "postgresql": postgresql, "sqlite": sqlite}

_PYTHON = {
    "bool": "bool",
    "bytes": "bytes",
    "date": "dt.date",
    "datetime": "dt.datetime",
    "Decimal": "decimal.Decimal",
    "float": "float",
    "int": "int",
    "str": "str",
    "time": "dt.time",
    "timedelta": "dt.timedelta",
    "UUID": "uuid.UUID",
}


def plain(column_type: TypeEngine[Any]) -> TypeEngine[Any]:
    """The same type without what only one database calls it, where nothing is lost by that."""
    is_rounded = isinstance(column_type, sa.Time | sa.DateTime) and getattr(column_type, "precision", None) is not None
    if type(column_type).__name__ not in _PLAIN or is_rounded:
        return column_type
    return column_type.as_generic()


def python_type(column_type: TypeEngine[Any]) -> str:
    """What a value of a column is in Python, as an annotation says it."""
    try:
        found = column_type.python_type
    except NotImplementedError:
        return "Any"
    return _PYTHON.get(found.__name__, "Any")


def type_of(column_type: TypeEngine[Any]) -> str:
    """A type, such as `sa.String(80)`."""
    return _expression(ast.parse(repr(column_type), mode="eval").body)


def quoted(text: str) -> str:
    """A text as formatters spell it."""
    spelled = repr(text)
    return f'"{spelled[1:-1]}"' if spelled[0] == "'" and '"' not in spelled and "\\'" not in spelled else spelled


def condition(sql: str) -> str:
    """A condition or expression in SQL, in which SQLAlchemy sees no parameters."""
    return quoted(re.sub(r"(?<![:\w\\]):(?=\w+(?!:))", r"\\:", sql))


def up_to_its_end(sql: str) -> str:
    """An expression in SQL without what follows the parenthesis that closes it.

    SQLAlchemy takes that in where a table of SQLite is declared on one line: `n * 2) STORED, other TEXT AS (id`.
    """
    depth = 0
    for found in re.finditer(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\[[^]]*]|[()]", sql):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth < 0:
            return sql[: found.start()]
    return sql


@dataclass(frozen=True)
class Call:
    """A call that may stand within another one."""

    function: str
    arguments: Sequence["str | Call"]

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.arguments))})"

    def written(self, indent: int, before: int = 0, behind: int = 0) -> str:
        """On one line if it fits between what stands before and behind it, or else with a line for each argument."""
        if indent + before + len(str(self)) + behind <= WIDTH:
            return str(self)
        room = " " * indent
        inner = (written(argument, indent + STEP) for argument in self.arguments)
        return "\n".join([f"{self.function}(", *(f"{room}    {argument}," for argument in inner), f"{room})"])


def written(argument: "str | Call", indent: int) -> str:
    """An argument on a line, or lines, of its own, with a comma behind it."""
    return argument.written(indent, behind=1) if isinstance(argument, Call) else argument


def _expression(node: ast.expr) -> str:
    """A node of a repr, names of types led by where they are imported from."""
    match node:
        case ast.Call(func=ast.Name(id=name)):
            keywords = [f"{keyword.arg}={_expression(keyword.value)}" for keyword in node.keywords]
            if name in ("String", "VARCHAR", "CHAR") and keywords and keywords[0].startswith("length="):
                keywords[0] = keywords[0].removeprefix("length=")
            room = _room(name, {keyword.arg for keyword in node.keywords})
            return f"{room}.{name}({', '.join([*map(_expression, node.args), *keywords])})"
        case ast.Constant(value=str(text)):
            return quoted(text)
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return f"[{', '.join(map(_expression, elements))}]"
        case _:
            return ast.unparse(node)


def _room(name: str, said: set[str | None]) -> str:
    """Where a type is imported from: the first module whose type of this name takes all that is said of it."""
    made = ((room, getattr(module, name, None)) for room, module in _ROOMS.items())
    return next((room for room, known in made if known and _takes(known, said)), "sa")


def _takes(known: Callable[..., Any], said: set[str | None]) -> bool:
    parameters = inspect.signature(known).parameters
    return said.issubset(parameters) or any(each.kind is each.VAR_KEYWORD for each in parameters.values())
