"""The ways in which foreign keys of many rows are checked; each is as safe as triggers are, row by row."""

from typing import Protocol

from psycopg.sql import Composable

from rowferry.backends.postgresql.locks import about_rows
from rowferry.backends.postgresql.references import Referred
from rowferry.backends.postgresql.table import PostgresqlTable

BULK_ROWS = 10_000
"""From this many rows on, checking foreign keys as a set pays off."""

_FIRE_AFTER_ROWS = 20_000
"""Triggers fire when a COPY ends: so often, that meanwhile the next rows are judged."""

_TRIGGER_TO_PROOF = 25
"""What the trigger of a key costs for a row, to what proving the key of a whole table costs for each row of it.

Measured: 3.5 µs to 0.09 µs, which is 40; the rest is left for tables that do not lie in memory.
"""


class Checks(Protocol):
    """How the foreign keys of rows are checked that go into a table between `begin` and `end`."""

    most_rows: int | None
    """So many rows may go in by one COPY."""

    def begin(self) -> None:
        """Before rows go in."""

    def end(self) -> None:
        """All rows have gone in."""

    def prove(self, referred: Referred) -> None:
        """Check the rows, once all that they may refer to is in."""


class TriggersFire:
    """The database checks row by row."""

    def __init__(self, table: PostgresqlTable) -> None:
        self._table = table
        self.most_rows = _FIRE_AFTER_ROWS if table.has_foreign_keys() else None

    def begin(self) -> None:
        self._table.lock(parents="ROW SHARE")
        self._table.find_parents_by_index(always=True)

    def end(self) -> None:
        self._table.find_parents_by_index(always=False)

    def prove(self, referred: Referred) -> None:
        """It is done."""


class TriggersSpared:
    """We hold what the `rows` refer to, those of the table by default, as triggers would, which are left out.

    `alone` says that the table is locked from readers until the transaction ends.
    """

    most_rows: int | None = None

    def __init__(self, table: PostgresqlTable, rows: Composable | None = None, *, alone: bool = False) -> None:
        self._table, self._alone = table, alone
        self._holder = rows or table.name

    def begin(self) -> None:
        self._table.fire_triggers(fire=False)

    def end(self) -> None:
        self._table.fire_triggers(fire=True)

    def prove(self, referred: Referred) -> None:
        referred.hold(self._table.transaction, self._holder, alone=self._alone)


class KeysDropped:
    """The database proves the keys of the whole table at the end; it is locked until then, and so are its parents."""

    most_rows: int | None = None

    def __init__(self, table: PostgresqlTable) -> None:
        self._table = table
        self._dropped: list[tuple[str, str]] = []

    def begin(self) -> None:
        self._dropped = self._table.drop_foreign_keys()

    def end(self) -> None:
        """Keys are added once the parents are in, too."""

    def prove(self, referred: Referred) -> None:  # noqa: ARG002  # the database sees for itself
        self._table.add_constraints(self._dropped)


def worth_proving(table: PostgresqlTable) -> int:
    """From how many new rows on to prove the keys of the whole table takes less time than triggers for these rows.

    With 5,000,000 rows there it is 200,000: two keys take them 1.4 s by triggers, and 0.9 s proven as a whole.
    """
    return max(BULK_ROWS, about_rows(table) // _TRIGGER_TO_PROOF)
