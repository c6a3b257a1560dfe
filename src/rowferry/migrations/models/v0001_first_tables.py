"""The tables that are served by default; a database that has some of them already keeps them."""

import sqlalchemy as sa
from alembic import op

revision = "models_0001"
down_revision = None


def upgrade() -> None:
    """Make departments, jobs and hired_employees, which refers to both."""
    for table, column in (("departments", "department"), ("jobs", "job")):
        op.create_table(
            table,
            sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column(column, sa.String(255), nullable=False),
            if_not_exists=True,
        )
    op.create_table(
        "hired_employees",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("datetime", sa.DateTime(timezone=True), nullable=False),
        sa.Column("department_id", sa.Integer, sa.ForeignKey("departments.id"), nullable=False),
        sa.Column("job_id", sa.Integer, sa.ForeignKey("jobs.id"), nullable=False),
        if_not_exists=True,
    )
