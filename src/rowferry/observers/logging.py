"""Logs: one JSON object a line, one file per operation in LOG_DIR, rotated. Values of rows never get there."""

import atexit
import datetime as dt
import json
import logging
import sys
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from rowferry.events import Event, RowsBackedUp, RowsJudged, RowsRejected, RowsVerified
from rowferry.observers.lines import JsonLines, json_line
from rowferry.observers.log_file import LogFile

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is being answered."""

SERVE = "serve"
"""The log file of the service itself: requests, start and end, what libraries say."""


PROGRESS = (RowsJudged, RowsBackedUp, RowsVerified)
"""Events that only progress bars are to be told of."""


class Log:
    """Writes events to `folder/operation.jsonl`, with the id of the request in which it was made; threads may share it.

    Raises:
        SettingInvalid: The folder cannot be written to.
    """

    def __init__(self, folder: Path, operation: str, file: LogFile | None = None) -> None:
        self.operation = operation
        self.request_id = REQUEST_ID.get()
        self._file = file or LogFile(folder / f"{operation}.jsonl")

    def __call__(self, event: Event) -> None:
        if lines := self._lines(event):
            self._file.write(lines)

    def close(self) -> None:
        self._file.close()

    def fields(self, event: Event) -> dict[str, Any]:
        """What there is to say of an event, in the order in which it is said."""
        content = {name: value for name, value in event._asdict().items() if name != "id"}
        return self._head(type(event).__name__, event.id) | content

    def _head(self, name: str, operation_id: str) -> dict[str, Any]:
        head = {
            "time": dt.datetime.now(dt.UTC).isoformat(),
            "level": "info",
            "operation": self.operation,
            "event": name,
            "id": operation_id,
        }
        return head | ({"request_id": self.request_id} if self.request_id else {})

    def _lines(self, event: Event) -> str:
        """The lines of one event; how far a load has come is for progress bars only."""
        if isinstance(event, PROGRESS):
            return ""
        match event:
            case RowsRejected(table=table, source=source, rows=rows):
                begun = json_line(self._head("RowRejected", event.id) | {"table": table, "source": source})[:-1]
                begun += ', "row_number": '
                return "".join([f'{begun}{number}, "faults": {_faults_as_json(faults)}}}\n' for number, faults in rows])
            case _:
                return f"{json_line(self.fields(event))}\n"


@lru_cache(4_096)
def _faults_as_json(faults: tuple[tuple[str | None, str], ...]) -> str:
    """The (column, code) of the faults of a row as JSON; many rows have the same."""
    return json.dumps(faults)


_opening = Lock()
_open: dict[Path, LogFile] = {}


def _shared_file(folder: Path, operation: str, *, required: bool = True) -> LogFile:
    path = folder / f"{operation}.jsonl"
    with _opening:
        if path not in _open:
            # Where logs were written before, a folder that is lost does not keep work from being done.
            was_there = any(other.parent == folder for other in _open)
            _open[path] = LogFile(path, required=required and not was_there)
        return _open[path]


@atexit.register
def _close_shared_files() -> None:
    for file in _open.values():
        file.close()


def shared_log(folder: Path, operation: str) -> Log:
    """The log of an operation in this process, whose file is opened once, and open until its end."""
    return Log(folder, operation, _shared_file(folder, operation))


class ServeHandler(logging.Handler):
    """Appends records to `folder/serve.jsonl`."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self._file = _shared_file(Path(folder), SERVE, required=False)

    def emit(self, record: logging.LogRecord) -> None:
        self._file.write(f"{self.format(record)}\n")


class WithRequestId(logging.Filter):
    """Adds the id of the request to what is logged while it is answered, by whatever library."""

    def filter(self, record: logging.LogRecord) -> bool:
        if request_id := REQUEST_ID.get():
            record.fields = {"request_id": request_id, **getattr(record, "fields", {})}
        return True


def logging_of_service(folder: Path) -> dict[str, Any]:
    """What logging.config takes for a process that serves: words on a terminal, else JSON, and JSON in a folder."""
    lines = "HumanLines" if sys.stderr.isatty() else "JsonLines"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": f"rowferry.observers.lines.{lines}"}},
        "filters": {"request": {"()": "rowferry.observers.logging.WithRequestId"}},
        "handlers": {
            "terminal": {"class": "logging.StreamHandler", "formatter": "lines", "filters": ["request"]},
            "file": {
                "class": "rowferry.observers.logging.ServeHandler",
                "folder": str(folder),
                "filters": ["request"],
            },
        },
        "loggers": {"alembic.runtime.plugins": {"level": "WARNING"}},
        "root": {"level": "INFO", "handlers": ["terminal", "file"]},
    }
