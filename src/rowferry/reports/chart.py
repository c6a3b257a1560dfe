"""Charts of reports as Vega-Lite specifications: https://vega.github.io/vega-lite/docs/spec.html."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any
from unicodedata import category

LARGEST = 30
"""So many bars a picture has at most; more could not be read."""

TEXT_COLOUR = "#1f2933"
_SOFT_COLOUR, _GRID_COLOUR = "#52606d", "#e4e7eb"

QUARTER_COLOURS = ["#9ecae1", "#4292c6", "#08519c", "#08254d"]

BAR_COLOUR, MEAN_COLOUR = "#6baed6", "#99000d"

DARK = {
    "white": "#182125",
    TEXT_COLOUR: "#e6edef",
    _SOFT_COLOUR: "#9fb0b8",
    _GRID_COLOUR: "#2d3a40",
    **dict(zip(QUARTER_COLOURS, ["#deebf7", "#9ecae1", "#5ba3d9", "#3a7cc0"], strict=True)),
    MEAN_COLOUR: "#ff9c92",
}
"""What becomes of the colours where a screen is dark; others do on both grounds."""

_WIDTH, _STEP = 560, 26

_LONGEST = 36

_CONFIG: dict[str, Any] = {
    "font": "Liberation Sans, Arial, Helvetica, sans-serif",
    "background": "white",
    "view": {"stroke": None},
    "title": {
        "anchor": "start",
        "fontSize": 18,
        "subtitleFontSize": 13,
        "offset": 18,
        "color": TEXT_COLOUR,
        "subtitleColor": _SOFT_COLOUR,
        "subtitlePadding": 6,
    },
    "axis": {
        "labelFontSize": 13,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "labelColor": TEXT_COLOUR,
        "titleColor": _SOFT_COLOUR,
        "gridColor": _GRID_COLOUR,
        "domain": False,
        "ticks": False,
        "labelPadding": 8,
        "titlePadding": 10,
    },
    "legend": {
        "columnPadding": 28,
        "labelFontSize": 13,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "labelColor": TEXT_COLOUR,
        "titleColor": _SOFT_COLOUR,
    },
    "text": {"fontSize": 13},
    "bar": {"height": {"band": 0.72}},
}


def labels(names: Sequence[str]) -> list[str]:
    """The names as they may be drawn, short enough to stand beside bars, and each another one."""
    found: dict[str, None] = {}
    numbers: dict[str, Iterator[int]] = {}
    for name in map(drawable, names):
        # Vega would cut names by itself, in the middle of a letter where it takes two of its units, and fail.
        label = short = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1].rstrip()}…"
        while label in found:
            label = f"{short} ({next(numbers.setdefault(short, count(2)))})"
        found[label] = None
    return list(found)


def drawable(text: str) -> str:
    """The text without what no XML document may hold, but a name in a table may: it would end the whole process."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or category(letter) == "Zs" else "\ufffd" for letter in text)


def bars(
    title: str, subtitle: str, in_words: Mapping[str, str], layers: list[dict[str, Any]], of_all: int
) -> dict[str, Any]:
    """A chart of horizontal bars, in the order given; layers have fields `department` and `hired`.

    `in_words` says in words what each bar shows, for the chart's description; `of_all` how many bars there might be.
    """
    if of_all > len(in_words):
        subtitle += f". These are the {len(in_words)} that hired the most"
    described = f"{subtitle}. {'; '.join(f'{name}: {words}' for name, words in in_words.items())}."
    axis = {"title": "Employees hired (people)", "tickMinStep": 1, "format": ",d", "tickCount": 6}
    names = {
        "title": "Department",
        "labelLimit": 0,
        "titleAngle": 0,
        "titleAlign": "right",
        "titleX": -8,
        "titleY": -6,
    }
    encoding = {
        "x": {"field": "hired", "type": "quantitative", "axis": axis, "scale": {"domainMin": 0, "nice": True}},
        "y": {"field": "department", "type": "nominal", "sort": list(in_words), "axis": names},
    }
    return framed(title, subtitle, described, {"encoding": encoding, "layer": layers})


def framed(title: str, subtitle: str, described: str, drawn: dict[str, Any]) -> dict[str, Any]:
    """A picture in the looks of all of them; `described` is what it shows, in words."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "title": {"text": title, "subtitle": subtitle},
        "description": described,
        "width": _WIDTH,
        "height": {"step": _STEP},
        "padding": 20,
        "config": _CONFIG,
        **drawn,
    }


def nothing(title: str, text: str) -> dict[str, Any]:
    """A picture that says in words that there is nothing to draw."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "title": {"text": title},
        "description": text,
        "width": _WIDTH,
        "height": 5 * _STEP,
        "padding": 20,
        "config": _CONFIG,
        "data": {"values": [{}]},
        "mark": {"type": "text", "fontSize": 15, "color": _SOFT_COLOUR},
        "encoding": {"text": {"datum": text}},
    }
