"""What consumes the events of an operation that a service runs: its log file, the log of the service, metrics."""

import logging
from pathlib import Path

from rowferry.events import Event, Observe, RowsRejected
from rowferry.observers.logging import PROGRESS, shared_log
from rowferry.observers.metrics import count_event

_log = logging.getLogger("rowferry.operations")

_SAID_ABOVE = {"time", "level", "event", "request_id"}


def service_observer(folder: Path, operation: str) -> Observe:
    """Log and count the events of an operation, in the request that is being answered.

    Raises:
        SettingInvalid: The folder cannot be written to.
    """
    log = shared_log(folder, operation)
    request = {"request_id": log.request_id} if log.request_id else {}

    def observe(event: Event) -> None:
        log(event)
        count_event(operation, event)
        # Of rejected rows there may be millions: each has its line in the log of the operation.
        if not isinstance(event, (*PROGRESS, RowsRejected)):
            content = {name: value for name, value in log.fields(event).items() if name not in _SAID_ABOVE}
            _log.info(type(event).__name__, extra={"fields": content | request})

    return observe
