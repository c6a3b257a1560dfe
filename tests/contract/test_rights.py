"""A user of PostgreSQL who lacks a right is told which grant gives it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from batching import Batches
from databases import administer
from loading import Tables
from rowferry.backends.postgresql.grants import missing_grant
from rowferry.bootstrap import Service
from rowferry.errors import RightMissing
from rowferry.settings import read_settings
from speaking import only_postgresql


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


def refused(service: Service) -> str:
    """What the administrator is asked to run."""
    with pytest.raises(RightMissing) as caught:
        service.start()
    return caught.value.advice.partition("to run: ")[2].replace("postgres", "guest")  # whom the URL names


def test_who_may_make_nothing_is_told_one_grant_after_the_other(url: str) -> None:
    """With the schema that an administrator made, no right on the database is needed."""
    tables = "GRANT USAGE, CREATE ON SCHEMA public TO guest;"
    with as_guest(Service(read_settings(url))) as service:
        for grant in ('CREATE SCHEMA "rowferry" AUTHORIZATION guest;', tables):
            assert refused(service) == grant
            administer(sa.make_url(url).set(drivername="postgresql+psycopg"), grant)
        service.start()
        assert service.schema().is_current


def test_who_may_not_use_the_ledger_is_told_the_grants(new_service: Callable[..., Service], url: str) -> None:
    new_service("kind_tables", url)
    schema, tables = (
        "GRANT USAGE ON SCHEMA rowferry TO guest;",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rowferry TO guest;",
    )
    as_server = sa.make_url(url).set(drivername="postgresql+psycopg")
    with as_guest(Service(replace(read_settings(url), models="kind_tables"))) as guest:
        for given in (schema, tables):
            assert refused(guest) == f"{schema} {tables}"
            administer(as_server, given)
        guest.start()


@pytest.mark.parametrize("hidden", [True, False])
def test_who_may_not_use_tables_is_told_the_grant(
    new_service: Callable[..., Service], url: str, tmp_path: Path, *, hidden: bool
) -> None:
    tables = Tables(new_service(url=url), tmp_path)
    every = "SCHEMA rowferry TO guest"
    tables.execute(f"GRANT USAGE ON {every}; GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN {every}")
    if hidden:
        tables.execute("REVOKE USAGE ON SCHEMA public FROM PUBLIC")
    with as_guest(Service(read_settings(url))) as service, pytest.raises(RightMissing) as caught:
        service.start()
        Tables(service, tmp_path).put("jobs.csv", "1,Clerk\n")
    told = "CREATE ON SCHEMA public TO " if hidden else "GRANT SELECT, INSERT, UPDATE, DELETE, REFERENCES ON jobs TO "
    assert told in caught.value.advice


@only_postgresql
def test_a_batch_without_a_privilege_rejects_no_rows(
    new_service: Callable[..., Service], url: str, tmp_path: Path
) -> None:
    """The rows are not to blame, so nothing is kept of them, and the same batch may be sent again."""
    tables = Tables(new_service(url=url), tmp_path)
    every = "SCHEMA rowferry TO guest"
    tables.execute(f"GRANT USAGE ON {every}; GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN {every}")
    tables.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA rowferry TO guest; GRANT SELECT ON departments TO guest")
    with as_guest(Service(read_settings(url))) as service, pytest.raises(RightMissing) as caught:
        Batches(Tables(service, tmp_path)).put({"departments": [{"id": 1, "department": "Law"}]})
    assert "INSERT, UPDATE, DELETE, REFERENCES ON departments TO " in caught.value.advice


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


@pytest.mark.parametrize("message", ["permission denied for schema rowferry_hr", "permission denied for table schema"])
def test_the_grant_names_the_schema_of_the_ledger(message: str) -> None:
    assert missing_grant(message, "ann", "rowferry_hr").startswith("GRANT USAGE ON SCHEMA rowferry_hr TO ann;")
