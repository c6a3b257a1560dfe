"""Options that several commands have."""

import getpass
import socket
from enum import StrEnum
from typing import Annotated

import typer

from rowferry.bootstrap import Service
from rowferry.settings import read_settings


class Conflict(StrEnum):
    """The values of OnConflict, as the command line knows choices."""

    reject = "reject"
    skip = "skip"
    update = "update"


DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url", metavar="URL", help="The database; else SQLALCHEMY_DATABASE_URL, else sqlite:///rowferry.db."
    ),
]
OnConflict = Annotated[
    Conflict,
    typer.Option(
        help="A row whose key is in the table already, with other values: reject it, skip it, or update the table."
    ),
]
AllOrNothing = Annotated[bool, typer.Option("--all-or-nothing", help="Insert nothing if any row is rejected.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object to standard output, and nothing else.")]


def open_service(database_url: str | None) -> Service:
    """The service on the database that was asked for, ready for work."""
    service = Service(read_settings(database_url))
    service.start()
    return service


def caller() -> str:
    """Who runs the command."""
    return f"{getpass.getuser()}@{socket.gethostname()}"
