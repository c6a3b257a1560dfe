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


class OutputTaken(UsageError):
    """{path} is {taken}, and would be lost"""

    code = "output.taken"
    hint = "Write to another file."


class OutputOfOneTable(UsageError):
    """Rows of {tables} were rejected, and {path} can hold those of one table only"""

    code = "output.of_one_table"
    hint = "Choose one with --table, or name a file or a folder."


class OptionInvalid(UsageError):
    """{option} cannot be {value!r}"""

    code = "option.invalid"
    hint = "{allowed}"


class OptionUnfit(OptionInvalid):
    """{option} does not go with {other}"""

    code = "option.invalid"
    hint = "{allowed}"


class NothingKept(OptionInvalid):
    """Nothing says which backups are to stay"""

    code = "backup.nothing_kept"
    hint = "Say --keep-last N, --keep-days D, or both: what either of them keeps stays."


class NothingLoaded(UsageError):
    """Nothing was loaded yet"""

    code = "load.none_yet"
    hint = "Load something first with `rowferry load`, or name a batch or a restore: see `rowferry restores`."
