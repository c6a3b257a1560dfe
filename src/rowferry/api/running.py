"""Loads that run in threads of this process, whether or not somebody waits for them."""

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from rowferry import ledger
from rowferry.api.progress import ProgressHub
from rowferry.bootstrap import Service
from rowferry.errors import LoadInterrupted, RowferryError
from rowferry.events import Event, LoadFinished
from rowferry.observers.service import service_observer
from rowferry.operations.full_bulk_insert import full_bulk_insert
from rowferry.operations.load_options import LoadClaim, LoadOptions
from rowferry.operations.receipt import Receipt
from rowferry.sources.csv.files import CsvFiles

MOST_AT_ONCE = 4
"""So many loads run at the same time; others wait. Each takes up to three connections of a pool of fifteen."""

_LOOK_SECONDS = 0.02

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunningLoad:
    """A load on its way."""

    service: Service
    claim: LoadClaim
    task: asyncio.Task[Receipt]

    async def receipt(self) -> Receipt:
        """Wait for the end; if the one who waits goes away, the load goes on."""
        return await asyncio.shield(self.task)

    async def noted(self) -> str:
        """Wait until the ledger knows of the load, whose id this gives; raise what kept it from getting there."""
        ended = False
        while not await run_in_threadpool(self._is_noted):
            if ended:
                await self.task
            ended = self.task.done()
            await asyncio.sleep(_LOOK_SECONDS)
        return self.claim.load_id

    def _is_noted(self) -> bool:
        with self.service.backend.errors(), self.service.backend.engine.connect() as connection:
            return ledger.find_load(connection, self.claim.load_id) is not None


class LoadRunner:
    """Runs loads, and sees to it that each gets to its end."""

    def __init__(self, hub: ProgressHub) -> None:
        self._hub = hub
        self._slots = asyncio.Semaphore(MOST_AT_ONCE)
        self._tasks: set[asyncio.Task[Receipt]] = set()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let all loads roll back, at the next of their steps."""
        self._stopped.set()

    def start(
        self,
        service: Service,
        files: CsvFiles,
        options: LoadOptions,
        caller: str,
        on_end: Callable[[], None] = lambda: None,
    ) -> RunningLoad:
        """Start a load; `on_end` is called when it has ended, in whatever way."""
        claim = LoadClaim.new(caller)

        load = partial(self._load, service, files, options, claim)
        task = asyncio.create_task(self._run(load, on_end))
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return RunningLoad(service, claim, task)

    async def finish(self) -> None:
        """Wait until all loads have ended."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, load: Callable[[], Receipt], on_end: Callable[[], None]) -> Receipt:
        try:
            async with self._slots:
                return await run_in_threadpool(load)
        finally:
            on_end()

    def _load(self, service: Service, files: CsvFiles, options: LoadOptions, claim: LoadClaim) -> Receipt:
        tell = service_observer(service.settings.log_dir, "full_bulk_insert")
        with self._hub.tracking(claim.load_id, sum(_size(file.path) for file in files)) as progress:

            def observe(event: Event) -> None:
                progress(event)
                tell(event)
                # Whoever hears of the end is not to be told that there will be none.
                if self._stopped.is_set() and not isinstance(event, LoadFinished):
                    raise LoadInterrupted

            try:
                return full_bulk_insert(service.backend, service.catalog, files, options, observe, claim)
            except RowferryError as error:
                raise _by_name(error, files) from error

    def _forget(self, task: asyncio.Task[Receipt]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error and not isinstance(error, RowferryError):
            _log.error("A load failed unexpectedly", exc_info=error)


def _by_name(error: RowferryError, files: CsvFiles) -> RowferryError:
    """The same error, but with the name by which people know a file instead of where it lies on the server."""
    names = {str(file.path): file.name for file in files}
    name = names.get(str(error.details.get("path")))
    return type(error)(**(error.details | {"path": name})) if name else error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
