"""A step of the demo: what managers ask about a year."""

from rowferry.cli.demo_steps.stage import AT_DATABASE, Stage
from rowferry.cli.output import say, table
from rowferry.reports.listed import REPORTS
from rowferry.reports.report import answer
from rowferry.reports.year import Year

_SHOWN = 5


def show_reports(stage: Stage) -> None:
    """Answer what managers ask: hires in 2021 by quarter, and which departments hired more than the mean."""
    for report in REPORTS.values():
        found = answer(report, stage.service.backend, stage.service.catalog, Year(2021))
        heads = [(column, not isinstance(found.rows[0][column], str)) for column in report.columns]
        rows = [list(row.values()) for row in found.rows[:_SHOWN]]
        table(found.title, heads, rows, free=report.columns)
        if len(found.rows) > _SHOWN:
            say(f"… and {len(found.rows) - _SHOWN:,} more rows.")
        say("")
        stage.shown[report.name] = found.as_dict()
    drawing = f"rowferry report hires-by-quarter --output hires.svg {AT_DATABASE}"
    stage.next_commands.append((drawing, "as a chart; CSV, JSON and PNG work as well"))
