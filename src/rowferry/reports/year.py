"""A year in UTC, and its quarters, as half-open spans of time."""

import datetime as dt
import re
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_

from rowferry.errors import YearInvalid

LAST = dt.MAXYEAR

PATTERN = "[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9]"
"""0001 to 9999."""

Instant = ColumnElement[dt.datetime]


@dataclass(frozen=True)
class Year:
    """A year of the calendar, in UTC."""

    number: int

    @classmethod
    def parse(cls, text: str) -> "Year":
        """The year that a text of four digits names: a shorter one is rather meant for another, such as 21 for 2021.

        Raises:
            YearInvalid: It names none.
        """
        if not re.fullmatch(PATTERN, text):
            raise YearInvalid(year=text[:40])
        return cls(int(text))

    def holds(self, instant: Instant) -> ColumnElement[bool]:
        """Whether an instant lies within the year."""
        begins, ends = self._quarter(1), self._quarter(5)
        return and_(instant >= begins, instant < ends) if ends else instant >= begins

    def holds_in_quarter(self, quarter: int, instant: Instant) -> ColumnElement[bool]:
        """Whether an instant, which lies within the year, lies within its first, second, third or fourth quarter."""
        bounds = [instant >= self._quarter(quarter)] if quarter > 1 else []
        bounds += [instant < self._quarter(quarter + 1)] if quarter < 4 else []
        return and_(*bounds)

    def _quarter(self, quarter: int) -> dt.datetime | None:
        """When a quarter begins; the fifth is the first of the next year, and None behind the last of all years."""
        year, month = (self.number + 1, 1) if quarter > 4 else (self.number, 3 * quarter - 2)
        return dt.datetime(year, month, 1, tzinfo=dt.UTC) if year <= LAST else None
