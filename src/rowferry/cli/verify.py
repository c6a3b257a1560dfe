"""`rowferry verify`."""

from contextlib import closing

import click

from rowferry.cli.options import caller, database_option, json_option, open_service
from rowferry.cli.output import done, say, say_json, table
from rowferry.cli.progress import row_progress
from rowferry.cli.signals import observed_by
from rowferry.errors import NothingChosen
from rowferry.observers.logging import Log
from rowferry.operations.lost_backups import open_backups
from rowferry.operations.verify_backup import verify_backup, verify_every


@click.command()
@click.argument("backups", nargs=-1, metavar="[BACKUP]...", help="The ids of backups.")
@click.option("--all", "every", is_flag=True, help="All backups in BACKUP_DIR.")
@database_option
@json_option
def verify(backups: tuple[str, ...], every: bool, database_url: str | None, as_json: bool) -> None:
    """Prove that backups are as they were written, and that their values can be restored.

    Stops at the first damage, with exit code 3, and says which file is damaged, where, and in which block; or at the
    first value that a restore would reject by the current rules, with its row and key.
    """
    if bool(backups) == every:
        raise NothingChosen(what="backups")
    service = open_service(database_url)
    store = open_backups(service.backend, service.settings.backup_dir)
    with (
        closing(Log(service.settings.log_dir, "verify_backup")) as log,
        row_progress(as_json=as_json) as progress,
    ):
        observe = observed_by(progress, log)
        if every:
            found = verify_every(service.backend, store, service.catalog, caller(), observe)
        else:
            found = [
                verify_backup(service.backend, store, service.catalog, backup, caller(), observe) for backup in backups
            ]
    with done():
        if as_json:
            shown = [
                {**verified.manifest.as_dict(), "verified_at": verified.verified_at, "damage": None}
                for verified in found
            ]
            say_json({"backups": shown})
            return
        rows = [
            [verified.manifest.backup_id, verified.manifest.rows, verified.manifest.bytes, f"{verified.seconds:.2f}"]
            for verified in found
        ]
        heads = [("backup", False), ("rows", True), ("bytes", True), ("seconds", True)]
        table("Good backups", heads, rows, tight=True) if rows else say("There is no backup to verify.")
