"""What the handlers of one app share, and how they come by it."""

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from rowferry.api.progress import ProgressHub
from rowferry.api.running import LoadRunner
from rowferry.bootstrap import Service
from rowferry.errors import RowferryError
from rowferry.folders import WatchedFolders

BATCHES_AT_ONCE = 8
"""So many batches are put into the database at the same time; others wait. Each takes one connection, or two."""

RESTORES_AT_ONCE = 2
"""So many restores run at the same time; others wait. Each takes up to three connections."""

_PAUSE_SECONDS = 1.0
"""For so long after a failed start, requests are told of it without another try."""


class StartedService:
    """The service, started by whoever needs it first: a database that is away at start may come back at any time."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._lock = Lock()
        self._started = False
        self._failure: tuple[float, RowferryError] | None = None

    def get(self) -> Service:
        """The service, with all its tables in the database.

        Raises:
            RowferryError: The database is away, or not usable.
        """
        with self._lock:
            if not self._started:
                self._start()
        return self.service

    @property
    def is_started(self) -> bool:
        return self._started

    def check(self) -> None:
        """Raise what is in the way of work; a database that lost its tables gets them again at the next use."""
        service = self.get()
        try:
            service.require_usable(service.schema())
        except RowferryError:
            self._started = False
            raise

    def _start(self) -> None:
        if self._failure and time.monotonic() - self._failure[0] < _PAUSE_SECONDS:
            raise self._failure[1]
        try:
            self.service.start()
        except RowferryError as error:
            self._failure = time.monotonic(), error
            raise
        self._started, self._failure = True, None


class ApiState:
    """What the handlers of one app share."""

    def __init__(self, service: Service) -> None:
        self.started = StartedService(service)
        self.folders = WatchedFolders(service.settings, service.backend.folder)
        self.hub = ProgressHub()
        self.runner = LoadRunner(self.hub)
        self.batch_slots = asyncio.Semaphore(BATCHES_AT_ONCE)
        self.restore_slots = asyncio.Semaphore(RESTORES_AT_ONCE)


async def _state(request: Request) -> ApiState:
    state = request.app.state.rowferry
    assert isinstance(state, ApiState)  # noqa: S101  # for the type checker
    return state


State = Annotated[ApiState, Depends(_state)]


async def _started_service(state: State) -> Service:
    # Once it is started, no thread is needed to say so: that would take longer than a small request.
    return state.started.service if state.started.is_started else await run_in_threadpool(state.started.get)


Started = Annotated[Service, Depends(_started_service)]
"""The service with its database; the request is answered with 503 while that is away."""


@contextmanager
def reading(service: Service) -> Iterator[Connection]:
    """A connection to read the ledger with."""
    with service.backend.errors(), service.backend.engine.connect() as connection:
        yield connection


ID = r"^[A-Za-z0-9_-]{1,64}$"
"""What the ids of the ledger look like."""


def find_known(
    service: Service, find: Callable[[Connection, str], dict[str, Any] | None], id_: str, unknown: RowferryError
) -> dict[str, Any]:
    """What the ledger has under an id; raises `unknown` if that is nothing."""
    # What cannot be an id may hold what a database does not take as text, such as NUL.
    if not re.fullmatch(ID, id_):
        raise unknown
    with reading(service) as connection:
        found = find(connection, id_)
    if found is None:
        raise unknown
    return found
