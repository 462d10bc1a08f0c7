"""Where the pods of a workload are described, whatever kind of workload it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policies.rules.rule import Properties, at, listed

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
JOB = "kubernetes:batch/v1:Job"
SERVING = (
    DEPLOYMENT,
    "kubernetes:apps/v1:StatefulSet",
    "kubernetes:apps/v1:DaemonSet",
    "kubernetes:apps/v1:ReplicaSet",
    "kubernetes:core/v1:ReplicationController",
)
WORKLOADS = (*SERVING, JOB, "kubernetes:batch/v1:CronJob", "kubernetes:core/v1:Pod")


def workload(kind: str) -> bool:
    """Whether the type token is one that runs pods."""
    return kind in WORKLOADS


def serving(kind: str) -> bool:
    """Whether the type token is one whose pods answer requests."""
    return kind in SERVING


def pod_template(properties: Properties) -> Any:  # noqa: ANN401
    """Return what describes the pods of a workload: their metadata and spec."""
    named = at(properties, "kind")
    if named == "Pod":
        return properties
    path = ("spec", "jobTemplate", "spec", "template") if named == "CronJob" else ("spec", "template")
    return at(properties, *path)


def pod_spec(properties: Properties) -> Any:  # noqa: ANN401
    """Return the pod's spec of a workload."""
    return at(pod_template(properties), "spec")


def containers(properties: Properties) -> list[Mapping[str, Any]]:
    """Return all containers of a workload, init containers among them; none where they are not known."""
    return [entry for entry in container_entries(properties) if isinstance(entry, Mapping)]


def container_entries(properties: Properties) -> list[Any]:
    """Return all that is declared as a container, UNKNOWN in place of what is not known yet."""
    spec = pod_spec(properties)
    return listed(spec, "initContainers") + listed(spec, "containers")


def name_of(container: Mapping[str, Any]) -> str:
    """Return how a message calls the container."""
    return f"container {at(container, 'name')}"
