"""Expand: who approved a release and when, and a status in the place of yes or no.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns that the running version need not know: each is nullable or has a constant default.

    The check is NOT VALID, so that the table is not read through while it is locked; 0003 validates it.
    """
    op.add_column("releases", sa.Column("status", sa.String(16), nullable=False, server_default="pending"))
    op.add_column("releases", sa.Column("approved_by", sa.String(128), nullable=True))
    op.add_column("releases", sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        "releases_status_check", "releases", "status IN ('pending', 'approved')", postgresql_not_valid=True
    )


def downgrade() -> None:
    """Drop the columns; the constraint goes with its column."""
    op.drop_column("releases", "approved_at")
    op.drop_column("releases", "approved_by")
    op.drop_column("releases", "status")
