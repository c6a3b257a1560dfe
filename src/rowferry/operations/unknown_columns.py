"""Notes on columns of a table that its class lacks: no backup has their values, so no restore brings them back."""

from collections.abc import Sequence

_FILLED = "rows that {} have what the database puts there"


def notes_of_backup(unknown: Sequence[str]) -> tuple[str, ...]:
    """A note on a backup of a table that has columns which its class lacks."""
    if not unknown:
        return ()
    return (f"the backup does not contain {_named(unknown)}; {_FILLED.format('a restore adds')}",)


def notes_of_restore(unknown: Sequence[str], added: int) -> list[str]:
    """The same on a restore that adds rows, or would."""
    if not unknown or not added:
        return []
    return [f"backups do not contain {_named(unknown)}; {_FILLED.format('are added')}"]


def _named(unknown: Sequence[str]) -> str:
    return f"{', '.join(unknown)}, which the class of the table lacks"
