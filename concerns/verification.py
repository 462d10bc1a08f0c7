"""What is looked at before a release counts as verified."""

from __future__ import annotations

import shutil

from pydantic import Field, field_validator

from concerns.concern import Concern


class ScriptSettings(Concern):
    """A command that must end with status 0."""

    name: str = Field(min_length=1)
    command: tuple[str, ...] = Field(min_length=1, description="Run without a shell, in the project's directory.")
    timeout_seconds: int = Field(ge=1, le=3600)

    @field_validator("command")
    @classmethod
    def _can_be_run(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if shutil.which(value[0]) is None:
            message = "must begin with an executable file, or a command on PATH"
            raise ValueError(message)
        return value


class VerificationSettings(Concern):
    """What is looked at before a release counts as verified."""

    log_lines: int = Field(ge=1, le=10000)
    scripts: tuple[ScriptSettings, ...] = ()

    @field_validator("scripts")
    @classmethod
    def _are_told_apart(cls, value: tuple[ScriptSettings, ...]) -> tuple[ScriptSettings, ...]:
        if len({script.name for script in value}) < len(value):
            message = "must have a name each of its own"
            raise ValueError(message)
        return value
