"""`rowferry models`: modules of tables, proposed from what there is."""

from functools import partial
from pathlib import Path
from typing import Any, get_args

import click
from sqlalchemy import URL

from rowferry.bootstrap import faults_of, faults_on_database, open_backend, own_names
from rowferry.cli.group import Group
from rowferry.cli.options import OUTPUT_FILE, json_option
from rowferry.cli.output import say_json, say_source
from rowferry.drafts.draft import Draft
from rowferry.drafts.from_csv import MOST_ROWS, draft_of_files
from rowferry.drafts.from_database import draft_of_database
from rowferry.drafts.module import module_text
from rowferry.errors import FileMissing, NothingToServe, OptionInvalid
from rowferry.files.atomic_write import write_atomically
from rowferry.settings import read_settings
from rowferry.sources.csv.form import Header, csv_form

output_option = click.option(
    "--output", type=OUTPUT_FILE, metavar="FILE", help="Write the module into this file (default: standard output)."
)


@click.group(cls=Group, no_args_is_help=False)
def models() -> None:
    """Write a module of tables for ROWFERRY_MODELS, from a database or from CSV files."""


@models.command("from-database")
@click.argument("url", required=False, metavar="[URL]", help="The database (default: SQLALCHEMY_DATABASE_URL).")
@click.option(
    "--schema",
    "schemas",
    multiple=True,
    metavar="NAME",
    help="A schema of tables, which the classes name (default: that of the connection); may be repeated.",
)
@click.option("--table", "tables", multiple=True, metavar="TABLE", help="Only this table; may be repeated.")
@output_option
@json_option
def from_database(
    url: str | None, schemas: tuple[str, ...], tables: tuple[str, ...], output: Path | None, as_json: bool
) -> None:
    """Write the tables of a database as a module that is served as it stands.

    What cannot be served is left out, and named in a comment with the reason. The database is only read.
    """
    settings = read_settings(url)
    backend = open_backend(settings)
    if schemas and not backend.capabilities.schemas:
        allowed = f"{backend.capabilities.name} has no schemas; leave it out."
        raise OptionInvalid(option="--schema", value=schemas[0], allowed=allowed)
    _require_file(settings.url, embedded=backend.capabilities.embedded)
    backend.only_read()
    with backend.errors(), backend.engine.connect() as connection:
        faults = partial(faults_on_database, backend=backend, connection=connection)
        draft = draft_of_database(connection, faults, own_names(backend, connection), schemas, tables)
    backend.engine.dispose()
    _write(draft, f"Tables of {settings.url.database}.", output, as_json=as_json)


@models.command("from-csv")
@click.argument("folder", type=click.Path(path_type=Path), metavar="FOLDER")
@click.option("--encoding", default="utf-8", help="The character set of the files.")
@click.option(
    "--header",
    type=click.Choice(get_args(Header)),
    default="auto",
    help="Whether the first row is a header; auto: if it is like names and unlike the rows below it.",
)
@click.option("--delimiter", metavar="CHARACTER", help="What separates fields (default: what fits the first rows).")
@click.option("--null", multiple=True, metavar="WORD", help="A word that means a missing value; may be repeated.")
@click.option("--rows", type=click.IntRange(min=1), default=MOST_ROWS, help="Read so many rows of a file at most.")
@output_option
@json_option
def from_csv(folder: Path, encoding: str, rows: int, output: Path | None, as_json: bool, **said: Any) -> None:
    """Propose tables for the CSV files of a folder: types, keys and references, each with its evidence in a comment.

    Each file is read once. Nothing is proposed that the rows contradict; read the module before you use it.
    """
    settings = read_settings()
    backend = open_backend(settings)
    faults = partial(faults_of, backend=backend, dialect=settings.url.get_backend_name())
    draft = draft_of_files(folder, faults, csv_form(**said), encoding, rows)
    backend.engine.dispose()
    _write(draft, f"Tables for the files in {folder.name or folder}.", output, as_json=as_json)


def _require_file(url: URL, *, embedded: bool) -> None:
    """Raise FileMissing if there is no such database: to connect would make an empty one."""
    name = url.database or ""
    if embedded and not name.startswith("file:") and not Path(name).exists():
        raise FileMissing(path=name)


def _write(draft: Draft, title: str, output: Path | None, *, as_json: bool) -> None:
    if not draft.tables:
        raise NothingToServe(reason="; ".join(draft.notes) or "there are none")
    text = module_text(draft, title)
    if output is not None:
        write_atomically(output, [text.encode()])
    if as_json:
        say_json({"tables": [table.key for table in draft.tables], "notes": draft.notes, "module": text})
    elif output is None:
        say_source(text)
