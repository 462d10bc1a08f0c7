"""Which cluster."""

from __future__ import annotations

from pydantic import Field

from concerns.concern import DNS_LABEL, Concern


class ClusterSettings(Concern):
    """Which cluster and namespace. The current context of a kubeconfig is never used."""

    kubeconfig: str = Field(min_length=1, description="Path of a kubeconfig file.")
    context: str = Field(min_length=1, description="Name of a context in it.")
    namespace: str = Field(pattern=DNS_LABEL, description="An existing namespace.")
