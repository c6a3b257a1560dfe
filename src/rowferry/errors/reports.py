"""Errors of reports."""

from rowferry.errors.root import UsageError


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
