"""Those who read a table of PostgreSQL that a transaction has locked: as soon as one waits, the lock is given up."""

import os
import socket
from contextlib import suppress
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

import psycopg
from sqlalchemy import Engine

from rowferry.backends.protocol import ReadersWait

_LOOK_SECONDS = 0.02

_CANCEL_SECONDS = 2.0

_SOMEBODY_WAITS = """
SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'relation'
               AND relation = ANY(CAST(%s AS regclass[])::oid[])
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""


class ReadersWatch:
    """Cuts a transaction off as soon as somebody waits for one of its tables: within about 50 ms.

    What the server is at is cancelled, and the connection ends, whatever it waits for; so the server rolls back.
    It looks by a connection of its own. Where it cannot, the lock is given up as well.
    """

    def __init__(self, engine: Engine, driver: psycopg.Connection[Any]) -> None:
        self._driver = driver
        self._tables: list[str] = []
        self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._stop = Event()
        self._cut_off = False
        self._thread = Thread(target=self._watch, name="rowferry-readers", daemon=True)

    def __enter__(self) -> Self:
        return self

    def look_after(self, tables: list[str]) -> None:
        """Look after those who read tables, which have just been locked."""
        self._tables = tables
        if tables:
            self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Look no longer: nothing but the commit is left to do.

        Raises:
            ReadersWait: The transaction was cut off.
        """
        self._stop.set()
        if self._tables:
            self._thread.join()
        with suppress(Exception):  # it has done its work, and may have gone with the server
            self._connection.close()
        if self._cut_off and not isinstance(error, KeyboardInterrupt):
            raise ReadersWait from error

    def _watch(self) -> None:
        while not self._stop.wait(_LOOK_SECONDS):
            if self._somebody_waits():
                self._cut_off = True
                _cut_off(self._driver)
                return

    def _somebody_waits(self) -> bool:
        try:
            return bool(self._connection.exec_driver_sql(_SOMEBODY_WAITS, (self._tables,)).scalar())
        except Exception:  # whatever it is, nobody looks after readers any more
            return True


def _cut_off(driver: psycopg.Connection[Any]) -> None:
    with suppress(psycopg.Error, OSError):  # it has just gone
        driver.cancel_safe(timeout=_CANCEL_SECONDS)
    with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(driver.fileno())) as connected:
        connected.shutdown(socket.SHUT_RDWR)
