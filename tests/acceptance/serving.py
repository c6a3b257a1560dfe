"""A server as operators start it: the installed command in a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

ROWFERRY = str(Path(sys.executable).with_name("rowferry"))
DEADLINE = 60.0


class Served:
    """A running `rowferry serve`; `log` is what it says, `client` speaks to it."""

    def __init__(self, process: subprocess.Popen[bytes], client: httpx.Client, folder: Path, log: Path) -> None:
        self.process, self.client, self.folder, self._log = process, client, folder, log

    @property
    def log(self) -> str:
        return self._log.read_text()

    def wait_until_ready(self, status: int = 200) -> None:
        """Wait until the service answers, and with this status; what it logs says nothing about its port."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log
            with suppress(httpx.TransportError):
                if self.client.get("/readyz").status_code == status:
                    return
            time.sleep(0.05)
        raise AssertionError(self.log)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)


@contextmanager
def served(
    url: str, folder: Path, *options: str, ready: bool = True, through: Sequence[str] = (), **environment: str
) -> Iterator[Served]:
    """Serve until the end of the context, if it does not end before; `through` is a command that becomes the server."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tmp").mkdir(exist_ok=True)
    log = folder / "output"
    places = {"LOG_DIR": str(folder / "logs"), "DATA_DIR": str(folder / "data"), "TMPDIR": str(folder / "tmp")}
    port = _free_port()
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [*through, ROWFERRY, "serve", "--port", str(port), *options, "--database-url", url],
            env=os.environ | places | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE) as client,
    ):
        try:
            running = Served(process, client, folder, log)
            if ready:
                running.wait_until_ready()
            yield running
        finally:
            if process.poll() is None:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(DEADLINE)
                process.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
