"""Errors of the folders that work needs."""

from rowferry.errors.root import RowferryError


class FolderUnusable(RowferryError):
    """{name} ({path}) cannot be used: {reason}"""

    code = "folder.unusable"
    hint = (
        "Nothing was changed. Put the folder back or mount it again, free space in it, or allow it to the user that "
        "runs Rowferry; it is taken up as soon as it can be used, without a restart."
    )
