"""Chooses among the media types that an endpoint offers, as RFC 9110 (12.5.1) says."""

from collections.abc import Sequence

from fastapi import Request, Response

from rowferry.api.problems import RequestRefused

VARY = {"Vary": "Accept"}
"""Tells caches that an answer depends on what was accepted."""


def negotiated(request: Request, offered: Sequence[str]) -> str:
    """The media type in which a request is to be answered.

    Raises:
        RequestRefused: None that is offered is accepted (406).
    """
    found = preferred(", ".join(request.headers.getlist("accept")), offered)
    if found is None:
        hint = f"Accept one of {', '.join(offered)}."
        raise RequestRefused(406, "request.not_acceptable", "The answer is not available in an accepted format", hint)
    return found


async def varies(response: Response) -> None:
    """A dependency of an endpoint that leaves it to the framework to make its answer."""
    response.headers.update(VARY)


def preferred(accept: str | None, offered: Sequence[str]) -> str | None:
    """The media type that is accepted best, among equals the first that is offered; None if none is accepted."""
    ranges = _ranges(accept or "*/*")
    qualities = [_quality_of(media_type, ranges) for media_type in offered]
    return offered[qualities.index(max(qualities))] if any(qualities) else None


def _ranges(accept: str) -> dict[str, float]:
    found = {}
    for accepted in accept.lower().split(","):
        media_range, *parameters = (part.strip() for part in accepted.split(";"))
        found[media_range] = next((_quality(p) for p in parameters if p.startswith("q=")), 1.0)
    return found


def _quality_of(media_type: str, ranges: dict[str, float]) -> float:
    """The quality of the most specific range that covers a media type."""
    kind = media_type.partition("/")[0]
    return next((ranges[media_range] for media_range in (media_type, f"{kind}/*", "*/*") if media_range in ranges), 0.0)


def _quality(parameter: str) -> float:
    try:
        return min(max(float(parameter.removeprefix("q=")), 0.0), 1.0)
    except ValueError:
        return 0.0
