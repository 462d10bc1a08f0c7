"""The tables, as the running version sees them. The migrations in `migrations/versions` build the same."""

from datetime import UTC, datetime

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

PENDING = "pending"
APPROVED = "approved"
CREATED_EVENT = "release.created"
APPROVED_EVENT = "release.approved"


class Base(DeclarativeBase):
    """Parent of every table."""


class Release(Base):
    """A version that somebody wants to deploy, and whether its deployment was approved."""

    __tablename__ = "releases"
    __table_args__ = (
        UniqueConstraint("version", name="releases_version_key"),
        CheckConstraint(f"status IN ('{PENDING}', '{APPROVED}')", name="releases_status_check"),
        Index("releases_created_at_idx", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(String(128))
    notes: Mapped[str] = mapped_column(Text, default="", server_default="")
    status: Mapped[str] = mapped_column(String(16), default=PENDING, server_default=PENDING)
    approved_by: Mapped[str | None] = mapped_column(String(128))
    approved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=lambda: datetime.now(UTC))
    events: Mapped[list["ReleaseEvent"]] = relationship(
        back_populates="release", cascade="all, delete-orphan", passive_deletes=True
    )


class ReleaseEvent(Base):
    """One thing that happened to a release: the audit trail."""

    __tablename__ = "release_events"
    __table_args__ = (Index("release_events_release_id_idx", "release_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("releases.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(32))
    actor: Mapped[str | None] = mapped_column(String(128))
    happened_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=lambda: datetime.now(UTC))
    release: Mapped[Release] = relationship(back_populates="events")
