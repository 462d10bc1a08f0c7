"""The application's pods."""

from __future__ import annotations

import hashlib
import json

from pydantic import Field, field_validator

from concerns.concern import DNS_LABEL, Concern
from concerns.quantity import QUANTITY

RELEASE_VERSION = "RELEASE_VERSION"


class ResourceSettings(Concern):
    """CPU and memory of one pod, as Kubernetes quantities."""

    cpu_request: str = Field(pattern=QUANTITY, description="CPUs that the scheduler keeps for a pod, as 50m.")
    memory_request: str = Field(pattern=QUANTITY, description="Memory that the scheduler keeps for a pod, as 128Mi.")
    memory_limit: str = Field(pattern=QUANTITY, description="With more a pod is killed; `memory_percent` is of this.")


class ApplicationSettings(Concern):
    """The application's Deployment."""

    app: str = Field(pattern=DNS_LABEL, description="Label `app` of every pod; the guide's commands select by it.")
    # Names of its Jobs and labels of their pods are longer, and both end at 63 characters.
    deployment: str = Field(
        pattern=DNS_LABEL,
        max_length=40,
        description="Name of stable's Deployment; all else of a release begins with it.",
    )
    port: int = Field(ge=1024, le=65535, description="On which the application listens, /metrics and /health too.")
    credentials: str = Field(pattern=DNS_LABEL, description="An existing Secret with DATABASE_URL, REDIS_URL, ...")
    environment: dict[str, str] = Field(default_factory=dict, description="Plain environment variables, no secrets.")
    resources: ResourceSettings

    @property
    def configuration_hash(self) -> str:
        """Ten hexadecimal digits that name exactly this configuration of the application."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:10]

    @field_validator("environment")
    @classmethod
    def _leaves_version(cls, value: dict[str, str]) -> dict[str, str]:
        if RELEASE_VERSION in value:
            message = f"must not set {RELEASE_VERSION}: the release does"
            raise ValueError(message)
        return value
