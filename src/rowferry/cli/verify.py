"""`rowferry verify`."""

import sys
from contextlib import closing
from typing import Annotated

import typer

from rowferry.cli.options import AsJson, DatabaseUrl, caller, open_service
from rowferry.cli.output import say, say_json, table
from rowferry.cli.progress import RowProgress
from rowferry.errors import NothingChosen
from rowferry.events import Event
from rowferry.observers.logging import Log
from rowferry.operations.verify_backup import verify_backup, verify_every
from rowferry.streams.backup_store import BackupStore

app = typer.Typer(add_completion=False)


@app.command()
def verify(
    backups: Annotated[list[str] | None, typer.Argument(metavar="BACKUP", help="The ids of backups.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All backups in BACKUP_DIR.")] = False,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Prove that backups are what they were when they were written: hash, number of rows, and every block.

    Ends at the first damage, with exit code 3, and says which file is damaged, where, and in which block.
    """
    if bool(backups) == every:
        raise NothingChosen(what="backups")
    service = open_service(database_url)
    store = BackupStore(service.settings.backup_dir)
    with (
        closing(Log(service.settings.log_dir, "verify_backup")) as log,
        RowProgress(shown=not as_json and sys.stderr.isatty()) as progress,
    ):

        def observe(event: Event) -> None:
            progress(event)
            log(event)

        if every:
            found = verify_every(service.backend, store, caller(), observe)
        else:
            found = [verify_backup(service.backend, store, one, caller(), observe) for one in backups or []]
    if as_json:
        shown = [{**one.manifest.as_dict(), "verified_at": one.verified_at, "damage": None} for one in found]
        say_json({"backups": shown})
        return
    rows = [[one.manifest.backup_id, one.manifest.rows, one.manifest.bytes, f"{one.seconds:.2f}"] for one in found]
    heads = [("backup", False), ("rows", True), ("bytes", True), ("seconds", True)]
    table("Good backups", heads, rows, tight=True) if rows else say("There is no backup to verify.")
