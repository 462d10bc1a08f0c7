"""Where the program looks for the proofs of the checklist that it cannot find in git and on the forge.

What is left out cannot be looked at, so its item stays open where the environment requires it.
"""

from __future__ import annotations

import re
from typing import Self, TypeVar

from pydantic import Field, field_validator, model_validator

from concerns.concern import DNS_LABEL, Concern

_Settings = TypeVar("_Settings", bound=Concern)
_ID = r"^[A-Z0-9]{4,32}$"


class MigrationFilesSettings(Concern):
    """Files that no release can change the database without. Where git says that they are as before, none does."""

    files: tuple[str, ...] = Field(
        min_length=1, description="Files and directories below image.context, as migrations and alembic.ini."
    )


class ApiSettings(Concern):
    """The OpenAPI document of the application, by which breaking changes are known."""

    document: str = Field(
        pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$",
        description="JSON file that each commit holds, from the root of the checkout.",
    )
    served_at: str = Field(
        default="/openapi.json",
        pattern=r"^/[A-Za-z0-9._/-]*$",
        description="Path at the host of health.url where a version whose commit has no such file serves its own.",
    )


class AnnouncementSettings(Concern):
    """How the stakeholders are told of a release before it begins."""

    minutes_before: int = Field(default=0, ge=0, le=14 * 24 * 60, description="They are told so long before.")
    links: tuple[str, ...] = Field(
        default=(),
        description="Beginnings of the addresses at which a release may be announced elsewhere than in Slack.",
    )

    @field_validator("links")
    @classmethod
    def _end_with_a_path(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        # Without the slash after it a host would also be the beginning of another host's name.
        if not all(re.match(r"https://[^/\s]+/", each) for each in value):
            message = "must each begin with https://<host>/"
            raise ValueError(message)
        return value


class OnCallSettings(Concern):
    """Whose shift it is, as PagerDuty knows: asked with notify.pagerduty.token. Exactly one of the two."""

    schedule: str | None = Field(default=None, pattern=_ID, description="ID of a schedule.")
    escalation_policy: str | None = Field(
        default=None, pattern=_ID, description="ID of an escalation policy, of which the first level counts."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        return _exactly_one(self, "schedule", "escalation_policy")


class MetricBackupSettings(Concern):
    """A backup that Prometheus knows of."""

    last_success: str = Field(min_length=1, description="PromQL: when the last one succeeded, in Unix seconds.")
    size: str = Field(min_length=1, description="PromQL: the bytes of the last one.")


class CronJobBackupSettings(Concern):
    """A backup that a CronJob makes, and whose log tells how large it is."""

    name: str = Field(pattern=DNS_LABEL, description="Of the CronJob.")
    namespace: str | None = Field(default=None, pattern=DNS_LABEL, description="Without it that of the stack.")
    size_pattern: str = Field(
        default="([0-9]+) bytes", description="Regular expression whose one group is the size in bytes."
    )

    @field_validator("size_pattern")
    @classmethod
    def _has_one_group(cls, value: str) -> str:
        try:
            groups = re.compile(value).groups
        except re.error:
            groups = 0
        if groups != 1:
            message = "must be a regular expression with one group: the digits of the size"
            raise ValueError(message)
        return value


class SnapshotBackupSettings(Concern):
    """A backup that is a VolumeSnapshot of the database's volume."""

    claim: str = Field(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", description="Name of the PersistentVolumeClaim.")
    namespace: str | None = Field(default=None, pattern=DNS_LABEL, description="Without it that of the stack.")


class BackupSettings(Concern):
    """Where the backups of the database can be seen: exactly one of `metric`, `cron_job` and `snapshot`."""

    maximum_age_hours: float = Field(gt=0, le=24 * 31, description="An older one counts as none.")
    minimum_bytes: int = Field(default=1, ge=1, description="A smaller one counts as empty.")
    metric: MetricBackupSettings | None = None
    cron_job: CronJobBackupSettings | None = None
    snapshot: SnapshotBackupSettings | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        return _exactly_one(self, "metric", "cron_job", "snapshot")


class DrillSettings(Concern):
    """Where the proof of the last rollback drill is: in the cluster beside `deployment`, or in `file`."""

    maximum_age_days: int = Field(ge=1, le=366, description="An older drill proves nothing.")
    stack: str = Field(default="staging", pattern=DNS_LABEL, description="Stack that the drill is run on.")
    namespace: str | None = Field(default=None, pattern=DNS_LABEL, description="Of that stack.")
    deployment: str | None = Field(default=None, pattern=DNS_LABEL, max_length=40, description="Of that stack.")
    file: str | None = Field(default=None, min_length=1, description="As releases/drill.json, in the project.")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.namespace is None) != (self.deployment is None):
            message = "must have namespace and deployment together"
            raise ValueError(message)
        return _exactly_one(self, "deployment", "file")


class ChecklistSources(Concern):
    """Where the proofs of items 7 (of the API), 8, 12, 13, 16 and 19 are; of what is left out there is none.

    Items 17 and 18 look for what `monitoring` and `log_store` name.
    """

    api: ApiSettings | None = None
    migration: MigrationFilesSettings | None = None
    announcement: AnnouncementSettings | None = None
    on_call: OnCallSettings | None = None
    backup: BackupSettings | None = None
    log_age_minutes: float = Field(
        default=10, gt=0, le=24 * 60, description="A line in the store of `log_store` is fresh for so long."
    )
    drill: DrillSettings | None = None


def _exactly_one(settings: _Settings, *names: str) -> _Settings:
    given = [name for name in names if getattr(settings, name) is not None]
    if len(given) != 1:
        message = f"must have exactly one of: {', '.join(names)}; got {' and '.join(given) or 'none'}"
        raise ValueError(message)
    return settings
