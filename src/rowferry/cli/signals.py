"""What signals do to a command: they end it as long as nothing is done, and not any more from then on."""

import signal
from types import FrameType

from rowferry.events import BackupFinished, BatchFinished, Event, LoadFinished, RestoreFinished

_ENDING = (signal.SIGINT, signal.SIGTERM)


def interrupt_on_termination() -> None:
    """Let SIGTERM do what Ctrl-C does."""
    signal.signal(signal.SIGTERM, _interrupt)


def ignore_from_now_on() -> None:
    """What was done is done and said: a late signal must not change the exit code."""
    for late in _ENDING:
        signal.signal(late, signal.SIG_IGN)


def ignore_once_finished(event: Event) -> None:
    """Observe an operation: once it has ended, only to say how is left."""
    if isinstance(event, BackupFinished | BatchFinished | LoadFinished | RestoreFinished):
        ignore_from_now_on()


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
