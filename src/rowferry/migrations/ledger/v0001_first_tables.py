"""The ledger as it was before it had versions; a database that has some of these tables already keeps them."""

import sqlalchemy as sa
from alembic import op

revision = "ledger_0001"
down_revision = None


def upgrade() -> None:
    """Make the tables of loads, of batches and of what they rejected."""
    _make_loads()
    _make_rejected_rows()
    _make_batches()
    _make_idempotency_keys()


def _make_loads() -> None:
    op.create_table(
        "loads",
        sa.Column("load_id", sa.String(64), primary_key=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("dry_run", sa.Integer, nullable=False),
        sa.Column("caller", sa.String(255), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("sources", sa.JSON, nullable=False),
        sa.Column("tables", sa.JSON, nullable=False),
        sa.Column("rows_read", sa.BigInteger, nullable=False),
        sa.Column("inserted", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("unchanged", sa.BigInteger, nullable=False),
        sa.Column("rejected", sa.BigInteger, nullable=False),
        sa.Column("error", sa.JSON),
        if_not_exists=True,
    )
    op.create_index("ix_loads_status", "loads", ["status"], if_not_exists=True)
    op.create_index("ix_loads_started_at", "loads", ["started_at"], if_not_exists=True)


def _make_rejected_rows() -> None:
    op.create_table(
        "rejected_rows",
        sa.Column("load_id", sa.String(64), primary_key=True),
        sa.Column("reject_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("table", sa.String(255), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("row_number", sa.BigInteger, nullable=False),
        sa.Column("raw", sa.Text, nullable=False),
        sa.Column("errors", sa.Text, nullable=False),
        if_not_exists=True,
    )


def _make_batches() -> None:
    op.create_table(
        "batches",
        sa.Column("batch_id", sa.String(64), primary_key=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("caller", sa.String(255), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("received", sa.BigInteger, nullable=False),
        sa.Column("inserted", sa.JSON, nullable=False),
        sa.Column("updated", sa.JSON, nullable=False),
        sa.Column("unchanged", sa.JSON, nullable=False),
        sa.Column("rejected", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )


def _make_idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("route", sa.String(255), primary_key=True),
        sa.Column("caller", sa.String(255), primary_key=True),
        sa.Column("request_sha256", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("media_type", sa.String(255), nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_idempotency_keys_expires_at", "idempotency_keys", ["expires_at"], if_not_exists=True)
