"""All kinds of values, a line each."""

from typing import Any

import pyarrow as pa
from sqlalchemy import types as sql

from rowferry.kinds.booleans import BOOLEAN
from rowferry.kinds.dates import DATE
from rowferry.kinds.datetimes import DATETIME
from rowferry.kinds.decimals import DECIMAL
from rowferry.kinds.floats import FLOAT
from rowferry.kinds.integers import INTEGER
from rowferry.kinds.kind import Kind
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
)

BY_NAME = {kind.name: kind for kind in KINDS}


def kind_of(column_type: sql.TypeEngine[Any]) -> tuple[Kind, pa.DataType]:
    """The kind and the Arrow type of a SQLAlchemy column type.

    Raises:
        LookupError: No kind covers the type.
    """
    for kind in KINDS:
        if isinstance(column_type, kind.sql_types):
            return kind, kind.arrow(column_type)
    raise LookupError(f"{column_type!r}: use a type for texts, numbers, booleans, dates, times or instants")
