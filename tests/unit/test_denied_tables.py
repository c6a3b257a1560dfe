"""A grant names a table as far as the server still tells where it is."""

import sqlalchemy as sa

from rowferry.backends.postgresql.database import PostgresqlBackend
from rowferry.backends.postgresql.grants import missing_grant


def test_a_server_that_has_gone_leaves_the_name_alone() -> None:
    backend = PostgresqlBackend(sa.make_url("postgresql://ann@/db?host=/nowhere"))
    grant = missing_grant("permission denied for table jobs", "ann", denied=backend.denied)
    assert grant == "GRANT SELECT, INSERT, UPDATE, DELETE, REFERENCES ON jobs TO ann;"
