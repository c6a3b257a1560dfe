"""Draws the answers of reports, as SVG and PNG, on this machine and without any network."""

from html import escape
from typing import Any

import vl_convert

from rowferry.reports.chart import DARK
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
    chart = answer.chart(_drawable)
    drawn = vl_convert.vegalite_to_svg(chart, allowed_base_urls=_NO_NETWORK)
    head, _, rest = drawn.partition(">")
    description = (
        f'<title id="title">{escape(answer.title)}</title><desc id="desc">{escape(chart["description"])}</desc>'
    )
    return f'{head} role="img" aria-labelledby="title desc">{description}<style>{_DARK}</style>{rest}'


def png(answer: Answered) -> bytes:
    """A PNG picture, twice as large as the SVG says, for sharp screens."""
    drawn: bytes = vl_convert.vegalite_to_png(answer.chart(_drawable), scale=_PNG_SCALE, allowed_base_urls=_NO_NETWORK)
    return drawn


def _drawable(value: Any) -> Any:
    """The value without what no XML document may hold, but a name in a table may: it would end the whole process."""
    if not isinstance(value, str) or value.isprintable():
        return value
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in value)
