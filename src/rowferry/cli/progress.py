"""Whether the progress of an operation is shown: to people, on a terminal."""

import importlib
import sys
from contextlib import AbstractContextManager, nullcontext

from rowferry.events import Event, Observe

_BARS = "rowferry.cli.progress_bars"
"""Imported when bars are shown, as nobody else should wait for the library that draws them."""

Progress = AbstractContextManager[Observe]
"""Shows the events that it is called with, as long as `with` lasts."""


def load_progress(*, as_json: bool) -> Progress:
    """The rows, bytes, rate and time left of a load or restore, a line for each table."""
    return _progress("LoadProgress", as_json=as_json)


def row_progress(*, as_json: bool) -> Progress:
    """The rows and time left of what happens to backups, a line for each."""
    return _progress("RowProgress", as_json=as_json)


def _progress(bars: str, *, as_json: bool) -> Progress:
    if as_json or not sys.stderr.isatty():
        return nullcontext(_show_nothing)
    shown: Progress = getattr(importlib.import_module(_BARS), bars)()
    return shown


def _show_nothing(_event: Event) -> None:
    """Programs look at the log."""
