"""How requests reach the pods, and how /health is asked."""

from __future__ import annotations

from pydantic import AnyHttpUrl, Field

from concerns.concern import ADDRESS, DNS_LABEL, Concern


class GatewaySettings(Concern):
    """An existing Gateway (gateway.networking.k8s.io) that serves the host of health.url."""

    name: str = Field(pattern=DNS_LABEL, description="Of the Gateway.")
    namespace: str = Field(pattern=DNS_LABEL, description="That it is in.")
    listener: str = Field(
        default="", pattern=DNS_LABEL, description="Name of one of its listeners; without it, all that take the host."
    )


class IngressSettings(Concern):
    """How the host of health.url reaches the pods: through an Ingress, or with `gateway` through an HTTPRoute.

    An HTTPRoute gives a canary exactly its share of the requests, whatever the number of pods. The certificate is then
    that of the Gateway's listener, and `class_name` and `tls_secret` are not looked at.
    """

    class_name: str = Field(default="", pattern=DNS_LABEL, description="IngressClass; needed where gateway is not set.")
    tls_secret: str | None = Field(
        default=None,
        pattern=DNS_LABEL,
        description="An existing Secret with the certificate of the host of health.url.",
    )
    gateway: GatewaySettings | None = None


class HealthSettings(Concern):
    """How /health is asked."""

    url: AnyHttpUrl = Field(description="As users reach it; its host is that of the Ingress.")
    attempts: int = Field(ge=1, le=100, description="So many answers in a row have to be healthy.")
    interval_seconds: float = Field(ge=0.1, le=60, description="From one attempt to the next.")
    timeout_seconds: float = Field(ge=0.1, le=60, description="For one whole answer.")
    connect_to: str = Field(
        default="", pattern=ADDRESS, description="Address, without a port, to connect to in place of the URL's host."
    )
    ca_file: str = Field(default="", description="Certificate authority to trust beside the system's.")
