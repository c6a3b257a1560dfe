"""Errors of the folders that work needs."""

from rowferry.errors.root import RowferryError


class FolderUnusable(RowferryError):
    """{name} ({path}) cannot be used: {reason}"""

    code = "folder.unusable"
    hint = (
        "Nothing was changed. Put the folder back or mount it again, free space in it, or give the user that runs "
        "Rowferry access to it; it is used as soon as it is usable again, without a restart."
    )
