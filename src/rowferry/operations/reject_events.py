"""What observers hear of rejected rows: each of them, as long as they are not too many."""

from itertools import groupby

from rowferry.dictionary.rules import TableRules
from rowferry.events import MoreRowsRejected, Observe, RowsRejected
from rowferry.judging.places import Places
from rowferry.judging.rejected_rows import RejectedRows

MOST_NAMED = 1_000
"""So many rejected rows of one operation are named one by one; all of them are in the ledger."""


class RejectEvents:
    """Emits the rejected rows of one operation, with the columns and codes of their faults, but no values."""

    def __init__(self, id_: str, observe: Observe, most_named: int) -> None:
        self._id, self._observe = id_, observe
        self._left, self._unnamed = most_named, 0

    def emit(self, rules: TableRules, places: Places, rows: RejectedRows) -> None:
        """Name the rows of a table that are not too many, and count the others."""
        named = rows.first(min(len(rows), self._left))
        self._left -= len(named)
        self._unnamed += len(rows) - len(named)
        for file, same in groupby(named, lambda row: places.place(row.row_number)[0]):
            each = tuple(
                (places.place(row.row_number)[1], tuple((fault.column, str(fault.code)) for fault in row.faults))
                for row in same
            )
            self._observe(RowsRejected(self._id, rules.name, file, each))

    def start_again(self) -> None:
        """Forget the rows that were only counted: they come once more."""
        self._unnamed = 0

    def end(self) -> None:
        """Say how many rows were only counted."""
        if self._unnamed:
            self._observe(MoreRowsRejected(self._id, self._unnamed))
