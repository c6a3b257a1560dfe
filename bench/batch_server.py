"""A server of Rowferry in a process of its own, and batches that are sent to it."""

import http.client
import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.installed import ROWFERRY

_START_SECONDS = 60


@contextmanager
def serve(
    database_url: str, folder: Path, port: int = 0, environment: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Serve a database on a port of this machine, a free one if it is 0; the process ends with the context."""
    log = folder / "server.log"
    surroundings = {"SQLALCHEMY_DATABASE_URL": database_url, "LOG_DIR": str(folder / "logs"), **(environment or {})}
    with log.open("w") as file:
        command = [ROWFERRY, "serve", "--port", str(port)]
        with subprocess.Popen(
            command, cwd=folder, env=os.environ | surroundings, stdin=subprocess.DEVNULL, stdout=file, stderr=file
        ) as process:
            try:
                yield _port(process, log)
            finally:
                process.terminate()


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if found := re.search(r"running on http://[^:]+:(\d+)", log.read_text()):
            return int(found[1])
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start: {log.read_text()}")


class Client:
    """One connection to the server, kept open."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def post(self, body: bytes) -> float:
        """Send a batch, all of whose rows must get in; the seconds from the first byte sent to the last received."""
        started = time.perf_counter()
        self._connection.request("POST", "/batch-transactions", body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        content = answer.read()
        seconds = time.perf_counter() - started
        if answer.status != http.client.CREATED:
            raise RuntimeError(f"status {answer.status}: {content[:500]!r}")
        return seconds

    def close(self) -> None:
        self._connection.close()
