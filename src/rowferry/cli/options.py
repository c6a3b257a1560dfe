"""Options that several commands have."""

import getpass
import socket
from typing import Annotated

import typer

from rowferry.bootstrap import Service
from rowferry.settings import read_settings

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url", metavar="URL", help="The database; else SQLALCHEMY_DATABASE_URL, else sqlite:///rowferry.db."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object to standard output, and nothing else.")]


def open_service(database_url: str | None) -> Service:
    """The service on the database that was asked for, ready for work."""
    service = Service(read_settings(database_url))
    service.start()
    return service


def caller() -> str:
    """Who runs the command."""
    return f"{getpass.getuser()}@{socket.gethostname()}"
