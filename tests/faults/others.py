"""Other connections at work while an operation of ours runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from loading import Tables
from rowferry.events import Event

WAIT = 60
"""Seconds that anything may take."""


def once(kind: type[Event], act: Callable[[], object], table: str = "hired_employees") -> Callable[[Event], None]:
    """An observer that acts when the first event of a kind tells of a table."""
    done: list[Event] = []

    def observe(event: Event) -> None:
        if isinstance(event, kind) and getattr(event, "table", table) == table and not done:
            done.append(event)
            act()

    return observe


@contextmanager
def somebody(tables: Tables) -> Iterator[Callable[[str], int]]:
    """Another program's connection, which commits each statement."""
    engine = sa.create_engine(
        tables.service.settings.url.set(drivername=tables.service.backend.engine.url.drivername),
        poolclass=sa.NullPool,
    )

    def execute(statement: str) -> int:
        with engine.begin() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA foreign_keys = ON")
            return connection.exec_driver_sql(statement).rowcount

    yield execute
    engine.dispose()


@contextmanager
def let_go_of_locks(tables: Tables) -> Iterator[None]:
    """End what waits for a lock for too long, so that a deadlock fails the test and does not hang it."""
    try:
        yield
    except TimeoutError:
        if tables.service.backend.engine.dialect.name == "postgresql":
            tables.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        raise
