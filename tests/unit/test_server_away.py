"""A server that cannot be reached is told as such, whatever is asked of it."""

import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from rowferry.backends.postgresql.database import PostgresqlBackend
from rowferry.errors import DatabaseUnavailable

WAYS: dict[str, Callable[[PostgresqlBackend], AbstractContextManager[Any]]] = {
    "asking": lambda backend: backend.asking(1),
    "scanning": lambda backend: backend.scanning(),
    "snapshot": lambda backend: backend.snapshot(),
    "transaction": lambda backend: backend.transaction(),
    "short_transaction": lambda backend: backend.short_transaction(),
    "hold": lambda backend: backend.hold("name"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_server_that_is_away(way: str) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))  # and nobody listens
        backend = PostgresqlBackend(make_url(f"postgresql://ann@127.0.0.1:{unheard.getsockname()[1]}/db"))
        with pytest.raises(DatabaseUnavailable), WAYS[way](backend):
            pass
