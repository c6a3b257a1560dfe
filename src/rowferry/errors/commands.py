"""Errors that only commands meet: how they are called, and where they write to."""

from rowferry.errors.root import RowferryError, UsageError


class CommandMisused(UsageError):
    """{reason}"""

    code = "usage"
    hint = "See `{command} --help`."


class OutputUnwritable(RowferryError):
    """Cannot write to standard output: {reason}"""

    code = "output.unwritable"
    hint = (
        "Write the output elsewhere, or free space. What the command has already done stays done: see `rowferry "
        "loads`, `backups` and `restores`."
    )


class OutputTaken(UsageError):
    """{path} is {taken} and would be overwritten"""

    code = "output.taken"
    hint = "Write to another file."


class OutputOfOneTable(UsageError):
    """Rows of {tables} were rejected, but {path} can hold the rows of one table only"""

    code = "output.of_one_table"
    hint = "Choose a table with --table, or name a file or a folder."


class OptionInvalid(UsageError):
    """{option} cannot be {value!r}"""

    code = "option.invalid"
    hint = "{allowed}"


class OptionUnfit(OptionInvalid):
    """{option} cannot be used with {other}"""

    code = "option.invalid"
    hint = "{allowed}"


class NothingKept(OptionInvalid):
    """No option says which backups to keep"""

    code = "backup.nothing_kept"
    hint = "Give --keep-last N, --keep-days D, or both: a backup stays if either of them keeps it."


class NothingLoaded(UsageError):
    """Nothing has been loaded yet"""

    code = "load.none_yet"
    hint = "Load something first with `rowferry load`, or name a batch or a restore: see `rowferry restores`."
