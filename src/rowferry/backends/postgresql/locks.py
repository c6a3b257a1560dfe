"""Looks at tables of PostgreSQL that leave no lock behind, and locks for which nobody has to wait in a queue."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import sleep

import psycopg
from psycopg.sql import SQL

from rowferry.backends.postgresql.table import PostgresqlTable

_TRIES, _TRY_AGAIN_SECONDS = 10, 0.02


def about_rows(table: PostgresqlTable) -> int:
    """How many rows a table has, by the planner's estimate."""
    with _glance(table):
        plan = table.transaction.value(SQL("EXPLAIN (FORMAT JSON) SELECT FROM {}").format(table.name))
    return int(plan[0]["Plan"]["Plan Rows"])


def take_over_empty(table: PostgresqlTable, *, parents: bool = False, wait: bool = False) -> bool:
    """Lock a table if it is empty, and its parents if asked; a table that has rows is left in use.

    Unless we are to `wait`, what others have locked for longer than a moment is left to them: who comes later, only to
    read, would wait behind us.
    """
    with _glance(table):
        if table.has_rows():
            return False
    for _ in range(1 if wait else _TRIES):
        with suppress(psycopg.errors.LockNotAvailable), _glance(table) as glance:
            table.lock("ACCESS EXCLUSIVE", parents="ACCESS EXCLUSIVE" if parents else None, wait=wait)
            glance.kept = not table.has_rows()
            return glance.kept
        sleep(_TRY_AGAIN_SECONDS)
    return False


@dataclass
class _Glance:
    kept: bool = False


@contextmanager
def _glance(table: PostgresqlTable) -> Iterator[_Glance]:
    """Look at a table, and give back the locks that it takes unless they are to be kept.

    Two who look at the same time would wait for each other, if both kept the lock of having looked.
    """
    table.transaction.execute(SQL("SAVEPOINT rowferry_glance"))
    glance = _Glance()
    try:
        yield glance
    finally:
        if not glance.kept:
            table.transaction.execute(SQL("ROLLBACK TO SAVEPOINT rowferry_glance"))
