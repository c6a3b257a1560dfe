"""Errors of databases and of the models that they are to serve."""

from collections.abc import Sequence

from rowferry.errors.backups import ValueUnstorable
from rowferry.errors.root import RowferryError, UsageError


class DatabaseUnsupported(UsageError):
    """Databases with the URL scheme {scheme!r} are not supported"""

    code = "database.unsupported"
    hint = "Use sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE."


class DriverUnsupported(DatabaseUnsupported):
    """The database driver {driver} is not supported"""

    code = "database.driver"
    hint = "Leave the driver out of the database URL: {scheme}://… stands for {served}."


class DatabaseInMemory(DatabaseUnsupported):
    """A SQLite database in memory would be lost when the command ends"""

    code = "database.unsupported"
    hint = "Use a file, sqlite:///FILE, or postgresql://USER:PASSWORD@HOST/DATABASE."


class DatabaseUnavailable(RowferryError):
    """The database cannot be reached: {reason}"""

    code = "database.unavailable"
    hint = (
        "Check SQLALCHEMY_DATABASE_URL. For a server: is it running, and are host, port, user and password correct? "
        "For a file: does its folder exist, and is it writable?"
    )


class DatabaseReadOnly(DatabaseUnavailable):
    """The database is read-only: {reason}"""

    code = "database.read_only"
    hint = (
        "Nothing was changed. It is a standby, or it was made read-only (default_transaction_read_only), for example "
        "before a move: set SQLALCHEMY_DATABASE_URL to the server that accepts changes, or try again once this one "
        "does."
    )


class NotWritable(RowferryError):
    """The database lets no rows be written there: {reason}"""

    code = "database.not_writable"
    hint = (
        "Nothing was changed. It is a view or something else that only shows rows of other tables: write to these, or "
        "let the view have INSTEAD OF triggers. Backups, pages and reports can read it all the same."
    )


class DatabaseFileGone(DatabaseUnavailable):
    """{path} was {what} while it was in use"""

    code = "database.file_gone"
    hint = (
        "The operation does not count, because its changes may be in a file that no longer has a name. Put back the "
        "file, with the files next to it whose names end in -wal and -shm, or another database; it is used as soon as "
        "it is there."
    )


class ModelsUnusable(UsageError):
    """The tables of {module} cannot be served: {reason}"""

    code = "models.unusable"
    hint = (
        "ROWFERRY_MODELS is the file of a Python module with SQLAlchemy tables, such as mytables.py, or its name, such "
        "as mytables or mytables:Base, if it is in the current folder, on PYTHONPATH or installed."
    )


class NothingToServe(UsageError):
    """No table of it can be served: {reason}"""

    code = "models.nothing"
    hint = "Nothing was written. Look at docs/howto/own-tables.md for what a table needs."


def models_unusable(module: str, reasons: Sequence[str]) -> ModelsUnusable:
    """The error that tells all reasons, which are among its details."""
    listed = reasons[0] if len(reasons) == 1 else "".join(f"\n  {reason}" for reason in reasons)
    return ModelsUnusable(module=module, reason=listed, reasons=list(reasons))


class SchemaMissing(RowferryError):
    """The database has no schema {schema}, which tables of the models are in"""

    code = "schema.missing"
    hint = "Tables are made where they do not exist, but no schemas. Ask the owner of the database to run: {statement}"


class KeyHeldTwice(ValueUnstorable):
    """{table} has two rows with the key {key}, written in two ways"""

    code = "database.key_twice"
    hint = "Nothing was changed or written. Another program inserted them; delete one, or give it another key."


class KeyNotUnique(KeyHeldTwice):
    """{table} has several rows with the key {key}"""

    code = "database.key_not_unique"
    hint = (
        "Nothing was changed or written. In the database, nothing keeps such rows out: delete all but one of them, or "
        "give them other keys, and make the columns of the key unique. Rows of tables that inherit from this one count."
    )


class KeySpelledOtherwise(RowferryError):
    """{table}.{column} contains {key} as {stored}, and in SQLite no row can refer to it in another form"""

    code = "database.key_spelled"
    hint = (
        "Nothing was changed. Another program wrote it: change it to {key!r} in the database, along with the values "
        "that refer to it."
    )
