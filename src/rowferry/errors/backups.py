"""Errors of backups and of the files that hold them."""

from rowferry.errors.root import RowferryError, UsageError


class BackupDamaged(RowferryError):
    """{path} is damaged: {reason}"""

    code = "backup.damaged"
    hint = "Nothing was read from it. Take another backup (`rowferry backups`), and find out what damaged this one."


class BackupUnknown(UsageError):
    """There is no backup {backup_id!r}"""

    code = "backup.unknown"
    hint = "See the backups with `rowferry backups` or GET /backups."


class BackupsUnreadable(RowferryError):
    """{path} cannot be read: {reason}"""

    code = "backup.unreadable"
    hint = "Nobody knows which backups it holds. Check BACKUP_DIR and its folders, and the permissions of each."


class BackupsGone(RowferryError):
    """{path} holds no backup, and the ledger knows of {made}"""

    code = "backup.gone"
    hint = (
        "Check BACKUP_DIR, and whether what should be mounted there is. If all were removed on purpose, make new ones."
    )


class BackupsLost(BackupsGone):
    """{path} holds no backup, and the ledger knows of {made}"""

    code = "backup.gone"
    hint = (
        "Nothing was written there. Check BACKUP_DIR, and whether what should be mounted there is. If it is meant to "
        "be a new folder, say so by making that of a table in it: mkdir -p {path}/{table}"
    )


class BackupsOfAnotherDatabase(BackupsGone):
    """{path} holds backups of another database, and none of the {made} that the ledger knows of"""

    code = "backup.gone"
    hint = (
        "Nothing was written there. Check BACKUP_DIR, and whether another volume is mounted there. If this database is "
        "meant to share it, say so by a line in {file}: echo {backup_id} >> {file}"
    )


class NothingChosen(UsageError):
    """Say which {what}"""

    code = "option.missing"
    hint = "Name them one by one, or say --all; not both."


class BackupNeeded(RowferryError):
    """{backup_id} is the last good backup of {table}"""

    code = "backup.needed"
    hint = "Nothing was removed. Back the table up first, or ask for it by even_last=true."


class AvroUnfit(RowferryError):
    """{path} does not hold rows of a table: {reason}"""

    code = "avro.unfit"
    hint = "A row is a record of plain fields: numbers, texts, instants and so on, each of them with null or without."


class RowTooLong(RowferryError):
    """A row of {table} is longer than {limit} bytes, which no backup can hold"""

    code = "backup.row_too_long"
    hint = "No backup was written. Shorten the row, or keep such values as files outside of the database."


class ValueUnstorable(RowferryError):
    """{table}.{column} holds {value}{where}{because}"""

    code = "backup.value_unstorable"
    hint = "Nothing was written. Another program put it there; correct it in the database."

    def __init__(self, **details: object) -> None:
        super().__init__(**({"where": "", "because": ""} | details))


class BackupUnrestorable(RowferryError):
    """{backup_id} is what was written, but it cannot be restored as it is: {reason}"""

    code = "backup.unrestorable"
    hint = (
        "The rules of its table do not allow it, today. Change them back; or restore it with --partial, which leaves "
        "such rows out and names them."
    )
