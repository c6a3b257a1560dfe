"""How far a load has come, for the other processes of the service."""

import sqlalchemy as sa
from alembic import op

revision = "ledger_0004"
down_revision = "ledger_0003"


def upgrade() -> None:
    """Add the progress to loads."""
    op.add_column("loads", sa.Column("progress", sa.JSON))
