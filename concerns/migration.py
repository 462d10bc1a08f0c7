"""How the database is brought to the release's revision."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field, field_validator

from concerns.concern import Concern

UPGRADE = ("upgrade", "head")


class MigrationWaiver(Concern):
    """A rule of the migration lint that does not count for one revision, by whom, why, and until which day."""

    rule: str = Field(min_length=1, description="Name of the lint's rule, as its message says it.")
    revision: str = Field(min_length=1, description="Alembic revision that it is waived for.")
    by: str = Field(min_length=1, description="Who answers for it.")
    until: date = Field(description="Last day on which the waiver counts.")
    reason: str = Field(min_length=1, description="Why it harms nothing here.")


class MigrationSettings(Concern):
    """The Job that brings the database to the release's revision before any pod changes."""

    mode: Literal["head", "safe"] = Field(
        default="head", description="safe: the SQL is shown first, and applied only when exactly it was approved."
    )
    waivers: tuple[MigrationWaiver, ...] = ()
    command: tuple[str, ...] = Field(min_length=1, description="How alembic is called: [..., upgrade, head].")
    timeout_seconds: int = Field(ge=5, le=3600, description="For the Job, with all its attempts.")

    @property
    def alembic(self) -> tuple[str, ...]:
        """The command up to the name of alembic's own command, so that others of its commands can be called too."""
        return self.command[: -len(UPGRADE)]

    @field_validator("command")
    @classmethod
    def _upgrades_to_head(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(value) <= len(UPGRADE) or value[-len(UPGRADE) :] != UPGRADE:
            message = "must call alembic and end with: upgrade, head"
            raise ValueError(message)
        return value
