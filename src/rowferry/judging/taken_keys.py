"""Which keys the accepted rows of one source have taken, in bounded memory, exactly."""

from collections.abc import Sequence
from typing import Protocol

from rowferry.dictionary.rules import TableRules
from rowferry.judging.candidate_keys import Columns, Int64s, Mask, Repeated
from rowferry.judging.integer_keys import IntegerKeys
from rowferry.judging.stored_keys import StoredKeys
from rowferry.kinds.integers import INTEGER


class TakenKeys(Protocol):
    """Keys with the row that took each of them."""

    def take(self, keys: Sequence[Columns], row_numbers: Int64s) -> Repeated:
        """Take all candidate keys of rows, in their order; a row takes none if an earlier row has taken one of them.

        What was taken already, and by which row, is returned.
        """

    def holds(self, key: Columns, number: int = 0) -> Mask:
        """Which of these candidate keys, all of the same number, are taken."""

    def close(self) -> None:
        """Give back the disk space."""


def taken_keys(rules: TableRules) -> TakenKeys:
    """An empty set of keys for a table."""
    single = rules.by_name[rules.key[0]] if len(rules.key) == 1 else None
    return IntegerKeys() if single and single.kind is INTEGER and not rules.unique else StoredKeys()
