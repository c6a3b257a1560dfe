"""Which declared types of SQLite would change the values of a model's column without a word."""

import re

from sqlalchemy import Column

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
