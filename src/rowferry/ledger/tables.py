"""The tables of the ledger, as they are declared, and as the database of a connection has them."""

from functools import cache
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Connection, DateTime, Integer, MetaData, String, Table, Text, text

from rowferry.dictionary.place import PLACE, Place

_NAMES = {"ix": "ix_%(table_name)s_%(column_0_name)s"}
"""An index is named after its table alone, in whatever schema that is."""

metadata = MetaData(naming_convention=_NAMES)
"""The tables as they are declared; those of a database have their schema, or a prefix: see `here`."""

loads = Table(
    "loads",
    metadata,
    Column("load_id", String(64), primary_key=True),
    Column("status", String(16), nullable=False, index=True, doc="running, done, failed or interrupted"),
    Column("dry_run", Integer, nullable=False),
    Column("caller", String(255), nullable=False, doc="who asked for it"),
    Column("started_at", DateTime(timezone=True), nullable=False, index=True),
    Column("finished_at", DateTime(timezone=True)),
    Column("options", JSON, nullable=False),
    Column("sources", JSON, nullable=False, doc="of each file: table, path, bytes and SHA-256"),
    Column("tables", JSON, nullable=False, doc="of each file: its counts"),
    Column("passed_over", JSON, doc="the files of its folder that are named after no table"),
    Column("rows_read", BigInteger, nullable=False, default=0),
    Column("inserted", BigInteger, nullable=False, default=0),
    Column("updated", BigInteger, nullable=False, default=0),
    Column("unchanged", BigInteger, nullable=False, default=0),
    Column("rejected", BigInteger, nullable=False, default=0),
    Column("error", JSON, doc="why it failed: code, message and hint"),
    Column("progress", JSON, doc="how far it has come, while it runs: for the other processes of the service"),
)

rejected_rows = Table(
    "rejected_rows",
    metadata,
    Column("load_id", String(64), primary_key=True, doc="the load, batch or restore that rejected it"),
    Column("reject_id", BigInteger, primary_key=True, autoincrement=False),
    Column("table", String(255), nullable=False),
    Column("source", Text, nullable=False),
    Column("row_number", BigInteger, nullable=False),
    Column("raw", Text, nullable=False),
    Column("errors", Text, nullable=False, doc="the faults of the row, as JSON"),
)

batches = Table(
    "batches",
    metadata,
    Column("batch_id", String(64), primary_key=True),
    Column("status", String(16), nullable=False, doc="done, or refused: asked for all or nothing, it put nothing in"),
    Column("caller", String(255), nullable=False, doc="who asked for it"),
    Column("source", Text, nullable=False, doc="where its rows came from"),
    Column("finished_at", DateTime(timezone=True), nullable=False),
    Column("options", JSON, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("inserted", JSON, nullable=False, doc="of each table of the batch: how many rows"),
    Column("updated", JSON, nullable=False),
    Column("unchanged", JSON, nullable=False),
    Column("rejected", BigInteger, nullable=False),
)

backups = Table(
    "backups",
    metadata,
    Column("backup_id", String(300), primary_key=True),
    Column("snapshot_id", String(64), nullable=False),
    Column("table", String(255), nullable=False),
    Column("created_at", String(40), nullable=False),
    Column("caller", String(255), nullable=False, doc="who asked for it"),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("manifest_sha256", String(64), nullable=False, doc="what the manifest was when it was written"),
)

verifications = Table(
    "verifications",
    metadata,
    Column("verification_id", String(64), primary_key=True),
    Column("backup_id", String(300), nullable=False, index=True),
    Column("verified_at", DateTime(timezone=True), nullable=False),
    Column("caller", String(255), nullable=False),
    Column("damage", Text, doc="what is wrong; null if the backup is good"),
)

idempotent_replies = Table(
    "idempotent_replies",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("route", String(255), primary_key=True),
    Column("request_sha256", String(64), primary_key=True, doc="one for each key, but for what older programs left"),
    Column("status", Integer, nullable=False, doc="what was answered: HTTP status, media type and body"),
    Column("media_type", String(255), nullable=False),
    Column("answer", Text, nullable=False),
    Column("kept_at", BigInteger, nullable=False, index=True, server_default=text("0"), doc="in witnessed time"),
)

witnessed_time = Table(
    "witnessed_time",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seconds", BigInteger, nullable=False, doc="for how long services of this ledger have run at least"),
)

restores = Table(
    "restores",
    metadata,
    Column("restore_id", String(64), primary_key=True),
    Column("status", String(16), nullable=False, index=True, doc="running, done, refused, failed or interrupted"),
    Column("table", String(255), nullable=False),
    Column("caller", String(255), nullable=False, doc="who asked for it"),
    Column("started_at", DateTime(timezone=True), nullable=False, index=True),
    Column("finished_at", DateTime(timezone=True)),
    Column("options", JSON, nullable=False),
    Column("tables", JSON, nullable=False, doc="of each table: its backup and its counts"),
    Column("added", BigInteger, nullable=False, default=0),
    Column("changed", BigInteger, nullable=False, default=0),
    Column("removed", BigInteger, nullable=False, default=0),
    Column("unchanged", BigInteger, nullable=False, default=0),
    Column("rejected", BigInteger, nullable=False, default=0),
    Column("obstacles", JSON, nullable=False, doc="what stood in its way"),
    Column("error", JSON, doc="why it failed: code, message and hint"),
)


versions = Table("schema", MetaData(), Column("version_num", String(32), primary_key=True))
"""Holds the last migration of each history that the database has had; it is there before any of the others."""


def place_of(connection: Connection) -> Place:
    """Where the database of a connection has the tables."""
    place: Place = connection.info[PLACE]
    return place


def here(connection: Connection, table: Table) -> Table:
    """A table as the database of a connection has it."""
    return _placed(place_of(connection))[table]


def all_here(connection: Connection) -> MetaData:
    """All tables but that of the versions, as the database of a connection has them."""
    return here(connection, loads).metadata


@cache
def _placed(place: Place) -> dict[Table, Table]:
    ours, beside = MetaData(naming_convention=_NAMES), MetaData()
    declared = [(table, ours) for table in metadata.sorted_tables] + [(versions, beside)]
    schema: Any = place.schema  # which may be None, though that is not said
    return {table: table.to_metadata(to, schema=schema, name=f"{place.prefix}{table.name}") for table, to in declared}
