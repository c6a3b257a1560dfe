"""`rowferry load`."""

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from rowferry.cli.options import (
    AllOrNothing,
    AsJson,
    Conflict,
    DatabaseUrl,
    OnConflict,
    at_database,
    caller,
    open_service,
)
from rowferry.cli.output import EXIT_DONE, EXIT_REJECTED, say, say_json, table
from rowferry.cli.progress import LoadProgress
from rowferry.cli.signals import ignore_once_finished
from rowferry.events import Event
from rowferry.observers.logging import Log
from rowferry.operations.full_bulk_insert import full_bulk_insert
from rowferry.operations.load_options import LoadClaim, LoadOptions
from rowferry.operations.receipt import Receipt
from rowferry.streams.csv_files import find_files

app = typer.Typer(add_completion=False)


@app.command()
def load(  # noqa: PLR0913, PLR0917  # each is an option of the command
    paths: Annotated[
        list[Path] | None,
        # Whether they can be read is looked at where they are, be it in a folder, and said alike.
        typer.Argument(metavar="PATH", readable=False, help="Folders or CSV files (default: DATA_DIR)."),
    ] = None,
    to_table: Annotated[
        str | None,
        typer.Option("--table", metavar="TABLE", help="Load the files into this table, whatever their names."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what a load would do; write nothing.")] = False,
    on_conflict: OnConflict = Conflict.reject,
    all_or_nothing: AllOrNothing = False,
    max_rejects: Annotated[
        str | None, typer.Option(metavar="N|P%", help="Insert nothing if more rows than this are rejected.")
    ] = None,
    encoding: Annotated[str, typer.Option(help="The character set of the files.")] = "utf-8",
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Load CSV files into their tables, parents first.

    Every row that obeys the data dictionary is inserted; every other row is kept, with its place and all its reasons:
    see `rowferry rejects`. A file is named after its table (<table>.csv, .csv.gz or .csv.zst). Others see none of the
    load or all of it, and the same load run twice changes nothing.
    """
    service = open_service(database_url)
    files = find_files(paths or [service.settings.data_dir], service.catalog, to_table)
    options = LoadOptions(on_conflict.value, all_or_nothing, max_rejects, dry_run, encoding)
    with (
        closing(Log(service.settings.log_dir, "full_bulk_insert")) as log,
        LoadProgress(shown=not as_json and sys.stderr.isatty()) as progress,
    ):

        def observe(event: Event) -> None:
            ignore_once_finished(event)
            progress(event)
            log(event)

        receipt = full_bulk_insert(service.backend, service.catalog, files, options, observe, LoadClaim.new(caller()))
    if as_json:
        say_json(receipt.as_dict())
    else:
        show(receipt, at_database(database_url))
    raise typer.Exit(EXIT_REJECTED if receipt.total("rejected") else EXIT_DONE)


def show(receipt: Receipt, at: str = "") -> None:
    """Show people what became of the rows; `at` makes the commands that it names use the same database."""
    counts = ("rows_read", "inserted", "updated", "unchanged", "rejected")
    rows = [[t.source, *(getattr(t, count) for count in counts), f"{t.seconds:.2f}"] for t in receipt.tables]
    if len(rows) > 1:
        seconds = sum(one.seconds for one in receipt.tables)
        rows.append(["in all", *(receipt.total(count) for count in counts), f"{seconds:.2f}"])
    heads = [("file", False), *((count.removeprefix("rows_"), True) for count in counts), ("seconds", True)]
    table("Dry run: nothing was written" if receipt.dry_run else f"Load {receipt.load_id}", heads, rows)
    by_code: dict[str, int] = {}
    for one in receipt.tables:
        for code, count in one.rejected_by_code.items():
            by_code[code] = by_code.get(code, 0) + count
    if by_code:
        table("Why rows were rejected", [("code", False), ("rows", True)], [[c, n] for c, n in sorted(by_code.items())])
    if by_code and not receipt.dry_run:
        say(
            f"See each with `rowferry rejects {receipt.load_id}{at}`; get a file to correct and load again with "
            "--csv FILE."
        )
