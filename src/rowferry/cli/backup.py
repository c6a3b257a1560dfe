"""`rowferry backup`."""

import sys
from contextlib import closing
from enum import StrEnum
from typing import Annotated

import typer

from rowferry.cli.options import AsJson, DatabaseUrl, at_database, caller, open_service
from rowferry.cli.output import say, say_json, table
from rowferry.cli.progress import RowProgress
from rowferry.events import Event, LeftoversRemoved
from rowferry.observers.logging import Log
from rowferry.operations.backup_table import BackupOptions, backup_table
from rowferry.streams.backup_store import BackupStore
from rowferry.streams.manifest import Manifest

app = typer.Typer(add_completion=False)


class CodecChoice(StrEnum):
    """The codecs, as the command line knows choices."""

    deflate = "deflate"
    snappy = "snappy"
    zstandard = "zstandard"
    null = "null"


@app.command()
def backup(
    tables: Annotated[list[str] | None, typer.Argument(metavar="TABLE", help="The tables (default: all).")] = None,
    codec: Annotated[
        CodecChoice, typer.Option(help="How files are compressed; every reader of Avro knows deflate and null.")
    ] = CodecChoice.deflate,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Back tables up to Avro files in BACKUP_DIR, all from one snapshot; nobody is kept from writing meanwhile.

    Beside each file stands a manifest with its size and hash, by which `rowferry verify` proves it.
    """
    service = open_service(database_url)
    wanted = dict.fromkeys(map(service.catalog.table, tables or service.catalog.names))
    in_order = [rules for rules in service.catalog if rules in wanted]
    store, options = BackupStore(service.settings.backup_dir), BackupOptions(caller(), codec.value)
    with (
        closing(Log(service.settings.log_dir, "backup_table")) as log,
        RowProgress(shown=not as_json and sys.stderr.isatty()) as progress,
    ):
        removed: list[str] = []

        def observe(event: Event) -> None:
            progress(event)
            log(event)
            if isinstance(event, LeftoversRemoved):
                removed.extend(event.files)

        manifests = backup_table(service.backend, store, in_order, options, observe)
    if as_json:
        say_json({"backups": [manifest.as_dict() for manifest in manifests]})
    else:
        show(manifests)
        if removed:
            say(f"Removed, as they had no manifest: {', '.join(removed)}.", "bold yellow")
        say(f"In {store.folder}. Prove them with: rowferry verify --all{at_database(database_url)}")


def show(manifests: list[Manifest]) -> None:
    """Show people which backups were written."""
    rows = [[one.backup_id, one.rows, one.bytes, one.codec] for one in manifests]
    table("Backups", [("backup", False), ("rows", True), ("bytes", True), ("codec", False)], rows, tight=True)
