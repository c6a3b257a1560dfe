"""Commands on a terminal, as people use them."""

import os
import pty
import subprocess
from collections.abc import Sequence


def on_terminal(command: Sequence[str], environment: dict[str, str], *, errors_only: bool = False) -> str:
    """What a command that ends well shows on a terminal; with `errors_only`, its standard output goes elsewhere."""
    master, slave = pty.openpty()
    out = subprocess.DEVNULL if errors_only else slave
    with subprocess.Popen(command, env=environment, stdin=slave, stdout=out, stderr=slave) as running:
        os.close(slave)
        shown = b""
        while part := _read(master):
            shown += part
        assert running.wait() == 0, shown
    os.close(master)
    return shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # the other side has gone
        return b""
