"""Errors of reports."""

from rowferry.errors.root import RowferryError, UsageError


class YearInvalid(UsageError):
    """{year!r} is not a valid year"""

    code = "report.year"
    hint = "Give a year in four digits, 0001 to 9999, such as 2021."


class ReportUnknown(UsageError):
    """There is no report {report!r}"""

    code = "report.unknown"
    hint = "The reports are {names}."


class ReportUnavailable(UsageError):
    """The report {report} is not available: its tables are not served"""

    code = "report.unavailable"
    hint = "It reads {tables} as rowferry.models defines them, but ROWFERRY_MODELS names other tables."


class ReportParametersUnfit(UsageError):
    """The report {report} cannot be asked for: {faults}"""

    code = "report.parameters"
    hint = "Its parameters are: {takes}. See `rowferry report {report} --help`, or /docs."


class ReportRefused(RowferryError):
    """The report {report} cannot be answered: {reason}"""

    code = "report.refused"
    hint = "Correct {file}. Reports only read, and the database user must be allowed to read what they name."


class ReportTooSlow(RowferryError):
    """The report {report} took longer than {seconds} s and was stopped"""

    code = "report.too_slow"
    hint = "Ask for less by its parameters, add an index for it, or raise ROWFERRY_REPORT_SECONDS."


class ReportTooLarge(RowferryError):
    """The report {report} has more than {most} rows, or more than 64 MiB of text"""

    code = "report.too_large"
    hint = "Ask for less by its parameters, or let its statement sum up, or end it with LIMIT."
