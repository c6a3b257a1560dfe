"""`rowferry report`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

import click

from rowferry import lazy
from rowferry.cli.options import OUTPUT_FILE, database_option, json_option, open_service, spare_kept
from rowferry.cli.output import done, say, say_json, table, written
from rowferry.errors import OptionInvalid
from rowferry.files.atomic_write import write_atomically
from rowferry.reports.listed import find_report
from rowferry.reports.report import Answer, answer
from rowferry.reports.spreadsheet import as_csv
from rowferry.reports.year import Year

if TYPE_CHECKING:  # imported when a picture is asked for, since what draws it is large
    from rowferry.reports import picture
else:
    picture = lazy.module("rowferry.reports.picture")

Form = Literal["table", "json", "csv", "svg", "png"]

_FORMS: tuple[Form, ...] = get_args(Form)


@click.command()
@click.argument("name", help="hires-by-quarter or departments-above-mean.")
@click.option("--year", default="2021", help="The year, in UTC.")
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMS),
    help="The format (default: table, or as the name of --output ends).",
)
@click.option("--output", type=OUTPUT_FILE, metavar="FILE", help="Write it to a file.")
@database_option
@json_option
def report(
    name: str, year: str, form: Form | None, output: Path | None, database_url: str | None, as_json: bool
) -> None:
    """Answer a question about the employees hired in a year.

    hires-by-quarter: how many for each department and job, by quarter. departments-above-mean: the departments that
    hired more than the mean of all departments. As a table, JSON, CSV for spreadsheets, or a chart (SVG or PNG).
    """
    found_report, asked = find_report(name), Year.parse(year)
    chosen = _form(form, output, as_json=as_json)
    service = open_service(database_url)
    if output:
        spare_kept(output, service)
    found = answer(found_report, service.backend, service.catalog, asked)
    if output:
        write_atomically(output, [_rendered(found, chosen)])
        with done():
            _say_written(found, output, as_json=as_json)
    elif chosen == "table":
        _show(found)
    else:
        rendered = _rendered(found, chosen)
        with written():
            sys.stdout.flush()
            sys.stdout.buffer.write(rendered)


def _form(form: Form | None, output: Path | None, *, as_json: bool) -> Form:
    """The form that was asked for, if it makes sense where it is to go."""
    ending = output.suffix.removeprefix(".").lower() if output else ""
    if output and (form == "table" or (form is None and ending not in _FORMS[1:])):
        raise OptionInvalid(option="--output", value=str(output), allowed="Also give --format json, csv, svg or png.")
    if as_json and not output and form not in (None, "json"):
        raise OptionInvalid(
            option="--format", value=form, allowed="With --json, give --output FILE for another format."
        )
    if form == "png" and not output and sys.stdout.isatty():
        raise OptionInvalid(option="--format", value=form, allowed="A terminal cannot show a PNG: give --output FILE.")
    return form or cast("Form", ending or ("json" if as_json else "table"))


def _rendered(found: Answer, form: Form) -> bytes:
    if form == "json":
        return (json.dumps(found.as_dict(), ensure_ascii=False) + "\n").encode()
    if form == "csv":
        return as_csv(found).encode()
    return (picture.svg(found) + "\n").encode() if form == "svg" else picture.png(found)


def _say_written(found: Answer, output: Path, *, as_json: bool) -> None:
    if as_json:
        say_json({"report": found.report.name, "year": found.year, "file": str(output)})
    else:
        say(f"Wrote {output}. {found.title}: {len(found.rows):,} rows.")


def _show(found: Answer) -> None:
    rows = found.rows
    if not rows:
        say(found.emptiness)
        return
    heads = [(column, not isinstance(rows[0][column], str)) for column in found.report.columns]
    table(f"{found.title} (UTC)", heads, [list(row.values()) for row in rows], free=found.report.columns)
