"""Databases that cannot be worked with, whatever is in them."""

from rowferry.errors.root import RowferryError


class EncodingUnfit(RowferryError):
    """The database keeps its texts in {encoding}, which has not all letters"""

    code = "database.encoding"
    hint = "Use one in UTF8: CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0."


class ServerUnsupported(RowferryError):
    """The database is {server}, and this Rowferry works with {needed}"""

    code = "database.version"
    hint = "Nothing was changed. Use one of these, or a Rowferry that works with this one."
