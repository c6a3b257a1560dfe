"""What other programs write into SQLite for a value: forms of one instant, and things that stand for no value."""

import datetime as dt

from hypothesis import strategies as st

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_SECOND, _DAY = 1_000_000, 86_400_000_000

INSTANTS = st.one_of(
    st.integers(-719_160 * _DAY, 2_932_894 * _DAY),  # in any zone, none is out of the calendar
    st.integers(-719_160, 2_932_894).map(lambda day: day * _DAY),
    st.integers(0, 60).map(lambda second: (18_777 * 86_400 + second) * _SECOND),
    st.integers(0, 3 * 86_400).map(lambda second: (18_993 * 86_400 + second) * _SECOND + 5),
).map(lambda count: _EPOCH + dt.timedelta(microseconds=count))
"""Instants of all times, midnights, and some that are close to each other."""


@st.composite
def forms(draw: st.DrawFn, instant: dt.datetime) -> str:
    """A form in which SQLite's own functions would take a text for this instant, cut to what the form can say."""
    minutes = draw(st.sampled_from([None, 0, 0, -300, 120, 330, 14 * 60, -12 * 60]))
    local = instant.astimezone(dt.timezone(dt.timedelta(minutes=minutes or 0)))
    day, whole = local.date().isoformat(), local.isoformat()[11:19]
    decimals = f"{local.microsecond:06d}"
    zones = {None: [""], 0: ["Z", "z", " Z", "+00:00"]}.get(
        minutes, [local.isoformat()[-6:], " " + local.isoformat()[-6:]]
    )
    zone = draw(st.sampled_from(zones))
    between = draw(st.sampled_from([" ", "T", "  "]))
    said = [f"{whole}.{decimals}", f"{whole}.{decimals}000"]
    if decimals.endswith("000"):
        said.append(f"{whole}.{decimals[:3]}")
    if not local.microsecond:
        said.append(whole)
        if not local.second:
            said.append(whole[:5])
            if whole == "00:00:00" and minutes is None:
                return draw(st.sampled_from([day, f"{day}{between}00:00"]))
    return f"{day}{between}{draw(st.sampled_from(said))}{zone}"


ODD = st.sampled_from(
    [
        "2021-05-30 05",
        "2021-05-30 05:43:46.1234567",
        "2021-05-30 24:00:00",
        "2021-02-30",
        "05:43",
        "now",
        "",
        "20210530",
        "0000-01-01 00:00:00",
        1622353426,
        2459364.738726852,
        b"2021-05-30 05:43:46",
    ]
)
"""What stands for no instant, or for none exactly."""
