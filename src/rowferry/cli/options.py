"""Options that several commands have."""

import getpass
import shlex
import socket
from enum import StrEnum
from typing import Annotated

import typer
from sqlalchemy.engine import make_url

from rowferry.bootstrap import Service
from rowferry.settings import masked_url, read_settings


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


def at_database(database_url: str | None) -> str:
    """What makes another command use the same database; a URL with a password in it is not repeated."""
    if database_url is None:
        return ""
    is_secret = "***" in masked_url(make_url(database_url))
    return f" --database-url {'URL' if is_secret else shlex.quote(database_url)}"


def caller() -> str:
    """Who runs the command."""
    return f"{getpass.getuser()}@{socket.gethostname()}"
