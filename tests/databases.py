"""Databases of tests: empty ones, and copies of migrated ones, which are there in a quarter of the time."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from rowferry.bootstrap import Service
from rowferry.settings import DEFAULT_MODELS, read_settings

_MODELS = {"with_models": DEFAULT_MODELS, "ledger_alone": "kind_tables"}
"""By name the databases that are copied: no models but the default ones have migrations."""

_ROOM = 4 << 30


class NewDatabase(Protocol):
    """Makes databases of one kind, that are gone after the test."""

    def __call__(self, migrated_for: str | None = None) -> str:
        """The URL of an empty database, or of one that has had all migrations for these models."""


@dataclass
class SqliteDatabases:
    """Files of a folder; what they are copied from is in another one."""

    migrated: Path
    folder: Path
    made: int = 0

    def __call__(self, migrated_for: str | None = None) -> str:
        self.made += 1
        path = self.folder / f"database-{self.made}.db"
        if migrated_for:
            shutil.copyfile(self.migrated / f"{_name(migrated_for)}.db", path)
        return f"sqlite:///{path}"


def migrate_sqlite(folder: Path) -> None:
    """Make the files to be copied."""
    for name, models in _MODELS.items():
        _migrate(f"sqlite:///{folder}/{name}.db", models)


@dataclass
class PostgresqlDatabases:
    """Databases of a server, that has those to be copied."""

    server: sa.URL
    made: list[str] = field(default_factory=list)

    def __call__(self, migrated_for: str | None = None) -> str:
        self.made.append(f"test_{len(self.made) + 1}")
        template = _name(migrated_for) if migrated_for else "template1"
        with _administration(self.server) as connection:
            # By default every page goes through the log of the server.
            way = "STRATEGY file_copy" if (connection.dialect.server_version_info or ()) >= (15,) else ""
            connection.exec_driver_sql(f"CREATE DATABASE {self.made[-1]} TEMPLATE {template} {way}")
        return _url(self.server, self.made[-1])

    def drop(self) -> None:
        administer(self.server, *(f"DROP DATABASE {name} WITH (FORCE)" for name in self.made))


def migrate_postgresql(server: sa.URL) -> None:
    """Make the databases to be copied."""
    for name, models in _MODELS.items():
        administer(server, f"CREATE DATABASE {name}")
        _migrate(_url(server, name), models)


def in_memory() -> str | None:
    """A folder in memory, if the machine has one with room: a database is hundreds of files, made for each test."""
    folder = Path("/dev/shm")
    return str(folder) if os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > _ROOM else None


def administer(server: sa.URL, *statements: str) -> None:
    """Run statements that cannot stand in a transaction."""
    with _administration(server) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


@contextmanager
def _administration(server: sa.URL) -> Iterator[sa.Connection]:
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _url(server: sa.URL, name: str) -> str:
    return server.set(database=name, drivername="postgresql").render_as_string(hide_password=False)


def _name(models: str) -> str:
    return "with_models" if models == DEFAULT_MODELS else "ledger_alone"


def _migrate(url: str, models: str) -> None:
    service = Service(replace(read_settings(url), models=models))
    service.upgrade()
    service.close()
    service.schema()  # whoever connects first to a database of PostgreSQL does work that the others find done
    service.close()
