"""`rowferry load`."""

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from rowferry.cli.options import (
    FILE,
    all_or_nothing_option,
    at_database,
    caller,
    csv_form_options,
    database_option,
    json_option,
    on_conflict_option,
    open_service,
)
from rowferry.cli.output import EXIT_DONE, EXIT_REJECTED, done, say, say_json, table
from rowferry.cli.progress import load_progress
from rowferry.cli.signals import observed_by
from rowferry.observers.logging import Log
from rowferry.operations.full_bulk_insert import full_bulk_insert
from rowferry.operations.load_options import LoadClaim, LoadOptions, OnConflict
from rowferry.operations.receipt import Receipt
from rowferry.sources.csv.files import find_files
from rowferry.sources.csv.spooled import spooled


@click.command()
@click.argument("paths", nargs=-1, type=FILE, metavar="[PATH]...", help="Folders, CSV files, or - (default: DATA_DIR).")
@click.option(
    "--table",
    "to_table",
    metavar="TABLE",
    help="Load files into this table, whatever their names; from a folder, those named after it, else those named "
    "after no table.",
)
@click.option("--dry-run", is_flag=True, help="Show what a load would do; write nothing.")
@on_conflict_option
@all_or_nothing_option
@click.option("--max-rejects", metavar="N|P%", help="Insert nothing if more rows than this are rejected.")
@click.option("--encoding", default="utf-8", help="The character set of the files.")
@csv_form_options
@click.option(
    "--exclusive",
    is_flag=True,
    help="Make readers of the tables wait where that is faster (PostgreSQL, many rows, no superuser).",
)
@database_option
@json_option
def load(  # noqa: PLR0913, PLR0917  # each is an option of the command
    paths: tuple[Path, ...],
    to_table: str | None,
    dry_run: bool,
    on_conflict: OnConflict,
    all_or_nothing: bool,
    max_rejects: str | None,
    encoding: str,
    exclusive: bool,
    database_url: str | None,
    as_json: bool,
    **form: Any,
) -> None:
    """Load CSV files into their tables, parents first.

    Every row that obeys the data dictionary is inserted; every other row is kept, with its place and all its faults:
    see `rowferry rejects`. A file is named after its table (<table>.csv, plain or compressed: .csv.gz, .bz2, .xz,
    .zst, .zip); - is standard input, and needs --table. Other users see none of the load or all of it, and running the
    same load twice changes nothing.
    """
    service = open_service(database_url)
    folders = paths or [service.settings.data_dir]
    found = find_files(folders, service.catalog, to_table, confined=not paths)
    options = LoadOptions(on_conflict, all_or_nothing, max_rejects, dry_run, encoding, exclusive, **form)
    with (
        closing(Log(service.settings.log_dir, "full_bulk_insert")) as log,
        spooled(found) as files,
        load_progress(as_json=as_json) as progress,
    ):
        observe = observed_by(progress, log)
        receipt = full_bulk_insert(service.backend, service.catalog, files, options, observe, LoadClaim.new(caller()))
    with done(EXIT_REJECTED if receipt.total("rejected") else EXIT_DONE):
        if as_json:
            say_json(receipt.as_dict())
        else:
            show(receipt, at_database(database_url))


def show(receipt: Receipt, at: str = "") -> None:
    """Show people what became of the rows; `at` makes the commands that it names use the same database."""
    counts = ("rows_read", "inserted", "updated", "unchanged", "rejected")
    rows = [[t.source, *(getattr(t, count) for count in counts), f"{t.seconds:.2f}"] for t in receipt.tables]
    if len(rows) > 1:
        seconds = sum(loaded.seconds for loaded in receipt.tables)
        rows.append(["total", *(receipt.total(count) for count in counts), f"{seconds:.2f}"])
    heads = [("file", False), *((count.removeprefix("rows_"), True) for count in counts), ("seconds", True)]
    table("Dry run: nothing was written" if receipt.dry_run else f"Load {receipt.load_id}", heads, rows)
    _show_notes(receipt)
    by_code: dict[str, int] = {}
    for loaded in receipt.tables:
        for code, count in loaded.rejected_by_code.items():
            by_code[code] = by_code.get(code, 0) + count
    if by_code:
        table("Why rows were rejected", [("code", False), ("rows", True)], [[c, n] for c, n in sorted(by_code.items())])
    if by_code and not receipt.dry_run:
        say(
            f"See each with `rowferry rejects {receipt.load_id}{at}`; get a file to correct and load again with "
            "--csv FILE."
        )


def _show_notes(receipt: Receipt) -> None:
    if receipt.passed_over:
        say(f"Skipped because they are not named after a table: {', '.join(receipt.passed_over)}")
    for loaded in receipt.tables:
        for note in loaded.notes:
            say(f"{loaded.source}: {note}.")
