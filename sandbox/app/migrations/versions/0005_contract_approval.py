"""Contract: drop the old yes or no, which no version has read or written since the status took its place.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the column."""
    op.drop_column("releases", "approved")


def downgrade() -> None:
    """Bring the column back with what the status says."""
    op.add_column("releases", sa.Column("approved", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE releases SET approved = true WHERE status = 'approved'")
