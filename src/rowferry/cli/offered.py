"""Which commands make sense for the tables that are served."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rowferry import lazy
from rowferry.errors import RowferryError
from rowferry.settings import DEFAULT_MODELS, Settings, read_settings

if TYPE_CHECKING:  # imported only for tables of the user's own: help should be quick
    from rowferry.reports import listed
else:
    listed = lazy.module("rowferry.reports.listed")


def without_unavailable(commands: Sequence[str]) -> list[str]:
    """All commands, without `report` where there is none: the tables are others, and there are none of one's own."""
    try:
        settings = read_settings()
        if settings.models == DEFAULT_MODELS or settings.reports or _has_reports(settings):
            return list(commands)
    except RowferryError:  # of which whoever uses a command is told
        return list(commands)
    return [name for name in commands if name != "report"]


def _has_reports(settings: Settings) -> bool:
    return bool(listed.offered(settings.models, settings.url.get_backend_name()))
