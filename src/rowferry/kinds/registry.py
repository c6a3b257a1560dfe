"""All kinds of values, a line each."""

import pyarrow as pa
from sqlalchemy.types import TypeDecorator

from rowferry.kinds.arrays import ARRAY, array_of
from rowferry.kinds.binaries import BINARY
from rowferry.kinds.booleans import BOOLEAN
from rowferry.kinds.choices import CHOICE
from rowferry.kinds.dates import DATE
from rowferry.kinds.datetimes import DATETIME
from rowferry.kinds.decimals import DECIMAL
from rowferry.kinds.declared import Type, variant_of, wrapped_by
from rowferry.kinds.exact_numbers import EXACT
from rowferry.kinds.floats import FLOAT
from rowferry.kinds.integers import INTEGER
from rowferry.kinds.intervals import CALENDAR_INTERVAL, INTERVAL
from rowferry.kinds.json_binary import JSONB
from rowferry.kinds.json_texts import JSON
from rowferry.kinds.kind import Kind
from rowferry.kinds.local_datetimes import LOCAL_DATETIME
from rowferry.kinds.networks import CIDR, INET, MAC, MAC8
from rowferry.kinds.padded_texts import PADDED_TEXT
from rowferry.kinds.ranges import RANGES
from rowferry.kinds.reals import REAL
from rowferry.kinds.texts import TEXT
from rowferry.kinds.times import TIME
from rowferry.kinds.uuids import UUIDS

KINDS: tuple[Kind, ...] = (
    BOOLEAN,
    INTEGER,
    REAL,
    FLOAT,  # before decimals, since to SQLAlchemy a Float is a Numeric
    DECIMAL,
    EXACT,  # behind decimals, which are those that have a precision
    DATETIME,
    LOCAL_DATETIME,  # behind instants, which are those with a time zone
    DATE,
    TIME,
    INTERVAL,
    CALENDAR_INTERVAL,
    UUIDS,
    BINARY,
    CHOICE,  # before texts, since to SQLAlchemy an Enum is a String
    PADDED_TEXT,  # the same of CHAR
    TEXT,
    JSONB,  # before JSON, since to SQLAlchemy it is one
    JSON,
    ARRAY,
    INET,
    CIDR,
    MAC,
    MAC8,
    RANGES[0],
)

BY_NAME = {kind.name: kind for kind in (*KINDS, *RANGES)}


def kind_of(column_type: Type, dialect: str = "") -> tuple[Kind, pa.DataType]:
    """The kind and the Arrow type of a SQLAlchemy column type, as it is for a database of a dialect.

    Raises:
        LookupError: No kind covers the type.
    """
    kind, served = served_by(column_type, dialect)
    return kind, kind.arrow(served)


def served_by(column_type: Type, dialect: str = "") -> tuple[Kind, Type]:
    """The kind of a column type, and the type that it comes down to.

    Raises:
        LookupError: No kind covers the type.
    """
    found = variant_of(column_type, dialect)
    for kind in KINDS:
        if kind.covers(found, dialect):
            return _fully_known(kind.of(found), found, dialect), found
    if isinstance(found, TypeDecorator):
        return served_by(wrapped_by(found, dialect), dialect)
    raise LookupError(
        f"{column_type!r}: use a type for texts, numbers, booleans, dates, times, instants, intervals, UUIDs, bytes or "
        "JSON, or let the database generate the column (Computed)"
    )


def _fully_known(kind: Kind, column_type: Type, dialect: str) -> Kind:
    """A kind as far as its type says more of it, and the database does."""
    if isinstance(column_type, ARRAY.sql_types):
        element, served = served_by(column_type.item_type, dialect)
        return array_of(element, element.arrow(served), getattr(served, "length", None))
    return kind.in_database(dialect)
