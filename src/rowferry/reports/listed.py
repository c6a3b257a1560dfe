"""The reports there are; a new one is a module with a REPORT, and a line here."""

from rowferry.errors import ReportUnknown
from rowferry.reports import departments_above_mean, hires_by_quarter
from rowferry.reports.report import Report

REPORTS: dict[str, Report] = {
    module.REPORT.name: module.REPORT for module in (hires_by_quarter, departments_above_mean)
}


def find_report(name: str) -> Report:
    """The report of a name; ReportUnknown if there is none."""
    try:
        return REPORTS[name]
    except KeyError:
        raise ReportUnknown(report=name, names=", ".join(REPORTS)) from None
