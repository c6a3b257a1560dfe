"""The processes that serve together: each that dies or falls silent is replaced, and none waits for another."""

import logging
import time
from socket import socket

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from rowferry.settings import pass_on_that_database_is_made

_log = logging.getLogger("uvicorn.error")

_STOP_MARGIN_SECONDS = 3.0


class Workers(Multiprocess):
    """The library's supervisor waits for the answer of one worker before it looks at the next.

    Where one was stopped, another that had died meanwhile was missed for as long as a worker may be silent. Here each
    is asked, and its answer is looked for the next time.
    """

    def __init__(self, config: uvicorn.Config, sockets: list[socket]) -> None:
        super().__init__(config, sockets)
        self._asked: dict[Process, float] = {}

    def keep_subprocess_alive(self) -> None:
        for at, process in enumerate(self.processes):
            if self.should_exit.is_set():
                return
            if not self._is_well(process):
                self._replace(at, process)

    def join_all(self) -> None:
        """Wait for the workers to end; one that does not hear is ended."""
        end = time.monotonic() + (self.config.timeout_graceful_shutdown or 0) + _STOP_MARGIN_SECONDS
        for process in self.processes:
            process.process.join(max(0, end - time.monotonic()))
            if process.process.is_alive():
                process.process.kill()
            process.join()

    def _is_well(self, process: Process) -> bool:
        """Whether a worker lives, and has answered in time."""
        if not process.process.is_alive():
            return False
        try:
            if process.parent_conn.poll():
                process.parent_conn.recv()
                self._asked.pop(process, None)
            if process not in self._asked:
                process.parent_conn.send(b"ping")
                self._asked[process] = time.monotonic()
        except (OSError, EOFError):  # it has just died
            return False
        return time.monotonic() - self._asked[process] <= self.config.timeout_worker_healthcheck

    def _replace(self, at: int, process: Process) -> None:
        self._asked.pop(process, None)
        process.kill()
        process.join()
        if process.exitcode == STARTUP_FAILURE:
            _log.error("Worker %s failed to start, and so would any other; stopping the service", process.pid)
            self.should_exit.set()
            return
        _log.info("Worker %s died or did not respond in time; starting another one", process.pid)
        pass_on_that_database_is_made()
        self.processes[at] = Process(self.config, self.sockets)
        self.processes[at].start()
