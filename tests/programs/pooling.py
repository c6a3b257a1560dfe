"""Debian's PgBouncer before a server of PostgreSQL: each transaction has another session there."""

import os
import pwd
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import sqlalchemy as sa

from ports import free_port

CONFIGURATION = """
[databases]
* = host={host} port={port} user=postgres pool_size=6
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
server_round_robin = 1
logfile = {folder}/log
pidfile = {folder}/pid
{more}
"""


@contextmanager
def pooled(server: sa.URL, more: str = "") -> Iterator[sa.URL]:
    """The URL of a server behind a pooler in transaction mode, until the end of the context; `more` configures it."""
    listen, port = free_port(), server.port or 5432
    at = Path(str(server.query["host"]), f".s.PGSQL.{port}")
    # It does not run as root; then the server does not either.
    user = ["-u", pwd.getpwuid(at.stat().st_uid).pw_name] if os.getuid() == 0 else []
    url = sa.URL.create("postgresql+psycopg", "postgres", host="127.0.0.1", port=listen, database="postgres")
    with tempfile.TemporaryDirectory(prefix="rowferry-pooler-") as folder:
        Path(folder).chmod(0o777)
        file = Path(folder, "pgbouncer.ini")
        file.write_text(CONFIGURATION.format(host=at.parent, port=port, listen=listen, folder=folder, more=more))
        process = subprocess.Popen(["/usr/sbin/pgbouncer", *user, file], stderr=subprocess.DEVNULL)
        try:
            _wait(url)
            yield url
        finally:
            process.terminate()
            process.wait(30)


def _wait(url: sa.URL) -> None:
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    for _ in range(200):
        with suppress(psycopg.OperationalError), psycopg.connect(plain):
            return
        time.sleep(0.05)
    psycopg.connect(plain).close()
