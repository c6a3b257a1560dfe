"""How long services of this ledger have run: a time that no change of a clock moves."""

import time
from collections.abc import Callable

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from rowferry.ledger.tables import here, witnessed_time

LONGEST_GAP_SECONDS = 180
"""Two looks that are further apart prove nothing: the process stood still, or somebody moved its clock."""

_ROW = 1
"""The id of the only row."""


def witnessed_seconds(connection: Connection) -> ColumnElement[int]:
    """The time, for use within a statement."""
    kept = here(connection, witnessed_time).c
    return func.coalesce(select(kept.seconds).where(kept.id == _ROW).scalar_subquery(), 0)


class WitnessedTime:
    """What one process knows of the time.

    It looks at the ledger and at its monotonic clock again and again. From one look to the next at least as much time
    has passed as that clock says: so what the ledger said at the first, plus that, is no more than the time there
    really was, and the ledger keeps the largest such sum that any process finds. So it runs once, however many
    processes look; it stands still while none does; and the clocks of the machines, which differ and can be set, have
    no part in it. Of two moments, one look's gap may pass for time at most, so that limits should be so much longer.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._looked: tuple[float, int] | None = None

    def look(self, connection: Connection, *, note: bool) -> None:
        """Look, and put into the ledger what this proves, if that is to be noted."""
        at = self._monotonic()
        found = connection.scalar(select(witnessed_seconds(connection))) or 0
        proven = found
        if note and self._looked and 0 <= at - self._looked[0] <= LONGEST_GAP_SECONDS:
            proven = max(found, self._looked[1] + int(at - self._looked[0]))
            _note(connection, proven)
        self._looked = self._monotonic(), proven


def _note(connection: Connection, seconds: int) -> None:
    table = here(connection, witnessed_time)
    ours = table.c.id == _ROW
    if connection.scalar(select(table.c.id).where(ours)) is None:
        connection.execute(insert(table), {"id": _ROW, "seconds": seconds})
    connection.execute(update(table).where(ours, table.c.seconds < seconds).values(seconds=seconds))
