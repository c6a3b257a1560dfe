"""References that lead back to their own table, be it through others: judged once all rows are there.

The rows 1 to 4 of `employees` have the managers 2, none, 9 and 3. Row 1 may refer to row 2, which comes later; row 3
refers to nothing, and so row 4 refers to nothing either, since row 3 is rejected. Accepted is the largest set of rows
that refer to each other and to what the database has; rows that only refer to each other are good.

While rows are read, they are accepted as if all these references were good, and noted with what they refer to. In the
end it is seen whether that is among the accepted rows. If it is for all, there is nothing more to do. Otherwise the
`Settlement` finds the rows to be rejected, and the operation is tried again, in which they are rejected from the start:
so a key that one of them had taken is left to the next row that has it.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import chain

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow
from rowferry.dictionary.foreign_keys import Reference
from rowferry.dictionary.rules import TableRules
from rowferry.files.disk_full import room_needed
from rowferry.judging.candidate_keys import Columns
from rowferry.judging.circular_rows import CircularRows
from rowferry.judging.lookups import ParentLookups
from rowferry.judging.orphans import Orphans, OrphansFound
from rowferry.judging.references import References
from rowferry.judging.settlement import Settlement


class Circles:
    """The tables of one attempt whose rows may refer to rows that come later."""

    def __init__(self, tables: Iterable[TableRules], orphans: Orphans) -> None:
        among = {rules.name: rules for rules in tables}
        self._orphans = orphans
        self._rows: dict[str, CircularRows] = {}
        waiting = {name: [each for each in of.circular if each.parent in among] for name, of in among.items()}
        for name, rules in among.items():
            referred = [each for references in waiting.values() for each in references if each.parent == name]
            if waiting[name] or referred:
                self._rows[name] = CircularRows(rules, waiting[name], referred, orphans)

    def of(self, table: str) -> CircularRows | None:
        """What is noted of the rows of a table; None if all they refer to is known when they are read."""
        return self._rows.get(table)

    def settle(self, lookups: ParentLookups) -> None:
        """Judge the references that waited, once all rows are read.

        Raises:
            OrphansFound: Rows that were accepted refer to nothing.
        """
        with room_needed():
            found = self._lost(lookups)
            if (first := next(found, None)) is None:
                return
            with closing(Settlement(list(self._rows.values()), lookups)) as settlement:
                for reference, lost in chain([first], found):
                    settlement.lose(reference, lost)
                for table, reference, numbers in settlement.orphans():
                    self._orphans.add(table, reference, numbers)
        raise OrphansFound

    def close(self) -> None:
        """Give back the disk space."""
        for rows in self._rows.values():
            rows.close()

    def _lost(self, lookups: ParentLookups) -> Iterator[tuple[Reference, Columns]]:
        """What rows refer to that is neither among the accepted rows nor in the database."""
        for rows in self._rows.values():
            references = References(rows.rules, lookups)
            for reference in rows.references:
                for batch in rows.referring[reference]:
                    columns = batch.columns[:-1]
                    missing = references.missing(reference, columns)
                    if missing.any():
                        yield reference, [pc.where(column, as_arrow(missing)) for column in columns]
