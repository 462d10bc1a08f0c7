"""What the manifests of the backing services are made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

Document = dict[str, Any]

USER_ID = 999
NOBODY_ID = 65534


@dataclass(frozen=True)
class ServiceImages:
    """The image of each service.

    `without_discovery` says that this Prometheus was built without its Kubernetes discovery and that its image has
    Python to make up for that.
    """

    postgresql: str
    redis: str
    rabbitmq: str
    prometheus: str
    without_discovery: bool = False

    @classmethod
    def single(cls, image: str) -> ServiceImages:
        """Return one image for all services, as the sandbox has it."""
        return cls(postgresql=image, redis=image, rabbitmq=image, prometheus=image, without_discovery=True)

    @classmethod
    def official(cls) -> ServiceImages:
        """Return the images that a cluster with a way to the public registries pulls."""
        return cls(
            postgresql="postgres:15", redis="redis:7", rabbitmq="rabbitmq:3", prometheus="prom/prometheus:v2.53.5"
        )


@dataclass(frozen=True)
class Storage:
    """Where the database keeps its data: below `directory` of the node, or, without one, with the pod."""

    directory: Path | None = None

    def of(self, namespace: str, service: str) -> Path | None:
        """Return the node's directory for a service, or None where the data end with the pod."""
        return None if self.directory is None else self.directory / namespace / service
