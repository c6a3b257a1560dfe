"""`rowferry serve`."""

import ipaddress
import socket
from typing import Annotated

import typer
import uvicorn

from rowferry.bootstrap import check_settings
from rowferry.cli.options import DatabaseUrl
from rowferry.errors import PortTaken, ServiceExposed
from rowferry.settings import pass_on

app = typer.Typer(add_completion=False)

_KEEP_ALIVE_SECONDS = 75
"""An idle connection is kept for longer than clients and proxies keep it, or they would send into one just closed."""


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0 takes a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="How many processes serve.")] = 1,
    is_open: Annotated[
        bool, typer.Option("--open", help="Listen on an address that others reach; whoever reaches it may do anything.")
    ] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Serve the pages (/), the API and its documentation (/docs) until Ctrl-C."""
    settings = check_settings(database_url)
    if not is_open and not _is_loopback(host):
        raise ServiceExposed(host=host)
    pass_on(settings)
    _require_free(host, port)
    uvicorn.run(
        "rowferry.api.app:create_app",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        log_level="info",
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _require_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(host=host, port=port, reason=error.strerror) from error
