"""Migrate: fill the status from the old column, validate its check, index what the list sorts by.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Copy the data; neither the validation nor the index locks out writers.

    The index is built outside of a transaction. It is dropped first because a build that broke off leaves an
    unusable index of that name behind.
    """
    op.execute("UPDATE releases SET status = 'approved' WHERE approved AND status <> 'approved'")
    op.execute("ALTER TABLE releases VALIDATE CONSTRAINT releases_status_check")
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS releases_created_at_idx")
        op.create_index("releases_created_at_idx", "releases", ["created_at"], postgresql_concurrently=True)


def downgrade() -> None:
    """Give the old column what was approved since, and drop the index."""
    op.execute("UPDATE releases SET approved = true WHERE status = 'approved' AND NOT approved")
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS releases_created_at_idx")
