"""Values that come typed, as from Avro: where a whole column of them is sure, and how the judge reads one by itself.

A typed value gets the verdict of its text: `read_typed` may only be sure of what the judge of texts accepts with the
same value, just as the readers of texts (docs/decisions/0002-one-judge-two-speeds.md).
"""

import datetime as dt
import math
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from rowferry.dictionary import compute as pc
from rowferry.dictionary.faults import Fault, RejectCode, shown
from rowferry.dictionary.kinds import BOOLEAN, DATE, DATETIME, DECIMAL, FLOAT, INTEGER, TEXT, Kind
from rowferry.dictionary.rules import ColumnRule
from rowferry.dictionary.sure_values import Mask, only

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_FIRST, _LAST = dt.datetime.min.replace(tzinfo=dt.UTC), dt.datetime.max.replace(tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_NANOSECONDS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_INSTANTS = ((_FIRST - _EPOCH) // _MICROSECOND, (_LAST - _EPOCH) // _MICROSECOND)
_DAYS = ((_FIRST - _EPOCH).days, (_LAST - _EPOCH).days)

_COUNTED = {DATETIME: _INSTANTS, DATE: _DAYS}
"""From where to where the calendar goes, in what Arrow counts."""


def read_typed(rule: ColumnRule, values: pa.Array, *, present: bool = False) -> tuple[pa.Array, Mask]:
    """A column in the Arrow type of its rule, and where it is sure; other types than texts and the rule's are not.

    Nor is an empty text that is `present`; a number that is present may be infinite, or none. What is not sure is null.
    """
    if pa.types.is_string(values.type):
        read, sure = _read_texts(rule, values)
        if present and not rule.required:
            sure &= ~_mask(pc.equal(pc.binary_length(values), pa.scalar(0, pa.int32())))
        return read, sure
    fits = pc.is_valid(values) if present and _is_any_float(rule, values) else _fitting(rule, values)
    if fits is None:
        return pa.nulls(len(values), rule.arrow), np.zeros(len(values), dtype=np.bool_)
    sure = _mask(fits)
    typed = values if sure.all() else pc.if_else(fits, values, pa.scalar(None, values.type))
    if not rule.required:
        sure |= _mask(pc.is_null(values))
    return pc.cast(typed, rule.arrow), sure


def _is_any_float(rule: ColumnRule, values: pa.Array) -> bool:
    return rule.kind is FLOAT and values.type == rule.arrow


def _read_texts(rule: ColumnRule, texts: pa.StringArray) -> tuple[pa.Array, Mask]:
    values, sure = rule.read(pc.fill_null(texts, "") if texts.null_count else texts)
    if rule.kind is TEXT and _may_have_nul(values):
        sure &= ~_mask(pc.match_substring(values, pattern="\0"))
        values = only(values, sure)
    return values, sure


def _may_have_nul(texts: pa.StringArray) -> bool:
    """Whether there is any NUL where the texts are kept, which is found out much faster than in which text."""
    kept = texts.buffers()[2]
    return kept is not None and bool((np.frombuffer(kept, dtype=np.uint8) == 0).any())


def _fitting(rule: ColumnRule, values: pa.Array) -> pa.BooleanArray | None:
    """Which values are there and lie in the column's range; None if the type is not that of the column."""
    found = values.type
    if rule.bounds:
        small = pa.types.is_integer(found) and found != pa.uint64()
        return _between(pc.cast(values, pa.int64()), *rule.bounds) if small else None
    if found != rule.arrow:
        return None
    if rule.kind in _COUNTED:
        least, greatest = _COUNTED[rule.kind]
        return _between(values.view(pa.int64() if rule.kind is DATETIME else pa.int32()), least, greatest)
    if rule.kind is DECIMAL:
        most = Decimal(10**found.precision - 1).scaleb(-found.scale)
        return _between(values, -most, most)
    return pc.is_finite(values) if rule.kind is FLOAT else pc.is_valid(values)


def _between(values: pa.Array, least: Any, greatest: Any) -> pa.BooleanArray:
    found = pc.min_max(values).as_py()
    if found["min"] is None or (found["min"] >= least and found["max"] <= greatest):
        return pc.is_valid(values)
    return pc.and_(
        pc.greater_equal(values, pa.scalar(least, values.type)), pc.less_equal(values, pa.scalar(greatest, values.type))
    )


def _mask(sure: pa.BooleanArray) -> Mask:
    return np.asarray(pc.fill_null(sure, value=False).to_numpy(zero_copy_only=False), dtype=np.bool_)


_KINDS: tuple[tuple[type, tuple[Kind, ...]], ...] = (
    (bool, (BOOLEAN,)),
    (int, (INTEGER, DECIMAL, FLOAT)),
    (float, (DECIMAL, FLOAT)),
    (Decimal, (DECIMAL, FLOAT, INTEGER)),
    (dt.datetime, (DATETIME,)),
    (dt.date, (DATE,)),
)
"""What a value of a type may stand for; the first line that fits counts. Texts may stand for anything."""


def cell_of(rule: ColumnRule, values: pa.Array, at: int) -> str | Fault | None:
    """The text that the judge is to read for one value of a column; None if it is missing, or why it has none."""
    value = as_python(values[at])
    if isinstance(value, bytes):  # a column with one text that is not UTF-8 comes as bytes
        with suppress(UnicodeDecodeError):
            return value.decode()
    if value is None or isinstance(value, str):
        return value
    kinds = next((kinds for type_, kinds in _KINDS if isinstance(value, type_)), ())
    if rule.kind not in kinds or (rule.kind is INTEGER and not _is_whole(values.type)):
        message = f"{rule.name} must be {rule.kind.noun}, not {_described(value)}"
        return Fault(rule.name, RejectCode.TYPE, message)
    if rule.kind is FLOAT and isinstance(value, int) and value != (kept := int(float(value))):
        return rule.out_of_range(str(value), f"it would become {kept}")
    if rule.kind is DECIMAL and isinstance(value, float) and math.isfinite(value):
        value = Decimal(repr(value))
    return spelled(value)


def _is_whole(arrow: pa.DataType) -> bool:
    """Whether values of a type are whole numbers by their type."""
    return bool(pa.types.is_integer(arrow) or (pa.types.is_decimal(arrow) and arrow.scale == 0))


def spelled(value: object) -> str:
    """A value in the grammar of its kind."""
    match value:
        case bool():
            return str(value).lower()
        case Decimal():
            return format(value, "f")
        case dt.date():
            return value.isoformat()
        case _:
            return str(value)


def as_python(scalar: pa.Scalar) -> object:
    """A value; instants and days out of the calendar, which Python does not know, as what they count."""
    if not scalar.is_valid:
        return None
    if pa.types.is_timestamp(scalar.type):
        count, rest = divmod(scalar.value * _NANOSECONDS[scalar.type.unit], 1_000)
        if rest or not _INSTANTS[0] <= count <= _INSTANTS[1]:
            return Beyond(f"{scalar.value} {scalar.type.unit} since 1970")
        return _EPOCH + dt.timedelta(microseconds=count)
    if pa.types.is_date32(scalar.type) and not _DAYS[0] <= scalar.value <= _DAYS[1]:
        return Beyond(f"{scalar.value} days since 1970")
    return scalar.as_py()


@dataclass(frozen=True, slots=True)
class Beyond:
    """An instant or a day outside the years 1 to 9999, or finer than a microsecond."""

    told: str

    def __str__(self) -> str:
        return self.told


def _described(value: object) -> str:
    match value:
        case Beyond():
            return value.told
        case bool():
            return str(value).lower()
        case int() | float() | Decimal():
            return f"the number {spelled(value)}"
        case dt.datetime():
            return f"the instant {value.isoformat()}"
        case dt.date():
            return f"the day {value.isoformat()}"
        case _:
            return shown(value)
