"""Which commands make sense for the tables that are served."""

import importlib
from collections.abc import Sequence

from rowferry.errors import RowferryError
from rowferry.settings import DEFAULT_MODELS, read_settings


def without_unavailable(commands: Sequence[str]) -> list[str]:
    """All commands, without `report` where the tables are none of those that reports are about."""
    try:
        models = read_settings().models
        if models == DEFAULT_MODELS or _has_reports(models):
            return list(commands)
    except RowferryError:  # of which whoever uses a command is told
        return list(commands)
    return [name for name in commands if name != "report"]


def _has_reports(models: str) -> bool:
    # Imported only for tables of the user's own: help should be quick.
    catalog = importlib.import_module("rowferry.dictionary.catalog").load_catalog(models)
    reports = importlib.import_module("rowferry.reports.listed").REPORTS.values()
    is_available = importlib.import_module("rowferry.reports.report").is_available
    return any(is_available(report, catalog) for report in reports)
