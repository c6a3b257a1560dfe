"""Rows that cannot go in, as only an attempt shows: what it finds is rejected in the next one."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from rowferry.backends.refusals import MOST_REFUSED, Refusal, RowsRefused
from rowferry.dictionary.faults import Fault
from rowferry.errors import (
    ConservationBroken,
    DatabaseRefused,
    ForeignKeyBroken,
    KeysTaken,
    ParentsVanished,
    RightMissing,
    TooManyRefused,
    UniqueBroken,
)
from rowferry.judging.moved_values import Key, ValuesKept
from rowferry.judging.orphans import Orphans, OrphansFound

_PERHAPS_OF_ROWS = (
    ConservationBroken,
    DatabaseRefused,
    ForeignKeyBroken,
    KeysTaken,
    ParentsVanished,
    RightMissing,
    UniqueBroken,
)
"""What an attempt may end with because the database refuses or leaves out rows that the judge accepted."""

Outcome = TypeVar("Outcome")


class RefusedRows:
    """What is known of them while an operation is tried again and again.

    An attempt goes the fast way. If it fails as rows may be to blame for, the next one is `careful` and finds them, and
    the one after that is fast again and rejects them from the start: so a row that refers to one of them is rejected,
    too, and one that has its key may take it. The same goes for rows of an update whose unique values rows of the table
    keep, and for `orphans`, which refer to rows that turned out not to be there.
    """

    def __init__(self) -> None:
        self.careful = False
        self.orphans = Orphans()
        self._by_source: dict[str, dict[int, Refusal]] = {}
        self._kept: dict[str, set[Key]] = {}

    def of(self, source: str) -> Mapping[int, Fault]:
        """The rows of a source that are to be rejected, by number."""
        return {row: refusal.as_fault() for row, refusal in self._by_source.get(source, {}).items()}

    def kept(self, source: str) -> set[Key]:
        """The rows of a table, by key, that are known to keep their unique values from the rows of a source."""
        return self._kept.setdefault(source, set())

    @contextmanager
    def noted(self, source: str, spelled: Callable[[int], str]) -> Iterator[None]:
        """Remember which rows of a source are refused; `spelled` is what messages call a row.

        Raises:
            TooManyRefused: They are more than are looked for.
        """
        try:
            yield
        except ValuesKept as error:
            self.kept(source).update(error.keys)
            raise
        except RowsRefused as error:
            found = self._by_source.setdefault(source, {})
            found.update(error.rows)
            if len(found) > MOST_REFUSED:
                raise _too_many(error.table, found, spelled) from None
            raise

    def rejected(self, attempt: Callable[[], Outcome], has_committed: Callable[[], bool]) -> Outcome:
        """Try until the database refuses no more rows than are known: of each source, a bounded number.

        What comes after an attempt `has_committed`, such as a connection that is cut, says nothing about rows.
        """
        while True:
            try:
                return attempt()
            except (OrphansFound, RowsRefused, ValuesKept):
                self.careful = False
            except _PERHAPS_OF_ROWS:
                if self.careful or has_committed():
                    raise
                self.careful = True


def _too_many(table: str, rows: Mapping[int, Refusal], spelled: Callable[[int], str]) -> TooManyRefused:
    first = min(rows)
    rules = ", ".join(dict.fromkeys(refusal.rule for refusal in rows.values()))
    return TooManyRefused(
        table=table, most=f"{MOST_REFUSED:,}", row=spelled(first), reason=rows[first].message, rules=rules
    )
