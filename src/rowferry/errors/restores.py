"""Errors of restores, and of the choice of a backup for them."""

from rowferry.errors.root import RowferryError, UsageError


class RestoreBlocked(RowferryError):
    """{table} is not restored: {reason}"""

    code = "restore.blocked"
    hint = "Nothing was changed. {hints}"


class RestoreMiscounted(RowferryError):
    """{table} has {rows} rows after its restore, and should have {expected}"""

    code = "restore.miscounted"
    hint = "Everything was rolled back. Please report this; it should never happen."


class ValueUnkept(RowferryError):
    """{table}.{column} is {value} in the row of {key}, which this database cannot keep"""

    code = "restore.value_unkept"
    hint = "Nothing was changed. Restore it into a database like the one that it was backed up from."


class RestoreInterrupted(RowferryError):
    """The restore was interrupted"""

    code = "restore.interrupted"
    hint = "Nothing was changed. Start it again: a restore either happens whole or not at all."


class RestoreUnknown(UsageError):
    """There is no restore {restore_id!r}"""

    code = "restore.unknown"
    hint = "See the restores with `rowferry restores` or GET /restores."


class BackupMissing(RowferryError):
    """There is no good backup of {table}: {reason}"""

    code = "restore.no_backup"
    hint = (
        "Nothing was changed. Is it the right BACKUP_DIR? See what there is with `rowferry backups`; make one with "
        "`rowferry backup {table}`."
    )


class BackupOfAnother(UsageError):
    """{backup} is a backup of {found}, not of {table}"""

    code = "restore.other_table"
    hint = "Restore the table that it was made of, or choose another backup: see `rowferry backups`."


class BackupUnverified(UsageError):
    """{path} is no backup in BACKUP_DIR, so nothing proves what is in it"""

    code = "restore.unverified"
    hint = "Say --unverified to take it all the same: every row of it is judged, as those of any other file are."


class ParentsNotBackedUp(UsageError):
    """There is no good backup of {parent} from the same snapshot as {backup}"""

    code = "restore.parents_not_backed_up"
    hint = (
        "Restore without the parents, or take a backup whose parents have the same snapshot_id, which "
        "`rowferry backups --json` (API: GET /backups) tells. Where no backup is named, the newest such one is taken."
    )
