"""All kinds of values, a line each."""

import pyarrow as pa
from sqlalchemy.types import TypeDecorator

from rowferry.kinds.arrays import ARRAY, array_of
from rowferry.kinds.booleans import BOOLEAN
from rowferry.kinds.dates import DATE
from rowferry.kinds.datetimes import DATETIME
from rowferry.kinds.decimals import DECIMAL
from rowferry.kinds.declared import Type, variant_of, wrapped_by
from rowferry.kinds.floats import FLOAT
from rowferry.kinds.integers import INTEGER
from rowferry.kinds.json_binary import JSONB
from rowferry.kinds.json_texts import JSON
from rowferry.kinds.kind import Kind
from rowferry.kinds.networks import CIDR, INET, MAC
from rowferry.kinds.texts import TEXT
from rowferry.kinds.times import TIME

KINDS: tuple[Kind, ...] = (
    BOOLEAN,
    INTEGER,
    FLOAT,  # before decimals, since to SQLAlchemy a Float is a Numeric
    DECIMAL,
    DATETIME,
    DATE,
    TIME,
    TEXT,
    JSONB,  # before JSON, since to SQLAlchemy it is one
    JSON,
    ARRAY,
    INET,
    CIDR,
    MAC,
)

BY_NAME = {kind.name: kind for kind in KINDS}


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
        if isinstance(found, kind.sql_types):
            return _fully_known(kind, found, dialect), found
    if isinstance(found, TypeDecorator):
        return served_by(wrapped_by(found, dialect), dialect)
    raise LookupError(
        f"{column_type!r}: use a type for texts, numbers, booleans, dates, times, instants or JSON, or let the "
        "database generate the column (Computed)"
    )


def _fully_known(kind: Kind, column_type: Type, dialect: str) -> Kind:
    """A kind as far as its type says more of it, and the database does."""
    if isinstance(column_type, ARRAY.sql_types):
        element, served = served_by(column_type.item_type, dialect)
        return array_of(element, element.arrow(served), getattr(served, "length", None))
    return kind.in_database(dialect)
