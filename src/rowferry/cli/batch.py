"""`rowferry batch`."""

import sys
from contextlib import closing
from pathlib import Path

import click

from rowferry.cli.options import (
    all_or_nothing_option,
    at_database,
    caller,
    database_option,
    json_option,
    on_conflict_option,
    open_service,
)
from rowferry.cli.output import EXIT_DONE, EXIT_FAILED, EXIT_REJECTED, done, say, say_json_text, table
from rowferry.cli.signals import observed_by
from rowferry.errors import FileMissing, SourceUnreadable
from rowferry.observers.logging import Log
from rowferry.operations.batch_receipt import BatchClaim, BatchOptions, BatchReceipt
from rowferry.operations.batch_transactions import batch_transactions
from rowferry.operations.load_options import OnConflict
from rowferry.sources.json.batch_text import MAX_BODY_BYTES

_SHOWN = 50


@click.command()
@click.argument("file", help="A JSON file, or - for standard input.")
@on_conflict_option
@all_or_nothing_option
@database_option
@json_option
def batch(file: str, on_conflict: OnConflict, all_or_nothing: bool, database_url: str | None, as_json: bool) -> None:
    """Insert 1 to 1000 rows into any tables, in one transaction.

    The file is {"TABLE": [{"COLUMN": VALUE, ...}, ...], ...}. Rows may refer to each other. A row that breaks a rule
    is not inserted, but kept with all its faults: see `rowferry rejects`.
    """
    body = _read(file)
    service = open_service(database_url)
    claim = BatchClaim.new(caller(), "standard input" if file == "-" else Path(file).name)
    options = BatchOptions(on_conflict, all_or_nothing)
    with closing(Log(service.settings.log_dir, "batch_transactions")) as log:
        receipt = batch_transactions(service.backend, service.catalog, body, options, observed_by(log), claim)
    assert isinstance(receipt, BatchReceipt)  # noqa: S101  # without a key, nothing is a repeat
    code = EXIT_REJECTED if receipt.rejected else EXIT_DONE
    with done(EXIT_FAILED if receipt.status == "refused" else code):
        if as_json:
            say_json_text(receipt.as_json())
        else:
            show(receipt, at_database(database_url))


def _read(file: str) -> bytes:
    """The file, but no more of it than one byte too much."""
    if file == "-":
        return sys.stdin.buffer.read(MAX_BODY_BYTES + 1)
    path = Path(file)
    if not path.exists():
        raise FileMissing(path=path)
    try:
        with path.open("rb") as opened:
            return opened.read(MAX_BODY_BYTES + 1)
    except OSError as error:
        raise SourceUnreadable(path=path, reason=error.strerror or str(error)) from error


def show(receipt: BatchReceipt, at: str = "") -> None:
    """Show people what became of the rows; `at` makes the commands that it names use the same database."""
    counts = ("inserted", "updated", "unchanged")
    rejected = dict.fromkeys(receipt.inserted, 0)
    for row in receipt.rejected:
        rejected[row.table] += 1
    rows = [[name, *(getattr(receipt, count)[name] for count in counts), rejected[name]] for name in receipt.inserted]
    heads = [("table", False), *((count, True) for count in counts), ("rejected", True)]
    table(f"Batch {receipt.batch_id}", heads, rows)
    if receipt.rejected:
        _show_rejected(receipt, at)
    if receipt.status == "refused":
        say("Nothing was inserted, because the batch was all or nothing.", style="bold red")


def _show_rejected(receipt: BatchReceipt, at: str) -> None:
    rows = [
        [row.table, row.index, "\n".join(f"{e['code']}: {e['message']}" for e in row.errors), row.row]
        for row in receipt.rejected[:_SHOWN]
    ]
    table(
        "Rejected",
        [("table", False), ("index", True), ("why", False), ("as it was sent", False)],
        rows,
        free=("why", "as it was sent"),
    )
    if len(receipt.rejected) > _SHOWN:
        say(f"These are the first {_SHOWN}. To see all: rowferry rejects {receipt.batch_id}{at}")
