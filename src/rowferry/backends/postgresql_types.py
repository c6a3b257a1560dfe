"""Which types of PostgreSQL keep the values of a model's column: binary COPY takes the bytes of another for its own."""

import re

from sqlalchemy import Column

from rowferry.dictionary.kinds import BOOLEAN, DATE, DATETIME, DECIMAL, FLOAT, INTEGER, TEXT, kind_of

_KEPT_BY = {
    BOOLEAN: re.compile("boolean"),
    DATE: re.compile("date"),
    DATETIME: re.compile(r"timestamp(\(6\))? with(out)? time zone"),
    FLOAT: re.compile("double precision"),
    TEXT: re.compile(r"text|character varying(\(\d+\))?"),
}
_INTEGERS = {16: "smallint", 32: "integer", 64: "bigint"}
_NUMERIC = re.compile(r"numeric(?:\(\d+,(-?\d+)\))?")


def keeps_values(column: Column[object], column_type: str) -> bool:
    """Whether a type, as `format_type` spells it, keeps what a model's column allows, or says that it cannot."""
    try:
        kind, arrow = kind_of(column.type)
    except LookupError:  # the ledger has others, which nobody puts rows into
        return True
    if kind is INTEGER:
        return column_type == _INTEGERS[arrow.bit_width]
    if kind is DECIMAL:
        if found := _NUMERIC.fullmatch(column_type):
            return found[1] is None or int(found[1]) >= int(arrow.scale)
        return not arrow.scale and column_type in _INTEGERS.values()
    return bool(_KEPT_BY[kind].fullmatch(column_type))
