"""Which types SQLite has, and which declared ones would change the values of a model's column without a word."""

import re
from collections.abc import Iterator

from sqlalchemy import ARRAY, Column, Dialect, Table
from sqlalchemy.exc import CompileError

from rowferry.kinds.kind import Affinity
from rowferry.kinds.registry import kind_of

DIALECT = "sqlite"
"""What SQLAlchemy calls it."""

_AFFINITIES: tuple[tuple[Affinity, re.Pattern[str]], ...] = (
    ("INTEGER", re.compile("INT")),
    ("TEXT", re.compile("CHAR|CLOB|TEXT")),
    ("BLOB", re.compile("BLOB|^$")),
    ("REAL", re.compile("REAL|FLOA|DOUB")),
)
"""What a declared type makes of values, by what its name has in it (https://www.sqlite.org/datatype3.html)."""


def affinity(declared: str) -> Affinity:
    """What SQLite makes of values in a column of a declared type."""
    return next((name for name, found in _AFFINITIES if found.search(declared.upper())), "NUMERIC")


def spoils_values(column: Column[object], declared: str) -> bool:
    """Whether values that a column of a model allows would be others in a column of a declared type."""
    try:
        return affinity(declared) in kind_of(column.type, DIALECT)[0].sqlite.spoiled_by
    except LookupError:  # the ledger has others, which nobody puts rows into
        return False


def quoted(name: str) -> str:
    """An identifier as it may stand in a statement."""
    return '"' + name.replace('"', '""') + '"'


def without_type(table: Table, dialect: Dialect) -> Iterator[str]:
    """The columns of a model whose types SQLite has not, each with what to do about it."""
    for column in table.columns:
        try:
            column.type.compile(dialect)
        except CompileError:
            variant = "JSON()" if isinstance(column.type, ARRAY) else "String()"
            advice = f"use one that every database has, or give it one here: .with_variant({variant}, 'sqlite')"
            yield f"{column}: SQLite has no type {column.type.__visit_name__}; {advice}"


def loose_keys(table: Table, exact: str) -> Iterator[str]:
    """The columns of the key of a model that have another collation than the exact one, and what to do about it."""
    for column in table.primary_key.columns:
        collation = getattr(column.type, "collation", None) or exact
        if collation.upper() != exact:
            reason = f"with the collation {collation} of {column}, SQLite treats different texts as the same key"
            yield f"{reason}; remove it"
