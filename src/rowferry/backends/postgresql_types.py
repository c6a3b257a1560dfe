"""Which types of PostgreSQL would change the values of a model's column without a word."""

import re

from sqlalchemy import Column

from rowferry.dictionary.kinds import DATE, DATETIME, DECIMAL, FLOAT, TEXT, kind_of

_SPOILED_BY = {
    DATETIME: re.compile(r"timestamp\([0-5]\).*|time( .*|\(.*)?|date"),
    DATE: re.compile(r"timestamp.*"),
    FLOAT: re.compile(r"(real|smallint|integer|bigint|numeric.*)"),
    DECIMAL: re.compile(r"(real|double precision|smallint|integer|bigint|money)"),
    TEXT: re.compile(r"(character(\(\d+\))?|bpchar|citext)"),
}
"""By kind: types that round its values, cut them, fill them up, or take different ones for the same."""

_NUMERIC = re.compile(r"numeric\((\d+),(-?\d+)\)")


def spoils_values(column: Column[object], column_type: str) -> bool:
    """Whether values that a model allows would be others in a column of a type, as `format_type` spells it."""
    try:
        kind, arrow = kind_of(column.type)
    except LookupError:  # the ledger has others, which nobody puts rows into
        return False
    if kind is DECIMAL and (found := _NUMERIC.fullmatch(column_type)):
        return int(found[2]) < int(arrow.scale)
    return kind in _SPOILED_BY and bool(_SPOILED_BY[kind].fullmatch(column_type))
