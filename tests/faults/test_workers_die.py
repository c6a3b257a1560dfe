"""Of several workers, one that dies is replaced while another one does not answer."""

import os
import signal
from pathlib import Path

from serving import served, workers_of

from waiting import wait_until


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_a_dead_worker_is_replaced_while_another_is_stopped(tmp_path: Path) -> None:
    with served(f"sqlite:///{tmp_path}/a.db", tmp_path, "--workers", "2", ROWFERRY_SHUTDOWN_SECONDS="1") as running:
        wait_until(lambda: len(workers_of(running.process.pid)) == 2, lambda: running.log)
        stopped, killed = workers_of(running.process.pid)
        running.client.close()
        os.kill(stopped, signal.SIGSTOP)
        os.kill(killed, signal.SIGKILL)
        with type(running.client)(base_url=running.client.base_url, timeout=60) as another:
            assert another.get("/livez").status_code == 200
        assert is_stopped(stopped), "nobody waited until it had been silent for too long"
        assert running.stop() == 0, running.log
        assert "Traceback" not in running.log
