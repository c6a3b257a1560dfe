"""What signals do to a command: they end it as long as nothing is done, and not any more from then on."""

import signal
from types import FrameType

from rowferry.events import BackupFinished, BatchFinished, Event, LoadFinished, Observe, RestoreFinished

_ENDING = (signal.SIGINT, signal.SIGTERM)


def interrupt_on_termination() -> None:
    """Let SIGTERM do what Ctrl-C does."""
    signal.signal(signal.SIGTERM, _interrupt)


def ignore_from_now_on() -> None:
    """What was done is done and said: a late signal must not change the exit code."""
    for late in _ENDING:
        signal.signal(late, signal.SIG_IGN)


def observed_by(*observers: Observe) -> Observe:
    """Tell all of them what happens to an operation; once it has ended, no signal stops what is said of it."""

    def observe(event: Event) -> None:
        if isinstance(event, BackupFinished | BatchFinished | LoadFinished | RestoreFinished):
            ignore_from_now_on()
        for observer in observers:
            observer(event)

    return observe


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
