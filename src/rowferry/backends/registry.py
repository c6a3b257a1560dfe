"""The databases that are served: one line for each scheme of a URL."""

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import URL

from rowferry import lazy
from rowferry.backends.protocol import Backend


class Room(Protocol):
    """What the module of a database has to offer."""

    def open_backend(self, url: URL, *, is_made: bool) -> Backend:
        """The backend of a database; does not connect yet. One that is made already is not made again."""


@dataclass(frozen=True)
class Served:
    """A database: its room, and the driver by which it is reached, as SQLAlchemy names it."""

    room: Room
    driver: str


ROOMS: dict[str, Served] = {
    "sqlite": Served(lazy.module("rowferry.backends.sqlite.database"), "pysqlite"),
    "postgresql": Served(lazy.module("rowferry.backends.postgresql.database"), "psycopg"),
    "postgres": Served(lazy.module("rowferry.backends.postgresql.database"), "psycopg"),
}
"""By the scheme of a URL, without the driver.

Only the room that is used is imported, since a small load should be quick as a whole.
"""
