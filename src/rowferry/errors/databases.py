"""Errors of databases and of the models that they are to serve."""

from collections.abc import Sequence

from rowferry.errors.backups import ValueUnstorable
from rowferry.errors.root import RowferryError, UsageError


class DatabaseUnsupported(UsageError):
    """No backend serves the database URL scheme {scheme!r}"""

    code = "database.unsupported"
    hint = "Use sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE."


class DriverUnsupported(DatabaseUnsupported):
    """No database is reached through {driver} here"""

    code = "database.driver"
    hint = "Leave the driver out of the URL of the database: {scheme}://…, which stands for {served}."


class DatabaseInMemory(DatabaseUnsupported):
    """A SQLite database in memory would be gone with the command"""

    code = "database.unsupported"
    hint = "Keep it in a file, sqlite:///FILE, or use postgresql://USER:PASSWORD@HOST/DATABASE."


class DatabaseUnavailable(RowferryError):
    """The database cannot be reached: {reason}"""

    code = "database.unavailable"
    hint = (
        "Check SQLALCHEMY_DATABASE_URL. Of a server: is it running, are host, port, user and password right? "
        "Of a file: does its folder exist, and may it be written?"
    )


class DatabaseReadOnly(DatabaseUnavailable):
    """The database takes no changes: {reason}"""

    code = "database.read_only"
    hint = (
        "Nothing was changed. It is a standby, or it was told so (default_transaction_read_only), as before a move: "
        "let SQLALCHEMY_DATABASE_URL name the server that takes changes, or try again once this one does."
    )


class DatabaseFileGone(DatabaseUnavailable):
    """{path} was {what} while it was in use"""

    code = "database.file_gone"
    hint = (
        "What was asked for does not count, as it may be in no file that has a name. Put back the file, with those "
        "beside it whose names end in -wal and -shm, or another database; it is taken up as soon as it is there."
    )


class ModelsUnusable(UsageError):
    """The tables of {module} cannot be served: {reason}"""

    code = "models.unusable"
    hint = (
        "ROWFERRY_MODELS names a Python module that holds SQLAlchemy classes, such as mytables for mytables.py in the "
        "current folder, on PYTHONPATH or installed; each table needs a primary key."
    )


def models_unusable(module: str, reasons: Sequence[str]) -> ModelsUnusable:
    """The error that tells all reasons, which are among its details."""
    listed = reasons[0] if len(reasons) == 1 else "".join(f"\n  {reason}" for reason in reasons)
    return ModelsUnusable(module=module, reason=listed, reasons=list(reasons))


class KeyHeldTwice(ValueUnstorable):
    """{table} has two rows with the key {key}, spelled in two ways"""

    code = "database.key_twice"
    hint = "Nothing was changed or written. Another program put them there; delete one, or give it another key."


class KeySpelledOtherwise(RowferryError):
    """{table}.{column} holds {key} as {stored}, and SQLite lets no row refer to it by another spelling"""

    code = "database.key_spelled"
    hint = "Nothing was changed. Another program wrote it: change it to {key!r} in the database, and what refers to it."
