"""Ranges of PostgreSQL, from one bound to another; here they are texts, such as `[1,5)`.

A bracket includes its bound, a parenthesis does not, and where there is no bound, there is no limit. Whatever has the
same values is spelled the same: of whole numbers and days, a range has its first value and the one behind its last one.

    [1,4]    [1,5)
    (5,5)    empty
    [,5)     (,5)
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy.dialects import postgresql as sql

from rowferry.kinds import calendar
from rowferry.kinds.dates import DATE
from rowferry.kinds.datetimes import DATETIME
from rowferry.kinds.exact_numbers import EXACT
from rowferry.kinds.integers import INTEGER
from rowferry.kinds.kept_texts import Respelled
from rowferry.kinds.kind import Kind
from rowferry.kinds.local_datetimes import LOCAL_DATETIME
from rowferry.kinds.unfit import OutOfRangeError, UnfitError

_EMPTY = "empty"
_BOUND = r'(?:"([^"\\]*)"|([^][()",\\]*))'
_GRAMMAR = re.compile(rf"([\[(]){_BOUND},{_BOUND}([\])])")
_SPACE = " \t\n\r\f\v"


@dataclass(frozen=True)
class Bounds:
    """What bounds a range: how one is read and spelled, and, if each value has a next one, which of them there are."""

    read: Callable[[str], Any]
    spell: Callable[[Any], str]
    counted: tuple[int, int] | None = None


@dataclass(frozen=True)
class Range(Respelled):
    """The values between two bounds."""

    sql_type: type[sql.ranges.AbstractSingleRange[Any]]
    shown: str
    bounded_by: Bounds = field(compare=False)

    sql_types = (sql.DATERANGE, sql.INT4RANGE, sql.INT8RANGE, sql.NUMRANGE, sql.TSRANGE, sql.TSTZRANGE)
    kept = "The range, in PostgreSQL; elsewhere, use a variant of text. They are no key, reference or unique value."

    @property
    def name(self) -> str:
        return self.sql_type.__name__.lower()

    @property
    def noun(self) -> str:
        return f"a range, as {self.shown}"

    @property
    def example(self) -> str:
        return self.shown

    @property
    def sample(self) -> sql.ranges.AbstractSingleRange[Any]:
        return self.sql_type()

    def of(self, column_type: Any) -> Kind:
        return next(kind for kind in RANGES if isinstance(column_type, kind.sql_type))

    def default(self, value: Any) -> str:
        return self.parse(str(value))

    def parse(self, text: str) -> str:
        """A range in its one spelling."""
        stripped = text.strip(_SPACE)
        if stripped.lower() == _EMPTY:
            return _EMPTY
        found = _GRAMMAR.fullmatch(stripped)
        if not found:
            raise UnfitError
        first, low_quoted, low, high_quoted, high, last = found.groups()
        bounds = self._bound(low_quoted, low), self._bound(high_quoted, high)
        return self._spelled(*bounds, has_low=first == "[", has_high=last == "]")

    def limits(self, arrow: pa.DataType) -> str:
        return "have bounds that can be stored"

    def _bound(self, quoted: str | None, plain: str | None) -> Any:
        """What a text bounds a range with; None if there is none."""
        given = quoted if plain is None else plain or None
        return None if given is None else self.bounded_by.read(given.strip(_SPACE))

    def _spelled(self, low: Any, high: Any, *, has_low: bool, has_high: bool) -> str:
        is_bounded = low is not None and high is not None
        if is_bounded and low > high:
            raise UnfitError("its lower bound is greater than its upper one")
        if is_bounded and low == high and not (has_low and has_high):
            return _EMPTY
        if self.bounded_by.counted:
            low, high = self._from(low, is_in=has_low), self._from(high, is_in=not has_high)
            has_low, has_high = True, False
            if is_bounded and low == high:
                return _EMPTY
        spelled = ["" if bound is None else self.bounded_by.spell(bound) for bound in (low, high)]
        return f"{'[' if has_low and spelled[0] else '('}{','.join(spelled)}{']' if has_high and spelled[1] else ')'}"

    def _from(self, bound: int | None, *, is_in: bool) -> int | None:
        """The first of some values that are counted, the bound itself or the next one."""
        if bound is None or not self.bounded_by.counted:
            return None
        least, most = self.bounded_by.counted
        found = bound if is_in else bound + 1
        if not least <= found <= most:
            raise OutOfRangeError
        return found


def _day(text: str) -> int:
    """A day, as many days after 1970; behind the last one that a column of dates holds, there is one more."""
    return calendar.DAYS[1] + 1 if text == _BEHIND_ALL_DAYS else (DATE.parse(text) - calendar.EPOCH).days


def _spell_day(days: int) -> str:
    return str(np.datetime64(days, "D"))


def _number(text: str) -> Decimal:
    return Decimal(EXACT.parse(text))


_BEHIND_ALL_DAYS = _spell_day(calendar.DAYS[1] + 1)
_DAYS = Bounds(_day, _spell_day, (calendar.DAYS[0], calendar.DAYS[1] + 1))
_LONG, _SHORT = (Bounds(INTEGER.parse, str, INTEGER.bounds(arrow)) for arrow in (pa.int64(), pa.int32()))

RANGES = (
    Range(sql.DATERANGE, "[2021-11-07,2021-11-10)", _DAYS),
    Range(sql.INT4RANGE, "[1,5)", _SHORT),
    Range(sql.INT8RANGE, "[1,5)", _LONG),
    Range(sql.NUMRANGE, "[0.5,1.25)", Bounds(_number, EXACT.to_json)),
    Range(sql.TSRANGE, "[2021-11-07T02:48:42,2021-11-08T00:00:00)", Bounds(LOCAL_DATETIME.parse, LOCAL_DATETIME.spell)),
    Range(sql.TSTZRANGE, "[2021-11-07T02:48:42Z,2021-11-08T00:00:00Z)", Bounds(DATETIME.parse, DATETIME.to_json)),
)
"""One of each type; the first of them stands for all."""
