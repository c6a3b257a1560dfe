"""The grammars of dates and instants: ISO 8601 where it loses nothing, and whatever databases write by themselves."""

import datetime as dt
import re

from rowferry.dictionary.unfit import OutOfRangeError, UnfitError

_YEAR = r"(\d{4}|[1-9]\d{4,6})"
_ERA = r"( BC)?"
_FRACTION = r"(?:[.,](\d+))?"
# PostgreSQL writes offsets with seconds, for the local times of before time zones; SQL Server writes a blank before.
_ZONE = r"(?:Z| ?([+-])(\d\d)(?::?(\d\d)(?::?(\d\d))?)?)?"
_FORMS = (
    re.compile(rf"{_YEAR}-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d){_FRACTION})?{_ZONE}{_ERA}", re.ASCII),
    re.compile(rf"(\d{{4}})(\d\d)(\d\d)[T ](\d\d)(\d\d)(?:(\d\d){_FRACTION})?{_ZONE}{_ERA}", re.ASCII),
)
"""The extended and the basic format."""

_DATE = re.compile(rf"{_YEAR}-(\d\d)-(\d\d){_ERA}", re.ASCII)

_CYCLE = 400
"""After so many years the calendar repeats."""

_DECIMALS = 6
_IN_WORDS = ("seven", "eight", "nine", "ten", "eleven", "twelve")


def parse_datetime(text: str) -> dt.datetime:
    """The instant (UTC) of an ISO 8601 date and time, in extended or basic format; without a zone it means UTC.

    Raises:
        OutOfRangeError: The instant lies outside the years 1 to 9999.
        UnfitError: The text is anything else; the message names the fault if it can be told.
    """
    found = _FORMS[0].fullmatch(text) or _FORMS[1].fullmatch(text)
    if not found:
        raise UnfitError(_what_is_wrong(text))
    year, month, day, hour, minute, second, fraction, sign, *zone, era = found.groups()
    micro = _microseconds(fraction or "")
    time = dt.timedelta(hours=_up_to(23, "hour", hour), minutes=_up_to(59, "minute", minute), microseconds=micro)
    time += dt.timedelta(seconds=_up_to(59, "second", second))
    hours, minutes, seconds = (_up_to(most, "offset", part) for most, part in zip((23, 59, 59), zone, strict=True))
    offset = dt.timedelta(hours=hours, minutes=minutes, seconds=seconds)
    before, midnight = _midnight(year, month, day, era)
    instant = midnight + time + (offset if sign == "-" else -offset)
    return instant.replace(year=_within(before + instant.year))


def parse_date(text: str) -> dt.date:
    """The day of an ISO 8601 date.

    Raises:
        OutOfRangeError: It lies outside the years 1 to 9999.
        UnfitError: The text is anything else; the message names the fault if it can be told.
    """
    found = _DATE.fullmatch(text)
    if not found:
        raise UnfitError
    before, midnight = _midnight(*found.groups())
    return midnight.date().replace(year=_within(before + midnight.year))


def _midnight(year: str, month: str, day: str, era: str | None) -> tuple[int, dt.datetime]:
    """The beginning of a day in a year of the same calendar that has room around it, and how many years it is off."""
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


def _within(year: int) -> int:
    if not dt.MINYEAR <= year <= dt.MAXYEAR:
        raise OutOfRangeError
    return year


def _up_to(most: int, name: str, digits: str | None) -> int:
    number = int(digits or 0)
    if number > most:
        raise UnfitError(f"{name} {digits}")
    return number


def _microseconds(fraction: str) -> int:
    kept = fraction.rstrip("0")
    if (count := len(kept)) > _DECIMALS:
        words = _IN_WORDS[count - _DECIMALS - 1] if count - _DECIMALS <= len(_IN_WORDS) else str(count)
        raise UnfitError(f"it has {words} decimals; six can be kept")
    return int(kept.ljust(_DECIMALS, "0"))


_TOLD_UP_TO = 64
_TELLING = (
    (re.compile(r"\d{4}-?\d\d-?\d\d", re.ASCII), "it has no time"),
    (re.compile(r"\d[^a-z]*(?:t[^a-z]*z?|z)", re.ASCII), "T and Z are capital letters"),
    (re.compile(r"\d.*:\d\d[.,\d]* ?(?:[A-Za-z_]{2}.*|\[.*)", re.ASCII), "it names a zone; say Z, or the offset"),
    (re.compile("\\d.*\u2212[\\d:]+", re.ASCII), "its minus sign is U+2212, not that of ASCII"),
    (re.compile(r"\s.*|.*\s", re.ASCII | re.DOTALL), "white space stands around it"),
    (re.compile(r"\d{4}-(?:W\d\d-\d|\d{3})T.*", re.ASCII), "say month and day, not the week or the day of the year"),
)
"""What people write often, and what is wrong with it."""


def _what_is_wrong(text: str) -> str:
    if len(text) > _TOLD_UP_TO:
        return ""
    return next((told for form, told in _TELLING if form.fullmatch(text)), "")
