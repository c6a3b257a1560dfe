"""The files of a folder that a load passed over."""

import sqlalchemy as sa
from alembic import op

revision = "ledger_0005"
down_revision = "ledger_0004"


def upgrade() -> None:
    """Add the names of files that fit no table to loads."""
    op.add_column("loads", sa.Column("passed_over", sa.JSON))
