"""The names and labels by which the parts of a release find each other on the cluster."""

from __future__ import annotations

from dataclasses import dataclass

SERVING_LABEL = "serving"
# The Service takes only pods with it, and no Deployment selects by it: without it a pod is out of the Service at once,
# while its ReplicaSet goes on owning it.
SERVING = {SERVING_LABEL: "yes"}
NOT_SERVING = {SERVING_LABEL: "no"}
VERSION = "app.kubernetes.io/version"
# An annotation of the pod template: by it and the image a template tells which release it is.
CONFIGURATION = "release-manager/configuration"
STABLE, CANARY = "stable", "canary"


@dataclass(frozen=True)
class Names:
    """`deployment` is stable's name and the Service's; `app` is the label that every pod carries.

    `weighted`: an HTTPRoute of the same name shares the requests out by weight, between a Service of each version.
    """

    deployment: str
    app: str
    weighted: bool = False

    @property
    def canary(self) -> str:
        """Name of the canary's Deployment."""
        return f"{self.deployment}-canary"

    @property
    def stable_service(self) -> str:
        """Name of the Service of stable alone, a backend of the HTTPRoute."""
        return f"{self.deployment}-{STABLE}"

    @property
    def canary_service(self) -> str:
        """Name of the Service of the canary alone, a backend of the HTTPRoute."""
        return f"{self.deployment}-{CANARY}"

    def selector(self, track: str) -> str:
        """Return the label selector of the pods of one track."""
        return f"app={self.app},track={track}"

    @property
    def pods(self) -> str:
        """Label selector of every pod of the application."""
        return f"app={self.app}"

    def record(self, kind: str) -> str:
        """Return the name of a record (a ConfigMap) of this Deployment."""
        return f"{self.deployment}-{kind}"

    def step_record(self, percent: int) -> str:
        """Return the name of the record of a canary's step."""
        return self.record(f"step-{percent}")
