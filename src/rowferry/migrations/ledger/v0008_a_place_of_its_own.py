"""The ledger has a place of its own: a schema, or a prefix where there are none; no name is taken from other tables.

What a program before has made is moved, with its rows and indexes. A database without a ledger begins here: its tables
are made where they belong.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from rowferry.errors import RightMissing
from rowferry.ledger import place_of

revision = "ledger_0008"
down_revision = "ledger_0007"

_MAY_MAKE_SCHEMA = """
SELECT has_database_privilege(current_database(), 'CREATE'), quote_ident(current_user), current_database()
"""

_MAY_CREATE = "SELECT has_schema_privilege(:home, 'CREATE') AND to_regclass(:mark) IS NULL"

_GRANTEES = """
SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
WHERE n.nspname = :schema AND pg_has_role(n.nspowner, 'USAGE') AND a.grantee <> c.relowner
"""


def upgrade() -> None:
    """Move each table that is there, and make those that are not."""
    connection = op.get_bind()
    place = place_of(connection)
    if place.schema and place.schema not in sa.inspect(connection).get_schema_names():
        _make_schema(connection, place.schema)
    found = sa.inspect(connection)
    there = set(found.get_table_names(schema=place.home))
    for name, table in _tables(place.schema, place.prefix).items():
        columns = found.get_columns(name, schema=place.home) if name in there else []
        if {column.name for column in table.columns} <= {column["name"] for column in columns}:
            _move(found, name, table, place.home)
        else:
            table.create(connection)
    if place.schema:
        _move_versions(connection, place.schema, place.home, there)


def _make_schema(connection: sa.Connection, schema: str) -> None:
    may, user, database = connection.execute(sa.text(_MAY_MAKE_SCHEMA)).one()
    if not may:
        reason = f"the schema {schema} for its own tables is missing, and user {user} may make none in {database}"
        raise RightMissing(reason=reason, grant=f"CREATE SCHEMA {_quoted(schema)} AUTHORIZATION {user};")
    op.execute(sa.schema.CreateSchema(schema))


def _move(found: sa.Inspector, name: str, table: sa.Table, home: str | None) -> None:
    if table.schema:
        op.execute(f"ALTER TABLE {_quoted(home, name)} SET SCHEMA {_quoted(table.schema)}")
        return
    for index in found.get_indexes(name):  # a name of an index is one for the whole file
        if str(index["name"]).startswith(f"ix_{name}_"):
            op.drop_index(str(index["name"]))
    op.rename_table(name, table.name)
    for made in table.indexes:
        made.create(op.get_bind())


def _move_versions(connection: sa.Connection, schema: str, home: str | None, there: set[str]) -> None:
    """Move the table of versions, and leave something that a program before takes for it: it refuses what it finds."""
    if "rowferry_schema" in there:
        op.execute(f"ALTER TABLE {_quoted(home, 'rowferry_schema')} SET SCHEMA {_quoted(schema)}")
        op.execute(f"ALTER TABLE {_quoted(schema, 'rowferry_schema')} RENAME TO schema")
    for grantee in connection.scalars(sa.text(_GRANTEES), {"schema": schema}).all():
        op.execute(f"GRANT USAGE ON SCHEMA {_quoted(schema)} TO {grantee}")
    if home is None:
        return
    # Who may make no table there needs no warning: a program before could make none either. A view, since tools that
    # compare tables with models pass views over.
    mark = _quoted(home, "rowferry_schema")
    if connection.scalar(sa.text(_MAY_CREATE), {"home": home, "mark": mark}):
        op.execute(f"CREATE VIEW {mark} AS SELECT CAST('{revision}' AS varchar(32)) AS version_num")
        comment = (
            f"Keeps older versions of Rowferry from making tables here; those there are, are in the schema {schema}."
        )
        op.execute(f"COMMENT ON VIEW {mark} IS '{comment.replace(chr(39), 2 * chr(39))}'")


def _quoted(*names: str | None) -> str:
    return ".".join('"' + name.replace('"', '""') + '"' for name in names if name)


def _tables(schema: str | None, prefix: str) -> dict[str, sa.Table]:
    """The tables as they are from here on, by the names that they had."""
    made = sa.MetaData(schema=schema, naming_convention={"ix": "ix_%(table_name)s_%(column_0_name)s"})
    return {
        name: sa.Table(prefix + name, made, *columns)
        for name, columns in (_loads_and_rejects() | _batches() | _backups() | _restores()).items()
    }


def _required(name: str, kind: sa.types.TypeEngine[Any], *, index: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, index=index)


def _loads_and_rejects() -> dict[str, list[sa.Column[Any]]]:
    return {
        "loads": [
            sa.Column("load_id", sa.String(64), primary_key=True),
            _required("status", sa.String(16), index=True),
            _required("dry_run", sa.Integer()),
            _required("caller", sa.String(255)),
            _required("started_at", sa.DateTime(timezone=True), index=True),
            sa.Column("finished_at", sa.DateTime(timezone=True)),
            *(_required(name, sa.JSON()) for name in ("options", "sources", "tables")),
            sa.Column("passed_over", sa.JSON),
            *(_required(name, sa.BigInteger()) for name in ("rows_read", "inserted", "updated", "unchanged")),
            _required("rejected", sa.BigInteger()),
            sa.Column("error", sa.JSON),
            sa.Column("progress", sa.JSON),
        ],
        "rejected_rows": [
            sa.Column("load_id", sa.String(64), primary_key=True),
            sa.Column("reject_id", sa.BigInteger, primary_key=True, autoincrement=False),
            _required("table", sa.String(255)),
            _required("source", sa.Text()),
            _required("row_number", sa.BigInteger()),
            _required("raw", sa.Text()),
            _required("errors", sa.Text()),
        ],
    }


def _batches() -> dict[str, list[sa.Column[Any]]]:
    return {
        "batches": [
            sa.Column("batch_id", sa.String(64), primary_key=True),
            _required("status", sa.String(16)),
            _required("caller", sa.String(255)),
            _required("source", sa.Text()),
            _required("finished_at", sa.DateTime(timezone=True)),
            _required("options", sa.JSON()),
            _required("received", sa.BigInteger()),
            *(_required(name, sa.JSON()) for name in ("inserted", "updated", "unchanged")),
            _required("rejected", sa.BigInteger()),
        ],
        "idempotent_replies": [
            sa.Column("key", sa.String(255), primary_key=True),
            sa.Column("route", sa.String(255), primary_key=True),
            sa.Column("request_sha256", sa.String(64), primary_key=True),
            _required("status", sa.Integer()),
            _required("media_type", sa.String(255)),
            _required("answer", sa.Text()),
            sa.Column("kept_at", sa.BigInteger, nullable=False, index=True, server_default=sa.text("0")),
        ],
        "witnessed_time": [
            sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
            _required("seconds", sa.BigInteger()),
        ],
    }


def _backups() -> dict[str, list[sa.Column[Any]]]:
    return {
        "backups": [
            sa.Column("backup_id", sa.String(300), primary_key=True),
            _required("snapshot_id", sa.String(64)),
            _required("table", sa.String(255)),
            _required("created_at", sa.String(40)),
            _required("caller", sa.String(255)),
            _required("rows", sa.BigInteger()),
            _required("bytes", sa.BigInteger()),
            _required("sha256", sa.String(64)),
            _required("manifest_sha256", sa.String(64)),
        ],
        "verifications": [
            sa.Column("verification_id", sa.String(64), primary_key=True),
            _required("backup_id", sa.String(300), index=True),
            _required("verified_at", sa.DateTime(timezone=True)),
            _required("caller", sa.String(255)),
            sa.Column("damage", sa.Text),
        ],
    }


def _restores() -> dict[str, list[sa.Column[Any]]]:
    counts = ("added", "changed", "removed", "unchanged", "rejected")
    return {
        "restores": [
            sa.Column("restore_id", sa.String(64), primary_key=True),
            _required("status", sa.String(16), index=True),
            _required("table", sa.String(255)),
            _required("caller", sa.String(255)),
            _required("started_at", sa.DateTime(timezone=True), index=True),
            sa.Column("finished_at", sa.DateTime(timezone=True)),
            _required("options", sa.JSON()),
            _required("tables", sa.JSON()),
            *(_required(name, sa.BigInteger()) for name in counts),
            _required("obstacles", sa.JSON()),
            sa.Column("error", sa.JSON),
        ]
    }
