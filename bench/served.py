"""A service that is running already, to which files are posted: what a load takes without the start of a process."""

import http.client
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.batch_server import serve
from bench.lab import Lab
from bench.tools import CURL


class Service:
    """A service on a port of its own, started anew on a fresh database before each run."""

    def __init__(self, lab: Lab, environment: Mapping[str, str]) -> None:
        self._lab = lab
        self._environment = environment
        self._port = _free_port()
        self._running = ExitStack()

    def post(self, path: str, file: Path | None = None) -> Sequence[str]:
        """The command that posts to it, a file or nothing; its exit code is not 0 where that fails."""
        sent = ["-H", "Content-Type: text/csv", "-T", str(file)] if file else []
        return [str(CURL), "-sS", "--fail-with-body", "-X", "POST", *sent, f"http://127.0.0.1:{self._port}/{path}"]

    def restart(self, prepare: Callable[[], None], database_url: str) -> None:
        """Stop it, prepare its database, start it, and let it load something once, without writing it."""
        self.stop()
        prepare()
        self._running.enter_context(serve(database_url, self._lab.work_folder(), self._port, self._environment))
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request("POST", "/full-bulk-insert/departments?dry_run=true", b"", {"Content-Type": "text/csv"})
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            raise RuntimeError(f"status {answer.status}: {answer.read()[:500]!r}")
        connection.close()

    def stop(self) -> None:
        self._running.close()


@contextmanager
def service(lab: Lab, environment: Mapping[str, str] | None = None) -> Iterator[Service]:
    """A service that ends with the context."""
    running = Service(lab, environment or {})
    try:
        yield running
    finally:
        running.stop()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
