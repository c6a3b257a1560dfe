"""What a serving process does on its own: records progress, cleans up after dead processes, awaits a lost database."""

import asyncio
import logging
import os
import signal
import time
from multiprocessing import parent_process

from starlette.concurrency import run_in_threadpool

from rowferry import ledger
from rowferry.api.state import ApiState
from rowferry.api.uploads import sweep_uploads
from rowferry.errors import RowferryError

NOTE_SECONDS = 1.0
"""How often the progress of loads is recorded, for clients that ask another process."""

SWEEP_SECONDS = 5.0
"""How often to clean up after dead processes; a load whose process died is found within a minute."""

_log = logging.getLogger(__name__)


class Tending:
    """Runs until it is cancelled; a failure is logged once, and the work tried again."""

    def __init__(self, state: ApiState) -> None:
        self._state = state
        self._is_away = False
        self._seen: dict[str, int] = {}

    async def run(self) -> None:
        """Record and clean up, again and again."""
        swept = -SWEEP_SECONDS
        while True:
            try:
                if time.monotonic() - swept >= SWEEP_SECONDS:
                    swept = time.monotonic()
                    await run_in_threadpool(self._sweep)
                await run_in_threadpool(self._note)
                self._tell(None)
            except RowferryError as error:
                self._tell(error)
            except Exception:
                _log.exception("Housekeeping failed; trying again")
            await asyncio.sleep(NOTE_SECONDS)

    def _sweep(self) -> None:
        started_by = parent_process()
        if started_by and not started_by.is_alive():
            # Nobody is left to stop this worker, which would listen for ever.
            os.kill(os.getpid(), signal.SIGTERM)
        sweep_uploads()
        service = self._state.started.get()
        with service.backend.errors():
            service.clear_interrupted()
            service.backend.sweep()

    def _note(self) -> None:
        """Record what has changed since the last time."""
        running = {load.load_id: load for load in self._state.hub.running()}
        news = [load for load in running.values() if self._seen.get(load.load_id) != load.bytes_read]
        self._seen = {load.load_id: load.bytes_read for load in running.values()}
        if news and self._state.started.is_started:
            backend = self._state.started.service.backend
            with backend.errors(), backend.engine.begin() as connection:
                for load in news:
                    ledger.note_progress(connection, load.load_id, load.model_dump())

    def _tell(self, error: RowferryError | None) -> None:
        """Say once that the database cannot be used, and once that it can be again."""
        if error and not self._is_away:
            _log.warning("%s. %s Trying again until it can be used.", error.message, error.advice)
        elif self._is_away and not error:
            _log.info("The database can be used again")
        self._is_away = error is not None
