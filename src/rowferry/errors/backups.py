"""Errors of backups and of the files that hold them."""

from rowferry.errors.root import RowferryError, UsageError


class BackupDamaged(RowferryError):
    """{path} is damaged: {reason}"""

    code = "backup.damaged"
    hint = "Nothing was read from it. Use another backup (`rowferry backups`), and find out what damaged this one."


class BackupUnknown(UsageError):
    """There is no backup {backup_id!r}"""

    code = "backup.unknown"
    hint = "See the backups with `rowferry backups` or GET /backups."


class BackupsUnreadable(RowferryError):
    """Cannot read {path}: {reason}"""

    code = "backup.unreadable"
    hint = "It is not known which backups are in it. Check BACKUP_DIR and its folders, and the permissions of each."


class BackupsGone(RowferryError):
    """{path} contains no backups, but the ledger lists {made}"""

    code = "backup.gone"
    hint = (
        "Check BACKUP_DIR, and whether the volume that belongs there is mounted. If all backups were removed on "
        "purpose, make new ones."
    )


class BackupsLost(BackupsGone):
    """{path} contains no backups, but the ledger lists {made}"""

    code = "backup.gone"
    hint = (
        "Nothing was written there. Check BACKUP_DIR, and whether the volume that belongs there is mounted. If it is "
        "meant to be a new folder, confirm this by creating the folder of a table in it: mkdir -p {path}/{table}"
    )


class BackupsOfAnotherDatabase(BackupsGone):
    """{path} contains backups of another database, but none of the {made} that the ledger lists"""

    code = "backup.of_another_database"
    hint = (
        "Nothing was written there. Check BACKUP_DIR, and whether another volume is mounted there. If this database is "
        "meant to share it, confirm this by adding a line to {file}: echo {backup_id} >> {file}"
    )


class NothingChosen(UsageError):
    """Specify which {what}"""

    code = "option.missing"
    hint = "Name them one by one, or use --all; not both."


class BackupNeeded(RowferryError):
    """{backup_id} is the last good backup of {table}"""

    code = "backup.needed"
    hint = "Nothing was removed. Back the table up first, or use even_last=true."


class AvroUnfit(RowferryError):
    """{path} does not contain rows of a table: {reason}"""

    code = "avro.unfit"
    hint = "A row is a record of plain fields, such as numbers, texts or instants, each of which may be nullable."


class RowTooLong(RowferryError):
    """A row of {table} is longer than {limit} bytes, the most that a backup can hold"""

    code = "backup.row_too_long"
    hint = "No backup was written. Shorten the row, or keep such values in files outside the database."


class ValueUnstorable(RowferryError):
    """{table}.{column} contains {value}{where}{because}"""

    code = "backup.value_unstorable"
    hint = "Nothing was written. Another program put it there; correct it in the database."

    def __init__(self, **details: object) -> None:
        super().__init__(**({"where": "", "because": ""} | details))


class BackupUnrestorable(RowferryError):
    """{backup_id} is undamaged, but it cannot be restored as it is: {reason}"""

    code = "backup.unrestorable"
    hint = (
        "The current rules of its table do not allow it. Change them back; or restore it with --partial, which leaves "
        "such rows out and names them."
    )
