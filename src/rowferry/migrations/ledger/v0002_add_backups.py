"""Backups that were written, and what came of verifying them."""

import sqlalchemy as sa
from alembic import op

revision = "ledger_0002"
down_revision = "ledger_0001"


def upgrade() -> None:
    """Make the tables of backups and of verifications."""
    op.create_table(
        "backups",
        sa.Column("backup_id", sa.String(300), primary_key=True),
        sa.Column("snapshot_id", sa.String(64), nullable=False),
        sa.Column("table", sa.String(255), nullable=False),
        sa.Column("created_at", sa.String(40), nullable=False),
        sa.Column("caller", sa.String(255), nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("manifest_sha256", sa.String(64), nullable=False),
    )
    op.create_table(
        "verifications",
        sa.Column("verification_id", sa.String(64), primary_key=True),
        sa.Column("backup_id", sa.String(300), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("caller", sa.String(255), nullable=False),
        sa.Column("damage", sa.Text),
    )
    op.create_index("ix_verifications_backup_id", "verifications", ["backup_id"])
