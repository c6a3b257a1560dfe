"""`rowferry serve`."""

import ipaddress
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Never

import click
import uvicorn

from rowferry.bootstrap import check_settings
from rowferry.cli.garbage import collect_garbage
from rowferry.cli.options import Integer, database_option
from rowferry.cli.output import EXIT_FAILED
from rowferry.cli.workers import Workers
from rowferry.errors import PortTaken, ServiceExposed
from rowferry.observers.logging import SERVE, logging_of_service, shared_log
from rowferry.settings import pass_on

_KEEP_ALIVE_SECONDS = 75
"""An idle connection is kept for longer than clients and proxies keep it, or they would send into one just closed."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT)

_WORKER_SILENT_SECONDS = 30
"""A worker that does not answer for so long is replaced; a load may keep it busy for a while."""


@click.command()
@click.option("--host", default="127.0.0.1", help="The address to listen on.")
@click.option("--port", type=Integer(0, 65535), default=8000, help="The port to listen on; 0 takes a free one.")
@click.option("--workers", type=Integer(1, 64), default=1, help="How many worker processes to start.")
@click.option(
    "--open",
    "is_open",
    is_flag=True,
    help="Listen on an address that other machines can reach; anyone who reaches it may do anything.",
)
@database_option
def serve(host: str, port: int, workers: int, is_open: bool, database_url: str | None) -> None:
    """Serve the pages (/), the API and its documentation (/docs) until Ctrl-C or SIGTERM; exit code 0.

    Work in progress is finished first, or rolled back after ROWFERRY_SHUTDOWN_SECONDS.
    """
    for number in _SIGNALS:
        signal.signal(number, _exit)
    settings = check_settings(database_url)
    collect_garbage()
    if not is_open and not _is_loopback(host):
        raise ServiceExposed(host=host)
    _require_free(host, port)
    # Said as an error of ours; the library that sets logging up would hide it in one of its own.
    shared_log(settings.log_dir, SERVE)
    with _metrics_folder(workers) as folder:
        pass_on(settings, host, folder)
        config = uvicorn.Config(
            "rowferry.api.app:create_app",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            log_config=logging_of_service(settings.log_dir),
            access_log=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            ws="none",
            timeout_graceful_shutdown=int(settings.shutdown_seconds) + 1,
            timeout_worker_healthcheck=_WORKER_SILENT_SECONDS,
        )
        _run(config)


def _run(config: uvicorn.Config) -> None:
    if config.workers > 1:
        Workers(config, [config.bind_socket()]).run()
        return
    server = uvicorn.Server(config)

    def stop(_number: int, _frame: FrameType | None) -> None:
        """Heard before the server listens to signals itself, and again when it has ended."""
        server.should_exit = True

    for number in _SIGNALS:
        signal.signal(number, stop)
    server.run()
    if not server.started:
        raise click.exceptions.Exit(EXIT_FAILED)


def _exit(_number: int, _frame: FrameType | None) -> Never:
    raise SystemExit(0)


@contextmanager
def _metrics_folder(workers: int) -> Iterator[str | None]:
    """Where workers keep what they count, so that each can tell it for all; one alone needs none."""
    if workers == 1:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="rowferry-metrics-") as folder:
        yield folder


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
