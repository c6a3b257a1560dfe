"""How tests wait for what another thread, process or server does at some time."""

import time
from collections.abc import Callable

SECONDS = 60.0
"""So long a test waits for what takes a moment on a machine that is not busy."""


def wait_until(condition: Callable[[], object], what: object = "it never happened") -> None:
    """Wait for a condition, but not for ever, and without taking the processor from those that bring it about."""
    end, pause = time.monotonic() + SECONDS, 0.001
    while not condition():
        assert time.monotonic() < end, what() if callable(what) else what
        time.sleep(pause)
        pause = min(2 * pause, 0.02)
