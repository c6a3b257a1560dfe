"""One line for one thing that happened: JSON for programs, words for people; control characters are escaped."""

import datetime as dt
import json
import logging
from typing import Any

NO_FIELDS: dict[str, Any] = {}


def json_line(fields: dict[str, Any]) -> str:
    """Fields as one line of JSON in ASCII, so that nothing in it commands a terminal or ends the line."""
    return json.dumps(fields, default=str).replace("\x7f", "\\u007f")


def printable(text: str) -> str:
    """A text whose control characters and other invisible ones are escaped as in Python."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class JsonLines(logging.Formatter):
    """Records of whatever library as lines of JSON: time, level, logger, event, then the fields of the record."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json_line(fields | fields_of(record))


class HumanLines(logging.Formatter):
    """Records as lines for people; only what went wrong unexpectedly takes more lines than one."""

    def format(self, record: logging.LogRecord) -> str:
        at = dt.datetime.fromtimestamp(record.created).astimezone()
        fields = " ".join(f"{name}={value}" for name, value in fields_of(record).items() if value is not None)
        line = printable(f"{at:%H:%M:%S} {record.levelname:<7} {record.getMessage()}  {fields}".rstrip())
        if record.exc_info:
            trace = self.formatException(record.exc_info).splitlines()
            line = "\n".join([line, *(f"    {printable(line_of_trace)}" for line_of_trace in trace)])
        return line


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What a record says beside its message: `extra={"fields": {…}}` where it was logged."""
    found: dict[str, Any] = getattr(record, "fields", NO_FIELDS)
    return found
