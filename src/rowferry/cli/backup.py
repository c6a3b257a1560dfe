"""`rowferry backup`."""

from contextlib import closing

import click

from rowferry.avro.codecs import CODECS, DEFAULT_CODEC
from rowferry.backups.manifest import Manifest
from rowferry.cli.options import at_database, caller, database_option, json_option, open_service
from rowferry.cli.output import done, say, say_json, table
from rowferry.cli.progress import row_progress
from rowferry.cli.signals import observed_by
from rowferry.events import BackupWritten, Event, LeftoversRemoved
from rowferry.observers.logging import Log
from rowferry.operations.backup_table import BackupOptions, backup_table
from rowferry.operations.lost_backups import open_backups


@click.command()
@click.argument("tables", nargs=-1, metavar="[TABLE]...", help="The tables (default: all).")
@click.option(
    "--codec",
    type=click.Choice(list(CODECS)),
    default=DEFAULT_CODEC,
    help="How files are compressed; every Avro reader supports deflate and null.",
)
@database_option
@json_option
def backup(tables: tuple[str, ...], codec: str, database_url: str | None, as_json: bool) -> None:
    """Back tables up to Avro files in BACKUP_DIR, all from one snapshot, without blocking writers.

    Next to each file is a manifest with its size and hash, which `rowferry verify` checks.
    """
    service = open_service(database_url)
    wanted = dict.fromkeys(map(service.catalog.table, tables or service.catalog.names))
    in_order = [rules for rules in service.catalog if rules in wanted]
    store, options = open_backups(service.backend, service.settings.backup_dir), BackupOptions(caller(), codec)
    with (
        closing(Log(service.settings.log_dir, "backup_table")) as log,
        row_progress(as_json=as_json) as progress,
    ):
        removed: list[str] = []
        notes: dict[str, list[str]] = {}

        def note(event: Event) -> None:
            if isinstance(event, LeftoversRemoved):
                removed.extend(event.files)
            elif isinstance(event, BackupWritten):
                notes[event.backup_id] = list(event.notes)

        observe = observed_by(progress, log, note)
        manifests = backup_table(service.backend, store, in_order, options, observe)
    with done():
        if as_json:
            say_json({"backups": [manifest.as_dict() | {"notes": notes[manifest.backup_id]} for manifest in manifests]})
            return
        show(manifests)
        for manifest in manifests:
            for remark in notes[manifest.backup_id]:
                say(f"{manifest.table}: {remark}.", "bold yellow")
        if removed:
            say(f"Removed because they had no manifest: {', '.join(removed)}.", "bold yellow")
        say(f"Written to {store.folder}. Verify them with: rowferry verify --all{at_database(database_url)}")


def show(manifests: list[Manifest]) -> None:
    """Show people which backups were written."""
    rows = [[manifest.backup_id, manifest.rows, manifest.bytes, manifest.codec] for manifest in manifests]
    table("Backups", [("backup", False), ("rows", True), ("bytes", True), ("codec", False)], rows, tight=True)
