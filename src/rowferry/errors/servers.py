"""Databases that cannot be worked with, whatever is in them."""

from rowferry.errors.root import RowferryError


class EncodingUnfit(RowferryError):
    """The database encodes text as {encoding}, which cannot store every character"""

    code = "database.encoding"
    hint = "Use a database in UTF8: CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0."


class ServerUnsupported(RowferryError):
    """The database is {server}, but this version of Rowferry works with {needed}"""

    code = "database.version"
    hint = (
        "Nothing was changed. Use a supported version of the database, or a version of Rowferry that works with this "
        "one."
    )
