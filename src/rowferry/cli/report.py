"""`rowferry report`: a command for each report, built in or of a user's own."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

import click

from rowferry import lazy
from rowferry.bootstrap import Service, own_reports
from rowferry.cli.group import Group
from rowferry.cli.options import OUTPUT_FILE, database_option, json_option, open_service, spare_kept
from rowferry.cli.output import done, say, say_json, table, written
from rowferry.errors import OptionInvalid
from rowferry.files.atomic_write import write_atomically
from rowferry.reports.listed import REPORTS, offered, report_unknown
from rowferry.reports.own.declarations import OwnReport, Parameter
from rowferry.reports.report import Answered, Report, answer
from rowferry.reports.spreadsheet import as_csv
from rowferry.reports.year import Year
from rowferry.settings import read_settings

if TYPE_CHECKING:  # imported when they are asked for: what draws pictures is large
    from rowferry.reports import picture
    from rowferry.reports.own import answer as own
else:
    picture = lazy.module("rowferry.reports.picture")
    own = lazy.module("rowferry.reports.own.answer")

Form = Literal["table", "json", "csv", "svg", "png"]

_FORMS: tuple[Form, ...] = get_args(Form)

_PICTURES = ("svg", "png")

_FOUND = f"{__name__}.found"

Ask = Callable[[Service], Answered]

Asking = Callable[[dict[str, str]], Ask]


class Reports(Group):
    """Finds the reports that are offered when it is asked for them: those of a user's own are files."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        settings = read_settings()
        return [*offered(settings.models, settings.url.get_backend_name()), *_own_reports(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.commands:
            return super().get_command(ctx, cmd_name)
        found = _own_reports(ctx)
        if cmd_name not in found:
            raise report_unknown(cmd_name, found)
        return _own_command(found[cmd_name])


def _own_reports(ctx: click.Context) -> dict[str, OwnReport]:
    """The reports of a user's own, whose files are read once in a command, however often they are asked for."""
    if _FOUND not in ctx.meta:
        ctx.meta[_FOUND] = own_reports(read_settings())
    found: dict[str, OwnReport] = ctx.meta[_FOUND]
    return found


@click.group(cls=Reports, invoke_without_command=True)
@json_option
@click.pass_context
def report(ctx: click.Context, as_json: bool) -> None:
    """Answer questions about the tables: as a table, JSON, CSV for spreadsheets, or a picture (SVG or PNG).

    Each report is a command. Files in ROWFERRY_REPORTS become reports of one's own, with their parameters as options.
    Without a name, it lists all reports.
    """
    if ctx.invoked_subcommand is not None:
        if as_json:
            raise click.UsageError(f"Put the options of {ctx.invoked_subcommand} after it", ctx)
        return
    names = report.list_commands(ctx)
    found = [{"name": name, "help": _first_line(report.get_command(ctx, name))} for name in names]
    if as_json:
        say_json({"reports": found})
    elif found:
        table(
            "Reports", [("name", False), ("answers", False)], [list(each.values()) for each in found], free=("answers",)
        )
    else:
        say("There are no reports: set ROWFERRY_REPORTS to a folder of them.")


def _first_line(command: click.Command | None) -> str:
    return (command.help if command and command.help else "").partition("\n")[0]


def _command(name: str, about: str, options: list[click.Option], ask: Asking, *, pictured: bool) -> click.Command:
    """The command of a report; `ask` makes of the values of its own options what is asked of a service."""

    def run(
        form: Form | None, output: Path | None, database_url: str | None, as_json: bool, **given: str | None
    ) -> None:
        ask_service = ask({option: value for option, value in given.items() if value is not None})
        chosen = _form(form, output, as_json=as_json)
        if chosen in _PICTURES and not pictured:
            raise OptionInvalid(option="--format", value=chosen, allowed="The report declares no chart.")
        service = open_service(database_url)
        if output:
            spare_kept(output, service)
        _tell(ask_service(service), chosen, output, as_json=as_json)

    command = click.command(name, help=about)(_form_option(_output_option(database_option(json_option(run)))))
    command.params[:0] = options
    return command


_form_option = click.option(
    "--format",
    "form",
    type=click.Choice(_FORMS),
    help="The format (default: table, or as the name of --output ends).",
)
_output_option = click.option("--output", type=OUTPUT_FILE, metavar="FILE", help="Write it to a file.")


def _tell(found: Answered, form: Form, output: Path | None, *, as_json: bool) -> None:
    if output:
        write_atomically(output, [_rendered(found, form)])
        with done():
            _say_written(found, output, as_json=as_json)
    elif form == "table":
        _show(found)
    else:
        rendered = _rendered(found, form)
        with written():
            sys.stdout.flush()
            sys.stdout.buffer.write(rendered)


def _built_in(found: Report) -> click.Command:
    """The command of a report about a year."""

    def ask(given: dict[str, str]) -> Ask:
        year = Year.parse(given["year"])
        return lambda service: answer(found, service.backend, service.catalog, year)

    year = click.Option(["--year"], default="2021", help="The year, in UTC.")
    return _command(found.name, found.about, [year], ask, pictured=True)


def _own_command(found: OwnReport) -> click.Command:
    """The command of a report of a user's own; its parameters are judged by the grammar of their kinds."""

    def ask(given: dict[str, str]) -> Ask:
        found.judge(given)
        return lambda service: own.ask(found, service.backend, given, service.settings.report_seconds)

    about = f"{found.title}.\n\n{found.description}" if found.description else f"{found.title}."
    return _command(found.name, about, list(map(_option, found.parameters)), ask, pictured=found.chart is not None)


def _option(parameter: Parameter) -> click.Option:
    default = "required" if parameter.required else f"default: {parameter.default or 'none'}"
    spelled = f"--{parameter.name.replace('_', '-')}"
    about = f"{parameter.doc} ({default})".strip()
    return click.Option([spelled, parameter.name], metavar=parameter.kind.name.upper(), help=about)


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


def _rendered(found: Answered, form: Form) -> bytes:
    if form == "json":
        return (json.dumps(found.as_dict(), ensure_ascii=False) + "\n").encode()
    if form == "csv":
        return as_csv(found).encode()
    return (picture.svg(found) + "\n").encode() if form == "svg" else picture.png(found)


def _say_written(found: Answered, output: Path, *, as_json: bool) -> None:
    if as_json:
        say_json({"report": found.name, **found.subject, "file": str(output)})
    else:
        say(f"Wrote {output}. {found.title}: {len(found.rows):,} rows.")


def _show(found: Answered) -> None:
    rows = list(found.cells())
    if not rows:
        say(found.emptiness)
        return
    heads = [(name, not isinstance(value, str)) for name, value in zip(found.columns, rows[0], strict=True)]
    shown = [["" if value is None else value for value in row] for row in rows]
    table(f"{found.title} (UTC)", heads, shown, free=found.columns)


for _each in REPORTS.values():
    report.add_command(_built_in(_each))
