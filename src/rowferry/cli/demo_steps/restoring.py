"""Steps of the demo: back the tables up, damage one, see what a restore would do, restore it and prove it equal."""

import hashlib

from sqlalchemy import delete, insert, select, update

from rowferry.backups.store import BackupStore
from rowferry.cli.backup import show as show_backups
from rowferry.cli.demo_steps.stage import AT_DATABASE, Stage, ignore
from rowferry.cli.options import caller
from rowferry.cli.output import say
from rowferry.cli.restore import show
from rowferry.operations.backup_table import BackupOptions, backup_table
from rowferry.operations.restore_receipt import RestoreClaim, RestoreOptions, RestoreReceipt
from rowferry.operations.restore_sources import RestoreFinder
from rowferry.operations.restore_table import restore_table

_TABLE = "hired_employees"


def back_up(stage: Stage) -> None:
    """Back all tables up to Avro files, from one snapshot, each with a manifest to verify it."""
    options = BackupOptions(caller())
    manifests = backup_table(stage.service.backend, _store(stage), list(stage.service.catalog), options, ignore)
    show_backups(manifests)
    stage.shown["backups"] = [manifest.as_dict() for manifest in manifests]
    stage.next_commands.append((f"rowferry backup {AT_DATABASE}", "backups of your own, in the folder backups/"))


def damage_table(stage: Stage) -> None:
    """Damage a table, as a statement with the wrong WHERE would: rows are deleted, changed and added."""
    stage.shown["rows_sha256"] = [_fingerprint(stage)]
    table = stage.service.catalog.table(_TABLE).table
    with stage.service.backend.engine.begin() as connection:
        row = connection.execute(select(table).order_by(table.c.id).limit(1)).mappings().one()
        deleted = connection.execute(delete(table).where(table.c.id.between(100, 199))).rowcount
        changed = connection.execute(update(table).where(table.c.id > 1_900).values(name="Nobody")).rowcount
        connection.execute(insert(table), {**row, "id": 9_999})
    say(f"{deleted} rows of {_TABLE} are gone, {changed} have another name, and 1 is new.")
    stage.shown["rows_sha256"].append(_fingerprint(stage))


def rehearse_restore(stage: Stage) -> None:
    """See what a restore would do: nothing is written."""
    receipt = _restore(stage, dry_run=True)
    show(receipt, f" {AT_DATABASE}")
    stage.shown["restore_dry_run"] = receipt.as_dict()


def restore(stage: Stage) -> None:
    """Restore the table from its newest good backup, and prove that every value is what it was."""
    receipt = _restore(stage, dry_run=False)
    show(receipt, f" {AT_DATABASE}")
    stage.shown["restore"] = receipt.as_dict()
    stage.shown["rows_sha256"].append(_fingerprint(stage))
    before, damaged, after = stage.shown["rows_sha256"]
    say(f"SHA-256 of all rows before the damage: {before}")
    say(f"                    when damaged:      {damaged}")
    say(f"                    when restored:     {after}  {'equal' if before == after else 'NOT EQUAL'}")
    stage.next_commands.append((f"rowferry restores {AT_DATABASE}", "all restores so far, and what each changed"))


def _store(stage: Stage) -> BackupStore:
    return BackupStore(stage.folder / "backups")


def _restore(stage: Stage, *, dry_run: bool) -> RestoreReceipt:
    service, options = stage.service, RestoreOptions(dry_run=dry_run)
    finder = RestoreFinder(service.backend, _store(stage), service.catalog)
    sources = finder.find(service.catalog.table(_TABLE), None, options)
    return restore_table(service.backend, service.catalog, sources, options, ignore, RestoreClaim.new(caller()))


def _fingerprint(stage: Stage) -> str:
    """A hash of all rows in key order, short enough to be compared by eye."""
    table, found = stage.service.catalog.table(_TABLE).table, hashlib.sha256()
    with stage.service.backend.engine.connect() as connection:
        for row in connection.execute(select(table).order_by(table.c.id)):
            found.update(repr(tuple(row)).encode())
    return found.hexdigest()[:16]
