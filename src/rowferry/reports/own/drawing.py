"""Draws the answer of a report as its file says: bars or a line, as a Vega-Lite specification."""

from typing import Any

from rowferry.dictionary.faults import shown
from rowferry.reports.chart import BAR_COLOUR, LARGEST, framed, labels, nothing
from rowferry.reports.own.declarations import Chart, OwnReport

_MOST_POINTS = 1_000
"""So many points a line has at most; more could not be told apart."""

Rows = list[dict[str, Any]]


def draw(report: OwnReport, asked: str, rows: Rows) -> dict[str, Any]:
    """The picture of rows; `asked` says for which parameters.

    Raises:
        LookupError: The rows are none that its chart can show; the message says why.
    """
    chart = report.chart
    if chart is None:
        raise LookupError("its file declares no chart")
    if not rows:
        return nothing(report.title, f"There are no rows. {asked}".strip())
    most = LARGEST if chart.mark == "bar" else _MOST_POINTS
    points = [_point(chart, row) for row in rows]
    cut = f"These are the first {most:,} of {len(rows):,} rows" if len(rows) > most else ""
    subtitle = ". ".join(part for part in (asked, cut) if part)
    described = ". ".join(part for part in (subtitle, _in_words(points[:most])) if part)
    return framed(report.title, subtitle, f"{described}.", _encoded(chart, points[:most]))


def _point(chart: Chart, row: dict[str, Any]) -> dict[str, Any]:
    for column in (chart.x, chart.y, chart.colour or chart.x):
        if column not in row:
            raise LookupError(f"its chart names the column {column}, which its statement does not give")
    value = row[chart.y]
    try:
        number = None if value is None else float(value)
    except (TypeError, ValueError, OverflowError):
        raise LookupError(f"its chart takes numbers from {chart.y}, which holds {shown(str(value))}") from None
    point = {"x": _word(row[chart.x]), "y": number}
    return point | {"series": _word(row[chart.colour])} if chart.colour else point


def _word(value: Any) -> str:
    return "(none)" if value is None else str(value)


def _in_words(points: Rows) -> str:
    def numbered(point: dict[str, Any]) -> str:
        return "none" if point["y"] is None else str(point["y"]).removesuffix(".0")

    return "; ".join(f"{', '.join(p[k] for k in ('x', 'series') if k in p)}: {numbered(p)}" for p in points)


def _shortened(points: Rows, field: str) -> dict[str, str]:
    """A short label for each name in a field, in the order in which they come."""
    names = list(dict.fromkeys(point[field] for point in points))
    return dict(zip(names, labels(names), strict=True))


def _encoded(chart: Chart, points: Rows) -> dict[str, Any]:
    """Bars lie one below the other, beside their names; a line goes from left to right."""
    short = {field: _shortened(points, field) for field in (("x", "series") if chart.colour else ("x",))}
    values = [point | {field: label[point[field]] for field, label in short.items()} for point in points]
    place = {
        "field": "x",
        "type": "nominal",
        "sort": list(short["x"].values()),
        "title": chart.x,
        "axis": {"labelLimit": 0, "labelOverlap": chart.mark == "line"},
    }
    height = {"field": "y", "type": "quantitative", "title": chart.y}
    is_bar = chart.mark == "bar"
    encoding: dict[str, Any] = {"y": place, "x": height} if is_bar else {"x": place, "y": height}
    if chart.colour:
        encoding["color"] = {"field": "series", "type": "nominal", "title": chart.colour}
    mark = {"type": "bar"} if is_bar else {"type": "line", "point": True}
    return {
        "data": {"values": values},
        "mark": mark if chart.colour else mark | {"color": BAR_COLOUR},
        "encoding": encoding,
        "height": {"step": 26} if is_bar else 320,
    }
