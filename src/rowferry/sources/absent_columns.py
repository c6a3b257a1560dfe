"""What people should know of a file that lacks columns of its table."""

from collections.abc import Collection


def notes_on_absent(columns: Collection[str]) -> list[str]:
    """A note that says what becomes of columns which are left out, if there are any."""
    if not columns:
        return []
    return [f"the file has no column {', '.join(columns)}: new rows take the default, others stay as they are"]
