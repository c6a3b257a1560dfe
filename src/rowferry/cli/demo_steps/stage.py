"""What the steps of the demo share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, delete

from rowferry import ledger
from rowferry.backends.protocol import Backend
from rowferry.bootstrap import Service
from rowferry.events import Event

DATABASE = Path("rowferry-demo.db")

AT_DATABASE = f"--database-url sqlite:///{DATABASE}"
"""What makes a command use the database of the demo."""


@dataclass
class Stage:
    """The service on the demo's own database, and the folder of its sample files.

    Steps put into `shown` what `--json` shows, and into `next_commands` what to try next: a command and what it does.
    """

    service: Service
    folder: Path
    shown: dict[str, Any] = field(default_factory=dict)
    next_commands: list[tuple[str, str]] = field(default_factory=list)


Step = Callable[[Stage], None]
"""A step does one thing and shows what came of it; the first line of its docstring is its heading."""


def empty(backend: Backend) -> None:
    """Drop all tables of the demo's database, in place: a server that has the file open goes on with the same one."""
    with backend.short_transaction() as transaction:
        found = MetaData()
        found.reflect(transaction.connection)
        found.drop_all(transaction.connection)


def forget_backups(backend: Backend) -> None:
    """Forget the backups of the demo, which go with its folder; a service on its database would miss them."""
    with backend.short_transaction() as transaction:
        transaction.connection.execute(delete(ledger.here(transaction.connection, ledger.backups)))


def ignore(_event: Event) -> None:
    """The demo shows receipts, not progress."""
