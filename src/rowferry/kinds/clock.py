"""What the clock shows, in times and in instants."""

import datetime as dt

from rowferry.kinds.unfit import UnfitError

FRACTION = r"(?:[.,](\d+))?"
TIME = rf"(\d\d):(\d\d)(?::(\d\d){FRACTION})?"

# PostgreSQL writes offsets with seconds, for the local times of before time zones; SQL Server writes a blank before.
ZONE = r"(?:Z| ?([+-])(\d\d)(?::?(\d\d)(?::?(\d\d))?)?)"

SURE_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?"
"""What Arrow's reader of ISO 8601 takes without failing."""

A_DAY = 24 * 60 * 60 * 1_000_000
"""In microseconds."""

_DECIMALS = 6
_IN_WORDS = ("seven", "eight", "nine", "ten", "eleven", "twelve")


def since_midnight(hour: str, minute: str, second: str | None, fraction: str | None) -> dt.timedelta:
    """How far a clock has gone.

    Raises:
        UnfitError: No clock shows that, or not with six decimals; the message says why.
    """
    micro = _microseconds(fraction or "")
    hours, minutes = _up_to(23, "hour", hour), _up_to(59, "minute", minute)
    return dt.timedelta(hours=hours, minutes=minutes, seconds=_up_to(59, "second", second), microseconds=micro)


def offset(hours: str | None, minutes: str | None, seconds: str | None) -> dt.timedelta:
    """How far a zone is from UTC, in one direction or the other; UnfitError if no zone is so far."""
    hour, minute, second = (
        _up_to(most, "offset", part) for most, part in zip((23, 59, 59), (hours, minutes, seconds), strict=True)
    )
    return dt.timedelta(hours=hour, minutes=minute, seconds=second)


def _up_to(most: int, name: str, digits: str | None) -> int:
    number = int(digits or 0)
    if number > most:
        raise UnfitError(f"{name} {digits}")
    return number


def _microseconds(fraction: str) -> int:
    kept = fraction.rstrip("0")
    if (count := len(kept)) > _DECIMALS:
        words = _IN_WORDS[count - _DECIMALS - 1] if count - _DECIMALS <= len(_IN_WORDS) else str(count)
        raise UnfitError(f"it has {words} decimals; at most six can be stored")
    return int(kept.ljust(_DECIMALS, "0"))
