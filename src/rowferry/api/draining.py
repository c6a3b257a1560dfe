"""The end of a process that serves: from SIGTERM on, what is under way finishes, or rolls back in time."""

import logging
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from sse_starlette.sse import AppStatus

_log = logging.getLogger(__name__)

_STOP_AT, _CANCEL_AT = 0.6, 0.8
"""Shares of the time for a stop: then loads are told to roll back, and then their statements are cancelled."""


class Draining:
    """Sees to it that a process that was told to stop has stopped within the seconds it has for that."""

    def __init__(self, seconds: float, stop: Callable[[], None], cancel: Callable[[], None]) -> None:
        self._seconds, self._stop, self._cancel = seconds, stop, cancel
        self._begun = False

    def listen(self) -> None:
        """Begin at the first SIGTERM or SIGINT, then let the server know of it as before; for the main thread only."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._heard(signal.getsignal(number)))

    def begin(self) -> None:
        """Let streams of events end now, and everything else in time."""
        if self._begun:
            return
        self._begun = True
        AppStatus.should_exit = True
        for share, step in ((_STOP_AT, self._stop), (_CANCEL_AT, self._cancel), (1, self._cut_off)):
            timer = threading.Timer(share * self._seconds, step)
            timer.daemon = True
            timer.start()

    def _heard(self, before: Any) -> Callable[[int, FrameType | None], None]:
        def handle(number: int, frame: FrameType | None) -> None:
            self.begin()
            if callable(before):
                before(number, frame)

        return handle

    def _cut_off(self) -> None:
        """End at once: the database rolls back what was not committed, and the next sweep tells of it."""
        _log.warning("Stopped during work; everything not yet committed is rolled back")
        os._exit(0)
