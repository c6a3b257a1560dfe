"""Errors of restores, and of the choice of a backup for them."""

from rowferry.errors.root import RowferryError, UsageError


class RestoreBlocked(RowferryError):
    """{table} cannot be restored: {reason}"""

    code = "restore.blocked"
    hint = "Nothing was changed. {hints}"


class RestoreMiscounted(RowferryError):
    """{table} has {rows} rows after its restore, but should have {expected}"""

    code = "restore.miscounted"
    hint = "Everything was rolled back. Please report this; it should never happen."


class ValueUnkept(RowferryError):
    """{table}.{column} is {value} in the row with {key}, which this database cannot store"""

    code = "restore.value_unkept"
    hint = "Nothing was changed. Restore it into a database like the one it was backed up from."


class ViewWithoutKey(RowferryError):
    """{table} is a view without a key: which of its rows are to go cannot be said"""

    code = "restore.view"
    hint = "Nothing was changed. Restore the tables that it shows, or give its class a key."


class RestoreInterrupted(RowferryError):
    """The restore was interrupted"""

    code = "restore.interrupted"
    hint = "Nothing was changed. Start it again: a restore is applied completely or not at all."


class RestoreUnknown(UsageError):
    """There is no restore {restore_id!r}"""

    code = "restore.unknown"
    hint = "See the restores with `rowferry restores` or GET /restores."


class BackupMissing(RowferryError):
    """There is no good backup of {table}: {reason}"""

    code = "restore.no_backup"
    hint = (
        "Nothing was changed. Check that BACKUP_DIR is the right folder. See its backups with `rowferry backups`; make "
        "one with `rowferry backup {table}`."
    )


class BackupOfAnother(UsageError):
    """{backup} is a backup of {found}, not of {table}"""

    code = "restore.other_table"
    hint = "Restore the table that the backup was made of, or choose another backup: see `rowferry backups`."


class BackupUnverified(UsageError):
    """{path} is not a backup in BACKUP_DIR, so nothing proves what is in it"""

    code = "restore.unverified"
    hint = "Use --unverified to restore it anyway: each of its rows is judged, as in any other file."


class ParentsNotBackedUp(UsageError):
    """There is no good backup of {parent} from the same snapshot as {backup}"""

    code = "restore.parents_not_backed_up"
    hint = (
        "Restore without the parents, or use a backup whose parents have the same snapshot_id: see `rowferry backups "
        "--json` (API: GET /backups). If no backup is named, the newest such backup is used."
    )
