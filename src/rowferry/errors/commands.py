"""Errors that only commands meet: how they are called, and where they write to."""

from rowferry.errors.root import RowferryError, UsageError


class CommandMisused(UsageError):
    """{reason}"""

    code = "usage"
    hint = "See `{command} --help`."


class OutputUnwritable(RowferryError):
    """Standard output cannot be written to: {reason}"""

    code = "output.unwritable"
    hint = (
        "Write it elsewhere, or free space. What the command did before stays done: see `rowferry loads`, `backups` "
        "and `restores`."
    )
