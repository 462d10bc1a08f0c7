"""What is looked at before a release counts as verified."""

from __future__ import annotations

from pydantic import Field

from concerns.concern import Concern


class ScriptSettings(Concern):
    """A command that must end with status 0."""

    name: str = Field(min_length=1)
    command: tuple[str, ...] = Field(min_length=1, description="Run without a shell, in the project's directory.")
    timeout_seconds: int = Field(ge=1, le=3600)


class VerificationSettings(Concern):
    """What is looked at before a release counts as verified."""

    log_lines: int = Field(ge=1, le=10000)
    scripts: tuple[ScriptSettings, ...] = ()
    database_at_head: bool = Field(default=False, description="Whether `alembic current` must be the image's head.")
