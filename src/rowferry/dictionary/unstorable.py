"""The error that names the value for which a table cannot be backed up: its column, its row, and why."""

from collections.abc import Sequence

from rowferry.dictionary.faults import shown
from rowferry.dictionary.rules import ColumnRule, TableRules
from rowferry.errors import ValueUnstorable


def unstorable(
    rules: TableRules, column: ColumnRule, value: str, key: Sequence[object] | None, because: object = ""
) -> ValueUnstorable:
    """The error about a value that no backup can hold, or no restore could bring back.

    `key` is that of its row, as far as it is known.
    """
    where = f" in the row with {spelled_key(rules, key)}" if key else ""
    reason = f": {because}" if str(because) else ""
    return ValueUnstorable(table=rules.name, column=column.name, value=value, where=where, because=reason)


def spelled_key(rules: TableRules, key: Sequence[object]) -> str:
    """The key of a row, with the names of its columns."""
    return ", ".join(f"{name} {_shown_value(value)}" for name, value in zip(rules.identity, key, strict=True))


def _shown_value(value: object) -> str:
    return shown(value) if isinstance(value, str | bytes) else str(value)
