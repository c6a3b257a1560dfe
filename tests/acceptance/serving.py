"""A server as operators start it: the installed command in a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from ports import WITHOUT_TLS, free_port
from waiting import wait_until

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

        def answers() -> bool:
            assert self.process.poll() is None, self.log
            with suppress(httpx.TransportError):
                return self.client.get("/readyz").status_code == status
            return False

        wait_until(answers, lambda: self.log)

    def wait_until_told(self, words: str) -> None:
        """Wait until it logs some words."""
        wait_until(lambda: words in self.log or self.process.poll() is not None, lambda: self.log)
        assert self.process.poll() is None, self.log

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)


def workers_of(pid: int) -> list[int]:
    """The processes that serve, among those which a process has started."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(ProcessLookupError, FileNotFoundError):  # it has just ended
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(int(child))
    return found


@contextmanager
def served(
    url: str, folder: Path, *options: str, ready: bool = True, through: Sequence[str] = (), **environment: str
) -> Iterator[Served]:
    """Serve until the end of the context, if it does not end before; `through` is a command that becomes the server."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tmp").mkdir(exist_ok=True)
    log = folder / "output"
    places = {"LOG_DIR": str(folder / "logs"), "DATA_DIR": str(folder / "data"), "TMPDIR": str(folder / "tmp")}
    port = free_port()
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [*through, ROWFERRY, "serve", "--port", str(port), *options, "--database-url", url],
            env=os.environ | places | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE, verify=WITHOUT_TLS) as client,
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
