"""The reports there are; a new one that is built in is a module with a REPORT, and a line here."""

from collections.abc import Collection
from pathlib import Path

from rowferry.dictionary.catalog import load_catalog
from rowferry.errors import ReportUnknown
from rowferry.reports import departments_above_mean, hires_by_quarter
from rowferry.reports.own.declarations import OwnReport
from rowferry.reports.own.files import read_reports
from rowferry.reports.report import Report, is_available
from rowferry.settings import DEFAULT_MODELS

REPORTS: dict[str, Report] = {
    module.REPORT.name: module.REPORT for module in (hires_by_quarter, departments_above_mean)
}


def read_own_reports(folder: Path) -> tuple[dict[str, OwnReport], list[str]]:
    """The reports of a user's own in a folder, by name, and all that is wrong with its files."""
    return read_reports(folder, REPORTS)


def report_unknown(name: str, own: Collection[str]) -> ReportUnknown:
    """The error of a name that no report has."""
    return ReportUnknown(report=name[:100], names=", ".join([*REPORTS, *own]))


def offered(models: str, dialect: str) -> list[str]:
    """The names of the reports that are built in and whose tables are those of a module, in databases of a dialect."""
    if models == DEFAULT_MODELS:
        return list(REPORTS)
    catalog = load_catalog(models, dialect)
    return [name for name, report in REPORTS.items() if is_available(report, catalog)]
