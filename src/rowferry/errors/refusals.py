"""Errors of rows that the database refuses by rules of its own."""

from rowferry.errors.root import RowferryError


class TooManyRefused(RowferryError):
    """The database refuses more than {most} rows of {table}, such as {row}: {reason}"""

    code = "database.too_many_refused"
    hint = (
        "Nothing was changed. So many rows are not looked for one by one: declare the rule ({rules}) in the class of "
        "the table, if it can be, so that every row is judged by it; or correct the rows, or the table."
    )


class TableAltered(RowferryError):
    """{table} would not be what the backup holds: {reason}"""

    code = "restore.altered"
    hint = (
        "Everything was rolled back. Something acts on the table when rows come, change or go ({names}): disable it "
        "while you restore, and look at what else it does then."
    )
