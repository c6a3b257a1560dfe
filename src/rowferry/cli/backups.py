"""`rowferry backups` and `rowferry backups prune`."""

from contextlib import closing
from typing import Any

import click

from rowferry import ledger
from rowferry.backups.store import BackupStore
from rowferry.cli.backup import show
from rowferry.cli.group import Group
from rowferry.cli.options import Integer, at_database, database_option, json_option, open_service
from rowferry.cli.output import done, say, say_json, table
from rowferry.observers.logging import Log
from rowferry.operations.list_backups import list_backups
from rowferry.operations.lost_backups import open_backups, require_not_lost
from rowferry.operations.prune_backups import PruneOptions, prune_backups
from rowferry.settings import read_settings


@click.group(cls=Group, invoke_without_command=True)
@click.option("--table", "of_table", metavar="TABLE", help="Only those of this table.")
@database_option
@json_option
@click.pass_context
def backups(ctx: click.Context, of_table: str | None, database_url: str | None, as_json: bool) -> None:
    """List the backups in BACKUP_DIR, newest first, each with the result of its last verification."""
    if ctx.invoked_subcommand is not None:
        if of_table or database_url or as_json:
            raise click.UsageError(f"Put the options of {ctx.invoked_subcommand} after it", ctx)
        return
    service = open_service(database_url)
    if of_table:
        service.catalog.table(of_table)
    found, damaged = list_backups(service.backend, open_backups(service.backend, service.settings.backup_dir), of_table)
    if as_json:
        say_json({"backups": found})
        return
    if found:
        heads = [("backup", False), ("rows", True), ("bytes", True), ("verified", False)]
        table("Backups", heads, [[b["backup_id"], b["rows"], b["bytes"], _verified(b)] for b in found], tight=True)
    else:
        with service.backend.errors(), service.backend.engine.connect() as connection:
            made = ledger.count_backups(connection)
        first = f"No backups yet. Make the first one: rowferry backup{at_database(database_url)}"
        say(f"There are none in {service.settings.backup_dir}, but the ledger lists {made}." if made else first)
    for error in damaged:
        say(f"{error.message}.", style="bold red")


def _verified(backup: dict[str, Any]) -> str:
    if backup["verified_at"] is None:
        return "never"
    at = backup["verified_at"][:16].replace("T", " ")
    return f"DAMAGED {at}" if backup["damage"] else f"good {at}"


@backups.command()
@click.option("--keep-last", type=Integer(0), metavar="N", help="Keep the newest N backups of each table.")
@click.option(
    "--keep-days",
    type=Integer(0, 1_000_000),
    metavar="D",
    help="Keep backups less than D days older than the second-newest backup of their table.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be removed; remove nothing.")
@json_option
def prune(keep_last: int | None, keep_days: int | None, dry_run: bool, as_json: bool) -> None:
    """Remove old backups. A backup stays if any option keeps it; the last good backup of each table always stays."""
    settings = read_settings()
    with closing(Log(settings.log_dir, "backup_table")) as log:
        store = BackupStore(settings.backup_dir)
        if not store.folders():  # else there is no need of the database
            require_not_lost(open_service(None).backend, store)
        removed = prune_backups(store, PruneOptions(keep_last, keep_days, dry_run), log)
    with done():
        if as_json:
            say_json({"backups": [manifest.as_dict() for manifest in removed], "dry_run": dry_run})
            return
        if removed:
            show(removed)
        verb = "would be removed" if dry_run else "removed"
        say(f"{len(removed)} backup{'' if len(removed) == 1 else 's'} {verb}.")
