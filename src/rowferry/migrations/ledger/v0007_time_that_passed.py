"""Replies are kept for a time that really passed, which no change of a clock moves."""

import sqlalchemy as sa
from alembic import op

revision = "ledger_0007"
down_revision = "ledger_0006"


def upgrade() -> None:
    """Make the table of that time, which begins now; every reply there is counts from now on."""
    op.create_table(
        "witnessed_time",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seconds", sa.BigInteger, nullable=False),
    )
    op.drop_index("ix_idempotent_replies_expires_at", "idempotent_replies")
    op.drop_column("idempotent_replies", "expires_at")
    op.add_column(
        "idempotent_replies", sa.Column("kept_at", sa.BigInteger, nullable=False, server_default=sa.text("0"))
    )
    op.create_index("ix_idempotent_replies_kept_at", "idempotent_replies", ["kept_at"])
