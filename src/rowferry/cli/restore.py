"""`rowferry restore`."""

from contextlib import closing
from typing import Any

import click

from rowferry.backups.hashed_ahead import hashed_ahead
from rowferry.backups.store import BackupStore
from rowferry.cli.options import at_database, caller, database_option, json_option, open_service
from rowferry.cli.output import EXIT_DONE, EXIT_FAILED, EXIT_REJECTED, done, say, say_json, table
from rowferry.cli.progress import load_progress
from rowferry.cli.signals import observed_by
from rowferry.dictionary.faults import shown
from rowferry.ledger import RESTORE_COUNTS
from rowferry.observers.logging import Log
from rowferry.operations.restore_receipt import (
    Obstacle,
    RestoreClaim,
    RestoreOptions,
    RestoreReceipt,
    TableChanges,
    format_key,
)
from rowferry.operations.restore_sources import RestoreFinder
from rowferry.operations.restore_table import restore_table
from rowferry.settings import read_settings

_MOST_NAMES = 10


@click.command()
@click.argument("name", metavar="TABLE", help="The table.")
@click.option("--backup", metavar="ID|FILE", help="The backup (default: the newest good one of the table).")
@click.option("--dry-run", is_flag=True, help="Show what would change, and what blocks the restore; write nothing.")
@click.option("--with-parents", is_flag=True, help="Also restore the tables it refers to, from the same snapshot.")
@click.option(
    "--partial", is_flag=True, help="Leave out rows that break a current rule, and keep them as rejected rows."
)
@click.option("--unverified", is_flag=True, help="Accept a file from elsewhere; every row of it is judged.")
@database_option
@json_option
def restore(  # noqa: PLR0913, PLR0917  # each is an option of the command
    name: str,
    backup: str | None,
    dry_run: bool,
    with_parents: bool,
    partial: bool,
    unverified: bool,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Make a table what it was in a backup.

    The backup is verified first, and every row of it is judged by the current rules. Rows that are equal stay
    untouched; other users see the old rows or the new ones, never fewer. If anything blocks the restore, nothing is
    changed, and the obstacles are shown: see what would happen with --dry-run.
    """
    options = RestoreOptions(dry_run=dry_run, with_parents=with_parents, partial=partial, unverified=unverified)
    store = BackupStore(read_settings(database_url).backup_dir)
    with hashed_ahead(store, name, backup) as known:
        service = open_service(database_url)
        finder = RestoreFinder(service.backend, store, service.catalog, known)
        sources = finder.find(service.catalog.table(name), backup, options)
    with (
        closing(Log(service.settings.log_dir, "restore_table")) as log,
        load_progress(as_json=as_json) as progress,
    ):
        observe = observed_by(progress, log)
        receipt = restore_table(service.backend, service.catalog, sources, options, observe, RestoreClaim.new(caller()))
    code = EXIT_REJECTED if receipt.total("rejected") else EXIT_DONE
    with done(EXIT_FAILED if receipt.obstacles else code):
        if as_json:
            say_json(receipt.as_dict())
        else:
            show(receipt, at_database(database_url))


def show(receipt: RestoreReceipt, at: str = "") -> None:
    """Show people what changed, or would, and what stands in the way; `at` is for the commands that it names."""
    _show_passed_over(receipt)
    refused = bool(receipt.obstacles)
    title = f"Restore {receipt.restore_id}"
    if refused or receipt.dry_run:
        title = "Nothing was changed; without the obstacles, the result would be:" if refused else "Dry run"
    rows = [
        [restored.table, restored.backup_id or restored.source, *(getattr(restored, count) for count in RESTORE_COUNTS)]
        for restored in receipt.tables
    ]
    table(title, [("table", False), ("from", False), *((count, True) for count in RESTORE_COUNTS)], rows, tight=True)
    if receipt.dry_run:
        for restored in receipt.tables:
            _show_examples(restored)
    for obstacle in receipt.obstacles:
        _show_obstacle(obstacle)
    for restored in receipt.tables:
        for note in restored.notes:
            say(f"{restored.table}: {note}.")
    if receipt.total("rejected") and not receipt.dry_run:
        say(f"See each rejected row with `rowferry rejects {receipt.restore_id}{at}`.")


def _show_passed_over(receipt: RestoreReceipt) -> None:
    for damage in receipt.passed_over.values():
        say(f"Skipped: {damage}.", "bold yellow")
    for restored in receipt.tables:
        if restored.ignored:
            names = ", ".join(map(shown, restored.ignored[:_MOST_NAMES]))
            more = f", and {len(restored.ignored) - _MOST_NAMES} more" if len(restored.ignored) > _MOST_NAMES else ""
            say(f"Skipped because {restored.table} has no such columns: {names}{more}.", "bold yellow")


def _show_examples(changes: TableChanges) -> None:
    rows = [
        [sort, *(format_key(key) for key in ([found["key"]] if sort == "changed" else [found])), _columns(found, sort)]
        for sort, examples in changes.examples.items()
        for found in examples
    ]
    if rows:
        heads = [("would be", False), ("key", False), ("columns that differ", False)]
        table(f"The first rows of {changes.table}", heads, rows, free=("key", "columns that differ"))


def _columns(found: dict[str, Any], sort: str) -> str:
    return ", ".join(found["columns"]) if sort == "changed" else ""


def _show_obstacle(obstacle: Obstacle) -> None:
    say(f"Obstacle: {obstacle.message}.", "bold red")
    if obstacle.kind != "referred_to":
        rows = [
            [row["row_number"], "\n".join(f"{e['code']}: {e['message']}" for e in row["errors"]), row["raw"]]
            for row in obstacle.examples
        ]
        table(
            "The first of them",
            [("row", True), ("why", False), ("as it is in the backup", False)],
            rows,
            free=("why", "as it is in the backup"),
        )
    say(f"What to do: {obstacle.hint}")
