"""Whether the progress of an operation is shown: to people, on a terminal."""

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from rowferry import lazy
from rowferry.events import Event, Observe

if TYPE_CHECKING:  # imported when bars are shown, as nobody else should wait for the library that draws them
    from rowferry.cli import progress_bars
else:
    progress_bars = lazy.module("rowferry.cli.progress_bars")

Progress = AbstractContextManager[Observe]
"""Shows the events that it is called with, as long as `with` lasts."""


def load_progress(*, as_json: bool) -> Progress:
    """The rows, bytes, rate and time left of a load or restore, a line for each table."""
    return progress_bars.LoadProgress() if _is_shown(as_json=as_json) else nullcontext(_show_nothing)


def row_progress(*, as_json: bool) -> Progress:
    """The rows and time left of what happens to backups, a line for each."""
    return progress_bars.RowProgress() if _is_shown(as_json=as_json) else nullcontext(_show_nothing)


def _is_shown(*, as_json: bool) -> bool:
    return not as_json and sys.stderr.isatty()


def _show_nothing(_event: Event) -> None:
    """Programs look at the log."""
