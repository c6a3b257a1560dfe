"""Options that several commands have."""

import getpass
import re
import shlex
import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, get_args

import click
from sqlalchemy.engine import make_url

from rowferry.bootstrap import Service
from rowferry.cli.garbage import collect_garbage
from rowferry.errors import OutputTaken
from rowferry.errors.sources import UrlUnsupported
from rowferry.operations.load_options import OnConflict
from rowferry.settings import Settings, masked_url, read_settings
from rowferry.sources.csv.form import Header


class Integer(click.IntRange):
    """An integer between two bounds; what is none is told so, and not that it is no range."""

    name = "integer"


class OutputFile(click.Path):
    """A file to be written. What was meant as another option does not become its name."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if str(value) == "-" or str(value).startswith("--"):
            self.fail(f"{str(value)!r} is not a file name; use /dev/stdout, or ./{value}", param, ctx)
        return super().convert(value, param, ctx)


class InputFile(click.Path):
    """A file or folder on disk, or -; a URL is refused as what it is, before its slashes get lost."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", str(value)):
            raise UrlUnsupported(path=value)
        return super().convert(value, param, ctx)


FILE = InputFile(path_type=Path, readable=False, allow_dash=True)
"""A file or folder. Whether it can be read is looked at where it is, be it in a folder, and said alike."""

OUTPUT_FILE = OutputFile(path_type=Path, readable=False)

database_option = click.option(
    "--database-url", metavar="URL", help="The database (default: SQLALCHEMY_DATABASE_URL, else sqlite:///rowferry.db)."
)
on_conflict_option = click.option(
    "--on-conflict",
    type=click.Choice(get_args(OnConflict)),
    default="reject",
    help="A row whose key is already in the table with other values: reject it, skip it, or update the table.",
)
all_or_nothing_option = click.option("--all-or-nothing", is_flag=True, help="Insert nothing if any row is rejected.")
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Write one JSON object to standard output, and nothing else."
)


_CSV_FORM = (
    click.option(
        "--header",
        type=click.Choice(get_args(Header)),
        default="auto",
        help="Whether the first row is a header; auto: if at least half its cells are names of columns.",
    ),
    click.option(
        "--delimiter",
        metavar="CHARACTER",
        help="What separates fields: one character, or the word tab (default: as in a sep= line, else a comma).",
    ),
    click.option(
        "--null",
        multiple=True,
        metavar="WORD",
        help="A word that means a missing value unless it is quoted; may be repeated.",
    ),
    click.option(
        "--rename",
        multiple=True,
        metavar="NAME=COLUMN",
        help="The name of a column in a file, and the column of the table; may be repeated.",
    ),
    click.option(
        "--ignore-columns",
        multiple=True,
        metavar="NAME,…",
        help="Columns of a file to skip; '\"\"' is a column without a name.",
    ),
)


def csv_form_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say how CSV files are written."""
    for option in reversed(_CSV_FORM):
        command = option(command)
    return command


def open_service(database_url: str | None) -> Service:
    """The service on the database that was asked for, ready for work."""
    service = service_with(read_settings(database_url))
    service.start()
    return service


def service_with(settings: Settings) -> Service:
    """A service that is closed at the end of the command."""
    service = Service(settings)
    collect_garbage()
    click.get_current_context().call_on_close(service.close)
    return service


def spare_kept(output: Path, service: Service, sources: Iterable[str] = ()) -> None:
    """Raise OutputTaken if a file to be written is the database, or one that rows were loaded from."""
    kept = dict.fromkeys(sources, "the file that the rows come from")
    if service.backend.capabilities.embedded:
        kept[str(service.settings.url.database)] = "the database"
    for path, taken in kept.items():
        if output.exists() and Path(path).exists() and output.samefile(path):
            raise OutputTaken(path=output, taken=taken)


def at_database(database_url: str | None) -> str:
    """What makes another command use the same database; a URL with a password in it is not repeated."""
    if database_url is None:
        return ""
    is_secret = "***" in masked_url(make_url(database_url))
    return f" --database-url {'URL' if is_secret else shlex.quote(database_url)}"


def caller() -> str:
    """Who runs the command."""
    return f"{getpass.getuser()}@{socket.gethostname()}"
