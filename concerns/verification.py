"""What is looked at before a release counts as verified."""

from __future__ import annotations

import shutil

from pydantic import Field, field_validator

from concerns.concern import Concern


class ScriptSettings(Concern):
    """A command that must end with status 0."""

    name: str = Field(min_length=1, description="As the step list and the record call it.")
    command: tuple[str, ...] = Field(min_length=1, description="Run without a shell, in the project's directory.")
    timeout_seconds: int = Field(ge=1, le=3600, description="Then it is ended with its children, and has no answer.")

    @field_validator("command")
    @classmethod
    def _can_be_run(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if shutil.which(value[0]) is None:
            message = "must begin with an executable file, or a command on PATH"
            raise ValueError(message)
        return value


class DatabaseAtHeadSettings(Concern):
    """Asks with the release's own image whether `alembic current` is its head."""

    timeout_seconds: int = Field(ge=5, le=3600, description="For the Job that asks.")


class KeyMetricsSettings(Concern):
    """Asks Prometheus for the errors, the latency, the database connections and the memory of the release's pods.

    The limits are those of `analysis`.
    """

    rate_minutes: int = Field(ge=1, le=60, description="Errors and latency are those of so many last minutes.")
    timeout_seconds: int = Field(ge=5, le=3600, description="Without a certain answer by then the step has none.")


class VerificationSettings(Concern):
    """The steps of the verification, in their order: pods, logs, health, scripts, database at head, key metrics.

    The first three are always taken, the others where they stand here.
    """

    pods_timeout_seconds: int | None = Field(
        default=None, ge=1, le=3600, description="Until every pod is ready; without it rollout.timeout_seconds."
    )
    log_lines: int = Field(ge=1, le=10000, description="So many last log lines are read, of all pods together.")
    health_timeout_seconds: int | None = Field(
        default=None, ge=1, le=3600, description="For all of health.attempts; without it as long as they may take."
    )
    scripts: tuple[ScriptSettings, ...] = ()
    database_at_head: DatabaseAtHeadSettings | None = None
    key_metrics: KeyMetricsSettings | None = None

    @field_validator("scripts")
    @classmethod
    def _are_told_apart(cls, value: tuple[ScriptSettings, ...]) -> tuple[ScriptSettings, ...]:
        if len({script.name for script in value}) < len(value):
            message = "must have a name each of its own"
            raise ValueError(message)
        return value
