"""Prometheus metrics of a serving process; with several workers, each reports the metrics of all."""

from functools import cache

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from rowferry.events import Event

MEDIA_TYPE = CONTENT_TYPE_LATEST

_registry = CollectorRegistry()

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)

_ROWS = ("inserted", "updated", "unchanged", "rejected", "removed", "rows")

_requests = Counter("rowferry_http_requests", "Requests answered", ["method", "route", "status"], registry=_registry)
_request_seconds = Histogram(
    "rowferry_http_request_seconds",
    "Seconds from a request to the end of its response",
    ["method", "route"],
    registry=_registry,
    buckets=_SECONDS,
)


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count one request; `route` is the template of the path, of which there are few."""
    _requests.labels(method, route, str(status)).inc()
    _request_seconds.labels(method, route).observe(seconds)


def count_event(operation: str, event: Event) -> None:
    """Count the end of an operation: how it ended, how long it took, and what became of its rows."""
    if (seconds := getattr(event, "seconds", None)) is None:
        return
    runs, duration, rows = _of_operation(operation)
    runs.labels(getattr(event, "status", "done")).inc()
    duration.observe(seconds)
    for outcome in _ROWS:
        if count := getattr(event, outcome, 0):
            rows.labels(outcome).inc(count)


@cache
def _of_operation(operation: str) -> tuple[Counter, Histogram, Counter]:
    prefix = f"rowferry_{operation}"
    return (
        Counter(prefix, f"Runs of {operation} that ended, by status", ["status"], registry=_registry),
        Histogram(f"{prefix}_seconds", f"Seconds that {operation} took", registry=_registry, buckets=_SECONDS),
        Counter(f"{prefix}_rows", "Rows by outcome", ["outcome"], registry=_registry),
    )


def metrics_text(folder: str | None) -> bytes:
    """All metrics as Prometheus reads them; `folder` is where several workers keep theirs."""
    if folder is None:
        return generate_latest(_registry)
    shared = CollectorRegistry()
    MultiProcessCollector(shared, folder)  # type: ignore[no-untyped-call]
    return generate_latest(shared)
