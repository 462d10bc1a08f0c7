"""How requests reach the pods, and how /health is asked."""

from __future__ import annotations

from pydantic import AnyHttpUrl, Field

from concerns.concern import ADDRESS, DNS_LABEL, Concern


class IngressSettings(Concern):
    """How the host of health.url reaches the pods."""

    class_name: str = Field(pattern=DNS_LABEL)
    tls_secret: str | None = Field(default=None, pattern=DNS_LABEL)


class HealthSettings(Concern):
    """How /health is asked."""

    url: AnyHttpUrl
    attempts: int = Field(ge=1, le=100)
    interval_seconds: float = Field(ge=0.1, le=60)
    timeout_seconds: float = Field(ge=0.1, le=60)
    connect_to: str = Field(
        default="", pattern=ADDRESS, description="Address, without a port, to connect to in place of the URL's host."
    )
    ca_file: str = Field(default="", description="Certificate authority to trust beside the system's.")
