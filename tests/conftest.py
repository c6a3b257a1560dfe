"""Two real databases for every test: SQLite in a file, and a PostgreSQL server that the session starts itself."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

import toy_room.database
from backing_up import Backups
from databases import (
    NewDatabase,
    PostgresqlDatabases,
    SqliteDatabases,
    administer,
    in_memory,
    migrate_postgresql,
    migrate_sqlite,
)
from loading import Tables, employees
from owning import ServiceOf
from postgresql_versions import start_postgresql
from rowferry.backends import refusals
from rowferry.backends.capabilities import Capabilities
from rowferry.backends.postgresql import careful as postgresql_careful
from rowferry.backends.registry import ROOMS, Served
from rowferry.bootstrap import Service
from rowferry.operations import refused_rows
from rowferry.settings import DEFAULT_MODELS, read_settings

# Hundreds of processes are started, none of which should compile the program again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

pytest_plugins = ["browsing"]

DATABASES = ["sqlite", "postgresql"]
"""One line for each database."""

if os.environ.get("ROWFERRY_TEST_TOY"):
    DATABASES = ["toy"]

_UNSAFE_BUT_FAST = ("fsync", "full_page_writes", "synchronous_commit")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[sa.URL]:
    """The URL of a server that lives as long as the session; it keeps nothing, so it need not reach the disk."""
    with tempfile.TemporaryDirectory(prefix="rowferry-pg-", dir=in_memory(), ignore_cleanup_errors=True) as folder:
        server = start_postgresql(Path(folder, "data"))
        url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        administer(url, *(f"ALTER SYSTEM SET {name} = off" for name in _UNSAFE_BUT_FAST), "SELECT pg_reload_conf()")
        yield url
        server.cleanup()


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_server: sa.URL) -> sa.URL:
    """The same server, with databases to be copied."""
    migrate_postgresql(postgresql_server)
    return postgresql_server


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of databases to be copied."""
    folder = tmp_path_factory.mktemp("migrated")
    migrate_sqlite(folder)
    return folder


@pytest.fixture(params=DATABASES)
def new_database(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[NewDatabase]:
    """Makes databases of one kind, empty or migrated; they are gone after the test."""
    if request.param == "toy":  # the files are those of SQLite, which other processes take them for
        monkeypatch.setitem(ROOMS, "sqlite", Served(toy_room.database, "pysqlite"))
    if request.param in ("sqlite", "toy"):
        yield SqliteDatabases(request.getfixturevalue("migrated_sqlite"), tmp_path)
        return
    databases = PostgresqlDatabases(request.getfixturevalue("migrated_postgresql"))
    yield databases
    databases.drop()


@pytest.fixture
def both_databases(migrated_postgresql: sa.URL, migrated_sqlite: Path, tmp_path: Path) -> Iterator[list[str]]:
    """A database of each kind, migrated for models of one's own."""
    databases = PostgresqlDatabases(migrated_postgresql)
    yield [databases("kind_tables"), SqliteDatabases(migrated_sqlite, tmp_path)("kind_tables")]
    databases.drop()


@pytest.fixture
def database_url(new_database: NewDatabase) -> str:
    """A database as it is once a service has started on it."""
    return new_database(DEFAULT_MODELS)


@pytest.fixture
def capabilities(database_url: str) -> Capabilities:
    """What the database can do, and keeps."""
    backend = Service(read_settings(database_url)).backend
    backend.engine.dispose()
    return backend.capabilities


@pytest.fixture
def empty_url(new_database: NewDatabase) -> str:
    """An empty database."""
    return new_database()


@pytest.fixture
def new_service(new_database: NewDatabase) -> Iterator[Callable[..., Service]]:
    """Starts services on databases of their own, or on one that is there; serving the given models."""
    services: list[Service] = []

    def start(models: str = DEFAULT_MODELS, url: str | None = None) -> Service:
        settings = replace(read_settings(url or new_database(models)), models=models)
        services.append(Service(settings))
        services[-1].start()
        return services[-1]

    yield start
    for service in services:
        service.backend.engine.dispose()


@pytest.fixture
def filled_url(new_service: Callable[..., Service], database_url: str, tmp_path: Path, globant: Path) -> str:
    """A database that the real input was loaded into."""
    Tables(new_service(url=database_url), tmp_path).load(globant)
    return database_url


@pytest.fixture
def service_of(
    new_service: Callable[..., Service], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ServiceOf]:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "own_tables", raising=False)

    def start(source: str) -> Service:
        (tmp_path / "own_tables.py").write_text(source)
        return new_service("own_tables")

    yield start
    sys.modules.pop("own_tables", None)


@pytest.fixture
def service(new_service: Callable[..., Service]) -> Service:
    """Rowferry on an empty database, started."""
    return new_service()


@pytest.fixture
def tables(service: Service, tmp_path: Path) -> Tables:
    """The tables of `service`, and files for them."""
    return Tables(service, tmp_path)


@pytest.fixture
def filled(tables: Tables) -> Tables:
    """Three departments, three jobs, 5,000 employees."""
    tables.with_parents().put("hired_employees.csv", employees(5_000))
    return tables


@pytest.fixture
def backups(service: Service, tmp_path: Path) -> Backups:
    """What can be done to the backups of `service`."""
    return Backups(service, tmp_path / "backups")


@pytest.fixture
def few_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the database refuse 10 rows of an operation at most, since it takes long to find each of 1,000."""
    for module in (refusals, refused_rows, postgresql_careful):
        monkeypatch.setattr(module, "MOST_REFUSED", 10)


@pytest.fixture
def owned(tables: Tables) -> Iterator[Tables]:
    """The same tables, but on PostgreSQL as a user who owns them and is no superuser."""
    with owning_as_plain(tables):
        yield tables


@contextmanager
def owning_as_plain(tables: Tables) -> Iterator[None]:
    """Let a service work as a user who owns the tables and is no superuser."""
    engine = tables.service.backend.engine
    if engine.dialect.name == "sqlite":
        yield
        return
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE ROLE plain"))
        every = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'rowferry')"
        for name in connection.execute(sa.text(every)):
            connection.execute(sa.text(f"ALTER TABLE {'.'.join(name)} OWNER TO plain"))
        connection.execute(sa.text("GRANT ALL ON SCHEMA public, rowferry TO plain"))
    sa.event.listen(engine, "checkout", _become_plain)
    yield
    sa.event.remove(engine, "checkout", _become_plain)
    with engine.begin() as connection:
        connection.execute(sa.text("RESET ROLE"))
        if (engine.dialect.server_version_info or ()) >= (15,):
            connection.execute(sa.text("REVOKE SET ON PARAMETER session_replication_role FROM plain"))
        connection.execute(sa.text("DROP OWNED BY plain CASCADE"))
        connection.execute(sa.text("DROP ROLE plain"))


def _become_plain(connection: object, _record: object, _proxy: object) -> None:
    connection.execute("SET ROLE plain")  # type: ignore[attr-defined]
    connection.commit()  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def globant() -> Path:
    """The folder of the real input, beside the repository."""
    return Path(__file__).resolve().parents[2] / "shared" / "data" / "globant"
