"""Draws the answers of reports, as SVG and PNG, on this machine and without any network."""

from html import escape
from typing import Any

import vl_convert

from rowferry.reports.chart import DARK, drawable
from rowferry.reports.report import Answered

_NO_NETWORK: list[str] = []
_PNG_SCALE = 2.0

_DARK = "@media (prefers-color-scheme: dark) {{{}}}".format(
    "".join(
        f'[{attribute}="{light}"] {{{attribute}: {dark}}}'
        for light, dark in DARK.items()
        for attribute in ("fill", "stroke")
    )
)
"""Lets the picture be dark where the page around it is: browsers ask the page for its colours, not the screen."""


def svg(answer: Answered) -> str:
    """An SVG document with a title and a description for those who cannot see it; the same for the same answer."""
    chart = specification(answer)
    drawn = vl_convert.vegalite_to_svg(chart, allowed_base_urls=_NO_NETWORK)
    head, _, rest = drawn.partition(">")
    title, described = escape(drawable(answer.title)), escape(chart["description"])
    description = f'<title id="title">{title}</title><desc id="desc">{described}</desc>'
    return f'{head} role="img" aria-labelledby="title desc">{description}<style>{_DARK}</style>{rest}'


def png(answer: Answered) -> bytes:
    """A PNG picture, twice as large as the SVG says, for sharp screens."""
    drawn: bytes = vl_convert.vegalite_to_png(specification(answer), scale=_PNG_SCALE, allowed_base_urls=_NO_NETWORK)
    return drawn


def specification(answer: Answered) -> dict[str, Any]:
    """The picture as a Vega-Lite specification, whose texts can all be drawn, be they of a table, request or file."""
    return {key: _drawable(value) for key, value in answer.chart().items()}


def _drawable(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _drawable(value) for key, value in part.items()}
    if isinstance(part, list):
        return [_drawable(value) for value in part]
    return drawable(part) if isinstance(part, str) else part
