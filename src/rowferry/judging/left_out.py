"""Which columns the rows of a batch leave to the database: the judge does not know what it will put there."""

from collections.abc import Iterator

from rowferry.dictionary.rules import TableRules
from rowferry.judging.rows import LEFT_OUT, RowBatch

_NOTHING = frozenset[str]()


class LeftOut:
    """The columns that each row leaves out, as far as a check or a unique value may depend on them."""

    def __init__(self, rules: TableRules, batch: RowBatch) -> None:
        self._rules = rules
        self._by_row: dict[int, set[str]] = {}
        if rules.checks or rules.unique:
            for name, position in self._found(batch):
                self._by_row.setdefault(position, set()).add(name)

    def of(self, position: int) -> frozenset[str] | set[str]:
        """The columns that the row at a position leaves out."""
        return self._by_row.get(position, _NOTHING)

    def _found(self, batch: RowBatch) -> Iterator[tuple[str, int]]:
        for number, positions in batch.left_out:
            for position in positions.tolist():
                yield self._rules.names[number], position
        for row in batch.odd:
            for name, cell in zip(self._rules.names, row.cells or (), strict=False):
                if cell is LEFT_OUT:
                    yield name, row.position
