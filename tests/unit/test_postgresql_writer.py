"""What the operating system holds of a COPY that was sent and not received yet."""

import socket
from types import SimpleNamespace
from typing import Any

from rowferry.backends.postgresql.copying import _hold_much


def held(end: socket.socket) -> int:
    return end.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)


def test_more_is_held_between_processes_of_one_machine() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        before = held(ours)
        driver: Any = SimpleNamespace(fileno=ours.fileno)
        _hold_much(driver)
        assert held(ours) > before
        ours.sendall(b"still open")
        assert theirs.recv(20) == b"still open"


def test_tcp_goes_on_finding_out_by_itself_how_much_to_hold() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as ours:
        before = held(ours)
        driver: Any = SimpleNamespace(fileno=ours.fileno)
        _hold_much(driver)
        assert held(ours) == before
