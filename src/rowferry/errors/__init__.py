"""Every error that the product raises on purpose: a code, a message (the docstring) and a hint of what to do."""

from rowferry.errors.backups import (
    AvroUnfit as AvroUnfit,
    BackupDamaged as BackupDamaged,
    BackupNeeded as BackupNeeded,
    BackupsGone as BackupsGone,
    BackupsLost as BackupsLost,
    BackupsOfAnotherDatabase as BackupsOfAnotherDatabase,
    BackupsUnreadable as BackupsUnreadable,
    BackupUnknown as BackupUnknown,
    BackupUnrestorable as BackupUnrestorable,
    NothingChosen as NothingChosen,
    RowTooLong as RowTooLong,
    ValueUnstorable as ValueUnstorable,
)
from rowferry.errors.commands import (
    CommandMisused as CommandMisused,
    NothingKept as NothingKept,
    NothingLoaded as NothingLoaded,
    OptionInvalid as OptionInvalid,
    OptionUnfit as OptionUnfit,
    OutputTaken as OutputTaken,
    OutputUnwritable as OutputUnwritable,
)
from rowferry.errors.databases import (
    DatabaseFileGone as DatabaseFileGone,
    DatabaseInMemory as DatabaseInMemory,
    DatabaseReadOnly as DatabaseReadOnly,
    DatabaseUnavailable as DatabaseUnavailable,
    DatabaseUnsupported as DatabaseUnsupported,
    DriverUnsupported as DriverUnsupported,
    KeyHeldTwice as KeyHeldTwice,
    KeyNotUnique as KeyNotUnique,
    KeySpelledOtherwise as KeySpelledOtherwise,
    ModelsUnusable as ModelsUnusable,
    NothingToServe as NothingToServe,
    NotWritable as NotWritable,
    SchemaMissing as SchemaMissing,
    models_unusable as models_unusable,
)
from rowferry.errors.folders import FolderUnusable as FolderUnusable
from rowferry.errors.interrupts import follows_interrupt as follows_interrupt
from rowferry.errors.refusals import TableAltered as TableAltered, TooManyRefused as TooManyRefused
from rowferry.errors.reports import (
    ReportParametersUnfit as ReportParametersUnfit,
    ReportRefused as ReportRefused,
    ReportTooLarge as ReportTooLarge,
    ReportTooSlow as ReportTooSlow,
    ReportUnavailable as ReportUnavailable,
    ReportUnknown as ReportUnknown,
    YearInvalid as YearInvalid,
)
from rowferry.errors.restores import (
    BackupMissing as BackupMissing,
    BackupOfAnother as BackupOfAnother,
    BackupUnverified as BackupUnverified,
    ParentsNotBackedUp as ParentsNotBackedUp,
    RestoreBlocked as RestoreBlocked,
    RestoreInterrupted as RestoreInterrupted,
    RestoreMiscounted as RestoreMiscounted,
    RestoreUnknown as RestoreUnknown,
    ValueUnkept as ValueUnkept,
    ViewWithoutKey as ViewWithoutKey,
)
from rowferry.errors.root import RowferryError as RowferryError, UsageError as UsageError
from rowferry.errors.servers import EncodingUnfit as EncodingUnfit, ServerUnsupported as ServerUnsupported
from rowferry.errors.sources import (
    DelimiterUnfit as DelimiterUnfit,
    FileMissing as FileMissing,
    FolderEmpty as FolderEmpty,
    HeaderMissing as HeaderMissing,
    HeaderUnfit as HeaderUnfit,
    PathMissing as PathMissing,
    SourceAmbiguous as SourceAmbiguous,
    SourceBroken as SourceBroken,
    SourceChanged as SourceChanged,
    SourceNotText as SourceNotText,
    SourceUnknown as SourceUnknown,
    SourceUnreadable as SourceUnreadable,
)


class SettingInvalid(UsageError):
    """The setting {name} is not valid: {reason}"""

    code = "setting.invalid"
    hint = "Correct it in the environment or in .env; `rowferry settings` shows the settings in force."


class SettingsInvalid(UsageError):
    """{count} settings are not valid:{faults}"""

    code = "settings.invalid"
    hint = "Correct them in the environment or in .env; `rowferry settings` shows the settings in force."


class TableUnknown(UsageError):
    """There is no table {table!r}"""

    code = "table.unknown"
    hint = "The tables are {names}."


class DatabaseBusy(RowferryError):
    """The database is busy: {reason}"""

    code = "database.busy"
    hint = "Another program is writing to it. Try again in a moment."


class DatabaseRefused(RowferryError):
    """The database refused the operation: {reason}"""

    code = "database.refused"
    hint = "Nothing was changed. Compare the table in the database with `rowferry tables`."


class RightMissing(RowferryError):
    """The database user lacks a privilege: {reason}"""

    code = "database.right"
    hint = "Nothing was changed. Ask the owner of the database to run: {grant}"


class DiskFull(RowferryError):
    """There is no space left: {reason}"""

    code = "disk.full"
    hint = "Nothing was changed. Free space for the database and for temporary files (TMPDIR), then try again."


class FolderFull(DiskFull):
    """There is no space left for {path}: {reason}"""

    code = "disk.full"
    hint = "It was not written, and nothing else was changed. Free space there, or choose another folder."


class TemporaryFull(FolderFull):
    """There is no space left for temporary files in {path} (TMPDIR): {reason}"""

    code = "disk.full"
    hint = "Nothing was changed. Free space there, or set TMPDIR to another folder, then try again."


class SchemaDiffers(RowferryError):
    """The table {table} in the database differs from its model: {reason}"""

    code = "schema.differs"
    hint = (
        "Change the table or the model so that both have the same columns. A column that only the table has is no "
        "obstacle if rows may lack it: let it be nullable, or give it a default."
    )


class DatabaseDiffers(SchemaDiffers):
    """The database differs from the tables of this program: {reason}"""

    code = "schema.differs"
    hint = "Change the tables or their models so that both have the same columns."


class SchemaOlder(RowferryError):
    """The database is new, or was created by an older version of Rowferry: it lacks the migrations {pending}"""

    code = "schema.older"
    hint = "Other programs may be using it, so it is not upgraded automatically: run `rowferry db upgrade`."


class SchemaNewer(RowferryError):
    """The database was upgraded by a newer Rowferry: it is at {found}, but this version only knows {known}"""

    code = "schema.newer"
    hint = "Install the version of Rowferry that upgraded the database, or choose another database."


class RejectsExceeded(RowferryError):
    """{rejected} of {rows_read} rows were rejected, but the limit is {limit}"""

    code = "load.rejects_exceeded"
    hint = "No rows were inserted. See the reasons with {how}, correct the rows, and load again."


class ConservationBroken(RowferryError):
    """{table}: {rows_read} rows were read, but {accounted} are accounted for"""

    code = "load.conservation"
    hint = "Everything was rolled back. Please report this; it should never happen."


class ParentsVanished(RowferryError):
    """Each time rows were about to be inserted, rows that they refer to were missing"""

    code = "database.parents_vanished"
    hint = (
        "Nothing was changed. Try again when nothing deletes rows from the tables they refer to. If nothing did, the "
        "database has a foreign key that is not in the model."
    )


class Interrupted(RowferryError):
    """Interrupted"""

    code = "interrupted"
    hint = "Unfinished work was rolled back; finished work stays: see `rowferry loads` and `restores`."


class Unexpected(RowferryError):
    """An unexpected error occurred"""

    code = "unexpected"
    hint = "Unfinished work was rolled back. Please report this, with what you did, `rowferry --version`, and {log}."


class WorkCancelled(RowferryError):
    """The database cancelled the operation: {reason}"""

    code = "database.cancelled"
    hint = (
        "Nothing was changed. Try again; the service may be about to stop, or the database may limit how long an "
        "operation takes."
    )


class LoadInterrupted(RowferryError):
    """The load was interrupted"""

    code = "load.interrupted"
    hint = "Nothing was changed. Start it again: a load is applied completely or not at all."


class LoadUnknown(UsageError):
    """There is no load {load_id!r}"""

    code = "load.unknown"
    hint = "See the loads with `rowferry loads` or GET /loads."


class PortTaken(RowferryError):
    """Cannot listen on {host}:{port}: {reason}"""

    code = "serve.port"
    hint = "Choose another port with --port, or stop the program that uses this one."


class ServiceExposed(UsageError):
    """{host} can be reached from other machines, and the service does not authenticate its users"""

    code = "serve.exposed"
    hint = (
        "Listen on 127.0.0.1. If something in front of the service restricts access, such as a reverse proxy or the "
        "published address of a container, use --open."
    )


class NothingRejected(UsageError):
    """{load_id} rejected no such rows"""

    code = "load.nothing_rejected"
    hint = "See what each load rejected with `rowferry loads`."


class FileUnwritable(RowferryError):
    """Cannot write {path}: {reason}"""

    code = "file.unwritable"
    hint = "Check that the folder exists, and its permissions; or choose another place."


class KeysTaken(RowferryError):
    """Another transaction has just taken a key of these rows: {reason}"""

    code = "database.keys_taken"
    hint = "Nothing was changed. Try again."


class UniqueBroken(RowferryError):
    """The database refused a value that must be unique: {reason}"""

    code = "database.unique"
    hint = (
        "Nothing was changed. Rows would take over unique values from each other, but they are changed one by one "
        "because other tables refer to this one or a trigger acts on it; or another transaction took the value in the "
        "meantime. Give one of the rows another value first, or try again."
    )


class ForeignKeyBroken(RowferryError):
    """The database refused a row because of a foreign key that is not in the model: {reason}"""

    code = "database.foreign_key"
    hint = (
        "Nothing was changed. Only the foreign keys of the model are judged row by row; all others are left to the "
        "database, which stops at the first row that breaks one. Look at the foreign keys and triggers of the database."
    )


class BodyTooLarge(UsageError):
    """The batch is larger than {limit} bytes"""

    code = "body.too_large"
    hint = "Send it in parts. For many rows at once, load a CSV file: POST /full-bulk-insert or `rowferry load`."


class BodyNotJson(UsageError):
    """The batch is not JSON: {reason}"""

    code = "body.not_json"
    hint = "Send one JSON object in UTF-8 (RFC 8259); NaN and Infinity are not valid JSON."


class BodyTooDeep(UsageError):
    """The batch is nested too deeply"""

    code = "body.too_deep"
    hint = 'Send {{"<table>": [{{"<column>": value, …}}, …], …}}.'


class BatchMalformed(UsageError):
    """The body is not a batch: {reason}"""

    code = "batch.malformed"
    hint = 'Send {{"<table>": [{{"<column>": value, …}}, …], …}}; the tables are {names}.'


class BatchTableUnknown(UsageError):
    """The batch has rows for {table}, which is not a table"""

    code = "batch.table_unknown"
    hint = "No rows were inserted. The tables are {names}."


class BatchSize(UsageError):
    """A batch must have 1 to {most} rows, not {rows}"""

    code = "batch.size"
    hint = (
        "Send at least one row, or split the batch. For many rows at once, load a CSV file: `rowferry load` or POST "
        "/full-bulk-insert."
    )


class BatchRejected(RowferryError):
    """No row of the batch was inserted: {rejected} of {received} were rejected"""

    code = "batch.rejected"
    hint = "See `rejected` for the faults of each row; `rowferry rejects {batch_id}` also shows them later."


class BatchUnknown(UsageError):
    """There is no batch {batch_id!r}"""

    code = "batch.unknown"
    hint = "See the batches with GET /batches."


class IdempotencyKeyInvalid(UsageError):
    """The idempotency key is not valid"""

    code = "idempotency.key_invalid"
    hint = 'Send one Idempotency-Key of 1 to 255 visible ASCII characters, such as a UUID; it may be in quotes (").'


class IdempotencyKeyReused(UsageError):
    """The idempotency key was used for another request"""

    code = "idempotency.key_reused"
    hint = "Nothing was changed. Repeat a request exactly as it was, or use a new key for a new request."


class InFlight(RowferryError):
    """A request with the same idempotency key is still in progress"""

    code = "idempotency.in_flight"
    hint = "Repeat the request in a moment to get the answer to the one in progress."


class KeyUnfit(UsageError):
    """{given!r} is not a key of {table}"""

    code = "table.key"
    hint = "Set `after` to the key of a row, once for each of its columns, in this order: {key}."
