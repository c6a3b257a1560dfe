"""Days of the calendar that dates and instants have in common, in texts and in whole columns of them."""

import datetime as dt

import numpy as np
import numpy.typing as npt

from rowferry.arrow.masks import Mask
from rowferry.kinds.unfit import OutOfRangeError, UnfitError

YEAR = r"(\d{4}|[1-9]\d{4,6})"
ERA = r"( BC)?"
LIMITS = "be in the years 1 to 9999"

EPOCH = dt.date(1970, 1, 1)

DAYS = ((dt.date.min - EPOCH).days, (dt.date.max - EPOCH).days)
"""The first day of the year 1 and the last one of the year 9999, in days since 1970."""

DAY_2000 = (dt.date(2000, 1, 1) - EPOCH).days
"""From this day on, PostgreSQL counts."""

_CYCLE = 400
"""After so many years the calendar repeats."""


def midnight(year: str, month: str, day: str, era: str | None) -> tuple[int, dt.datetime]:
    """The beginning of a day in a year of the same calendar that has room around it, and how many years it is off.

    Raises:
        UnfitError: There is no such day; the message says what there is not.
    """
    if era and not int(year):
        raise UnfitError("there is no year 0 BC")
    counted = 1 - int(year) if era else int(year)
    near = counted % _CYCLE + _CYCLE
    if not 1 <= int(month) <= 12:
        raise UnfitError(f"month {month}")
    try:
        return counted - near, dt.datetime(near, int(month), int(day), tzinfo=dt.UTC)
    except ValueError:
        raise UnfitError(f"day {day} of month {month}") from None


def year_within(year: int) -> int:
    """A year that a column can hold; OutOfRangeError if it is another."""
    if not dt.MINYEAR <= year <= dt.MAXYEAR:
        raise OutOfRangeError
    return year


# Every day but 29 February of the years 1000 to 2999: what Arrow's reader of ISO 8601 takes without failing.
SURE_DAY = (
    r"^[12]\d{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    r"|02-(?:0[1-9]|1\d|2[0-8]))"
)

LEAST_DAY, MOST_DAY = b"1000-00-00", b"2999-19-39"
"""The least and the greatest letter at each place of a day, before it is looked at more closely."""

_LAST_DAYS = np.zeros(256, dtype=np.uint8)
_LAST_DAYS[1:13] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

Grid = npt.NDArray[np.uint8]
"""Texts of the same length, a row each, a letter in each cell."""


def unlike(grid: Grid, least: bytes, most: bytes) -> Mask:
    """Which texts have a letter that is not between the least and the greatest at its place."""
    found = np.zeros(len(grid), dtype=np.bool_)
    low, high = np.frombuffer(least, dtype=np.uint8), np.frombuffer(most, dtype=np.uint8)
    found[np.flatnonzero((grid < low) | (grid > high)) // len(least)] = True
    return found


def number_at(grid: Grid, place: int) -> npt.NDArray[np.uint8]:
    """The number that two digits make."""
    return 10 * (grid[:, place] & 0x0F) + (grid[:, place + 1] & 0x0F)


def no_sure_day(grid: Grid) -> Mask:
    """Which texts do not begin with a day of the calendar; 29 February is left out."""
    day = number_at(grid, 8)
    return np.asarray((day > _LAST_DAYS[number_at(grid, 5)]) | (day == 0))
