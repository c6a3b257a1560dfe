"""Values that come typed, as from Avro: where a whole column of them is sure, and how the judge reads one by itself.

A typed value gets the verdict of its text: `read_typed` may only be sure of what the judge of texts accepts with the
same value, just as the readers of texts (docs/decisions/0002-one-judge-two-speeds.md).
"""

import datetime as dt
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow, python_values
from rowferry.arrow.masks import Mask, mask_of
from rowferry.dictionary.faults import Fault, RejectCode, shown
from rowferry.dictionary.rules import ColumnRule
from rowferry.kinds.calendar import DAYS
from rowferry.kinds.datetimes import INSTANTS
from rowferry.kinds.unfit import OutOfRangeError

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_A_DAY = 24 * 60 * 60 * 1_000_000_000
_NANOSECONDS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}


def read_typed(rule: ColumnRule, values: pa.Array, *, present: bool = False) -> tuple[pa.Array, Mask]:
    """A column in the Arrow type of its rule, and where it is sure; other types than texts and the rule's are not.

    Nor is an empty text that is `present`; a number that is present may be infinite, or none. What is not sure is null.
    """
    if pa.types.is_string(values.type):
        read, sure = rule.read(pc.fill_null(values, "") if values.null_count else values)
        if present and not rule.required:
            sure &= ~_mask(pc.equal(pc.binary_length(values), pa.scalar(0, pa.int32())))
        return read, sure
    fits = rule.kind.fitting(values, rule.arrow, present=present)
    if fits is None:
        return pa.nulls(len(values), rule.arrow), np.zeros(len(values), dtype=np.bool_)
    sure = _mask(fits)
    if rule.max_length and pa.types.is_binary(values.type):
        sure &= _mask(pc.less_equal(pc.binary_length(values), pa.scalar(rule.max_length, pa.int32())))
    typed = values if sure.all() else pc.if_else(as_arrow(sure), values, pa.scalar(None, values.type))
    if not rule.required:
        sure |= _mask(pc.is_null(values))
    return pc.cast(typed, rule.arrow), sure


def _mask(sure: pa.BooleanArray) -> Mask:
    return mask_of(pc.fill_null(sure, value=False))


def cell_of(rule: ColumnRule, values: pa.Array, at: int) -> str | Fault | None:
    """The text that the judge is to read for one value of a column; None if it is missing, or why it has none."""
    value = as_python(values[at])
    if (
        isinstance(value, bytes) and values.type != rule.arrow
    ):  # a column with one text that is not UTF-8 comes as bytes
        with suppress(UnicodeDecodeError):
            return value.decode()
    if value is None or isinstance(value, str):
        return value
    if not rule.kind.takes(value, values.type):
        message = f"{rule.name} must be {rule.kind.noun}, not {_described(value)}"
        return Fault(rule.name, RejectCode.TYPE, message)
    try:
        return rule.kind.spell(value)
    except OutOfRangeError as error:
        return rule.out_of_range(str(value), error)


def as_python(scalar: pa.Scalar) -> object:
    """A value; an instant, a day or a time that Python does not know, as what it counts."""
    if not scalar.is_valid:
        return None
    if pa.types.is_timestamp(scalar.type):
        count, rest = divmod(scalar.value * _NANOSECONDS[scalar.type.unit], 1_000)
        if rest or not INSTANTS[0] <= count <= INSTANTS[1]:
            return Beyond(f"{scalar.value} {scalar.type.unit} since 1970")
        return (_EPOCH + dt.timedelta(microseconds=count)).replace(tzinfo=dt.UTC if scalar.type.tz else None)
    if pa.types.is_time(scalar.type) and not 0 <= scalar.value * _NANOSECONDS[scalar.type.unit] < _A_DAY:
        return Beyond(f"{scalar.value} {scalar.type.unit} since midnight")
    if pa.types.is_date32(scalar.type) and not DAYS[0] <= scalar.value <= DAYS[1]:
        return Beyond(f"{scalar.value} days since 1970")
    return python_values(pa.array([scalar.as_py()], scalar.type))[0] if scalar.type == pa.binary(16) else scalar.as_py()


@dataclass(frozen=True, slots=True)
class Beyond:
    """An instant or a day outside the years 1 to 9999, a time outside its day, or one finer than a microsecond."""

    spelled: str

    def __str__(self) -> str:
        return self.spelled


def _described(value: object) -> str:
    match value:
        case Beyond():
            return value.spelled
        case bool():
            return str(value).lower()
        case int() | float() | Decimal():
            return f"the number {format(value, 'f') if isinstance(value, Decimal) else value}"
        case dt.datetime():
            return f"the {'instant' if value.tzinfo else 'local date and time'} {value.isoformat()}"
        case dt.date():
            return f"the date {value.isoformat()}"
        case _:
            return shown(value if isinstance(value, str | bytes) else str(value))
