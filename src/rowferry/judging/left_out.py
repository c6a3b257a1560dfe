"""Which columns the rows of a batch leave to the database: the judge does not know what it will put there."""

from collections.abc import Collection

import numpy as np

from rowferry.arrow.integer_set import is_among
from rowferry.dictionary.rules import TableRules
from rowferry.judging.candidate_keys import Mask
from rowferry.judging.rows import LEFT_OUT, Positions, RowBatch


class LeftOut:
    """The columns that each row leaves out, as far as a check or a unique value may depend on them."""

    def __init__(self, rules: TableRules, batch: RowBatch) -> None:
        self._plain = [(rules.names[number], positions) for number, positions in batch.left_out]
        self._odd = {
            row.position: {name for name, cell in zip(rules.names, row.cells or (), strict=False) if cell is LEFT_OUT}
            for row in (batch.odd if rules.checks or rules.unique else ())
        }

    def of(self, position: int) -> set[str]:
        """The columns that the row at a position leaves out."""
        plain = {name for name, positions in self._plain if _holds(positions, position)}
        return plain | self._odd.get(position, set())

    def leaving(self, positions: Positions, names: Collection[str]) -> Mask:
        """Which rows leave one of some columns out."""
        odd = [position for position, left_out in self._odd.items() if not left_out.isdisjoint(names)]
        found = np.isin(positions, np.array(odd, dtype=np.int64))
        for name, left_out in self._plain:
            if name in names:
                found |= is_among(positions, left_out)
        return found


def _holds(ascending: Positions, position: int) -> bool:
    at = int(np.searchsorted(ascending, position))
    return at < len(ascending) and int(ascending[at]) == position
