"""An idempotency key is one for the whole service and route, whoever sends it."""

import sqlalchemy as sa
from alembic import op

revision = "ledger_0006"
down_revision = "ledger_0005"

_FIRST = """
INSERT INTO idempotent_replies (key, route, request_sha256, status, media_type, answer, expires_at)
SELECT key, route, request_sha256, status, media_type, answer, expires_at FROM idempotency_keys AS kept
WHERE NOT EXISTS (
    SELECT 1 FROM idempotency_keys AS other
    WHERE other.key = kept.key AND other.route = kept.route AND other.request_sha256 = kept.request_sha256
      AND (other.expires_at, other.caller) < (kept.expires_at, kept.caller)
)
"""
"""Two callers may have used the same key: for two requests, both replies are kept; for the same one, the first."""


def upgrade() -> None:
    """Make the table of replies out of that of the keys of callers."""
    op.create_table(
        "idempotent_replies",
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("route", sa.String(255), primary_key=True),
        sa.Column("request_sha256", sa.String(64), primary_key=True),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("media_type", sa.String(255), nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_idempotent_replies_expires_at", "idempotent_replies", ["expires_at"])
    op.execute(_FIRST)
    op.drop_table("idempotency_keys")
