"""Logs: one JSON object a line, one file per operation in LOG_DIR, rotated. Values of rows never get there."""

import datetime as dt
import json
import logging
import sys
from dataclasses import asdict
from logging.handlers import RotatingFileHandler
from pathlib import Path
from threading import Lock

from rowferry.errors import SettingInvalid
from rowferry.events import Event, RowsBackedUp, RowsJudged, RowsRejected, RowsVerified

_MOST_BYTES = 10 * 1024 * 1024
_KEPT_FILES = 5


class Log:
    """Writes events to `folder/operation.jsonl`; threads may share it.

    Raises:
        SettingInvalid: The folder cannot be written to.
    """

    def __init__(self, folder: Path, operation: str) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._handler = _Handler(
                folder / f"{operation}.jsonl", maxBytes=_MOST_BYTES, backupCount=_KEPT_FILES, encoding="utf-8"
            )
        except OSError as error:
            raise SettingInvalid(name="LOG_DIR", reason=f"{folder} cannot be written to: {error.strerror}") from error

    def __call__(self, event: Event) -> None:
        if lines := _lines(event):
            self._handler.handle(logging.LogRecord("rowferry", logging.INFO, "", 0, "%s", ("\n".join(lines),), None))

    def close(self) -> None:
        try:
            self._handler.close()
        except OSError as error:
            self._handler.complain(error)


_opening = Lock()
_open: dict[tuple[Path, str], Log] = {}


def shared_log(folder: Path, operation: str) -> Log:
    """The log of an operation for all threads of this process: opened once, and open until its end."""
    with _opening:
        if (folder, operation) not in _open:
            _open[folder, operation] = Log(folder, operation)
        return _open[folder, operation]


class _Handler(RotatingFileHandler):
    """Says once that it cannot write: work goes on without its log, since the ledger keeps what matters."""

    _complained = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802  # as the library calls it
        self.complain(sys.exception())

    def complain(self, error: BaseException | None) -> None:
        if not self._complained:
            self._complained = True
            sys.stderr.write(f"Warning: the log {self.baseFilename} cannot be written: {error}. Work goes on.\n")


def _lines(event: Event) -> list[str]:
    """The lines of one event; how far a load has come is for progress bars only."""
    head = {"time": dt.datetime.now(dt.UTC).isoformat(), "event": type(event).__name__, "id": event.id}
    match event:
        case RowsJudged() | RowsBackedUp() | RowsVerified():
            return []
        case RowsRejected(table=table, source=source, rows=rows):
            where = head | {"event": "RowRejected", "table": table, "source": source}
            begun = json.dumps(where)[:-1]
            return [f'{begun}, "row_number": {number}, "faults": {json.dumps(faults)}}}' for number, faults in rows]
        case _:
            return [json.dumps(head | {name: value for name, value in asdict(event).items() if name != "id"})]
