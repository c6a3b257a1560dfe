"""What a command keeps of an error that nobody foresaw: the log that a report of it needs."""

import logging
import sys

from rowferry.errors import RowferryError
from rowferry.observers.lines import JsonLines
from rowferry.observers.log_file import LogFile
from rowferry.settings import inspect_settings

FILE = "command.jsonl"


def logged(error: Exception) -> str:
    """Write the error and where it came from to LOG_DIR; what to send along with a report, in words."""
    try:
        file = LogFile(inspect_settings()[0].log_dir.absolute() / FILE)
    except RowferryError:
        return "its log: there is none yet, because LOG_DIR is not writable; choose another folder and try again"
    trace = (type(error), error, error.__traceback__)
    fields = {"fields": {"command": next((word for word in sys.argv[1:] if not word.startswith("-")), None)}}
    record = logging.LogRecord(__name__, logging.ERROR, __file__, 0, "CommandFailed", (), trace)
    record.__dict__.update(fields)
    file.write(f"{JsonLines().format(record)}\n")
    file.close()
    return f"the last line of {file.path}"
