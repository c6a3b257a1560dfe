"""A user of PostgreSQL who lacks a right is told which grant gives it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from databases import administer
from loading import Tables
from rowferry.backends.postgresql.grants import missing_grant
from rowferry.bootstrap import Service
from rowferry.errors import RightMissing
from rowferry.settings import read_settings


@pytest.fixture
def url(postgresql_server: sa.URL) -> Iterator[str]:
    administer(postgresql_server, "CREATE DATABASE test_rights")
    administer(postgresql_server, "CREATE ROLE guest")
    yield postgresql_server.set(database="test_rights", drivername="postgresql").render_as_string(hide_password=False)
    administer(postgresql_server, "DROP DATABASE test_rights WITH (FORCE)")
    administer(postgresql_server, "DROP ROLE guest")


@contextmanager
def as_guest(service: Service) -> Iterator[Service]:
    """Everything is done by a role that was granted nothing."""

    def become_guest(connection: object, *_: object) -> None:
        connection.execute("SET ROLE guest")  # type: ignore[attr-defined]  # it is psycopg's
        connection.commit()  # type: ignore[attr-defined]  # likewise

    sa.event.listen(service.backend.engine, "checkout", become_guest)
    yield service
    service.backend.engine.dispose()


def test_who_may_not_make_tables_is_told_the_grant(url: str) -> None:
    with as_guest(Service(read_settings(url))) as service, pytest.raises(RightMissing) as caught:
        service.start()
    assert "schema public" in caught.value.message
    assert "GRANT USAGE, CREATE ON SCHEMA public TO " in caught.value.advice


@pytest.mark.parametrize("hidden", [True, False])
def test_who_may_not_use_tables_is_told_the_grant(
    new_service: Callable[..., Service], url: str, tmp_path: Path, *, hidden: bool
) -> None:
    service = new_service(url=url)
    if hidden:
        Tables(service, tmp_path).execute("REVOKE USAGE ON SCHEMA public FROM PUBLIC")
    with as_guest(Service(read_settings(url))) as guest, pytest.raises(RightMissing) as caught:
        guest.start()
    told = (
        "ON SCHEMA public TO " if hidden else "GRANT SELECT, INSERT, UPDATE, DELETE, REFERENCES ON rowferry_schema TO "
    )
    assert told in caught.value.advice


@pytest.mark.parametrize(
    ("message", "grant"),
    [
        ("permission denied for table jobs", "DELETE, REFERENCES ON jobs TO ann;"),
        ("permission denied for schema My", 'GRANT USAGE, CREATE ON SCHEMA "My" TO ann;'),
        ('permission denied to create temporary tables in database "db"', "GRANT TEMPORARY ON DATABASE db TO ann;"),
        ("must be owner of table jobs", "ALTER TABLE jobs OWNER TO ann;"),
        ("keine Berechtigung", "ON ALL TABLES IN SCHEMA public TO ann;"),
    ],
)
def test_the_grant_follows_from_the_message(message: str, grant: str) -> None:
    assert missing_grant(message, "ann").endswith(grant)
    assert "<user>" in missing_grant(message, None)
