"""Errors of rows that the database refuses by rules of its own."""

from rowferry.errors.root import RowferryError


class TooManyRefused(RowferryError):
    """The database refuses more than {most} rows of {table}, such as {row}: {reason}"""

    code = "database.too_many_refused"
    hint = (
        "Nothing was changed. This many rows are not examined one by one: declare the rule ({rules}) in the class of "
        "the table, if possible, so that every row is judged by it; or correct the rows or the table."
    )


class TableAltered(RowferryError):
    """{table} would differ from the backup: {reason}"""

    code = "restore.altered"
    hint = (
        "Everything was rolled back. Something acts on the table when rows are inserted, changed or deleted ({names}): "
        "disable it during the restore, and check what else it does then."
    )
