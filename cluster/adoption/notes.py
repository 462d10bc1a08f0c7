"""What stands beside a Deployment that is taken over, and is left as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cluster.adoption.refusals import NETWORKING
from cluster.adoption.standing_by_hand import CORE, Found, image_of, name_of
from cluster.api import Cluster
from cluster.selectors import labels_of, selects, selects_all

AUTOSCALING = "apis/autoscaling/v2"
POLICY = "apis/policy/v1"


def notes(cluster: Cluster, found: Found, host: str) -> Iterator[str]:
    """Return a line for each thing that a person should know about, now that the release is in charge."""
    name, labels = found.names.deployment, labels_of(found.template)
    for scaler in cluster.objects(AUTOSCALING, "horizontalpodautoscalers"):
        target = scaler["spec"]["scaleTargetRef"]
        if (target["kind"], target["name"]) == ("Deployment", name):
            yield f"HorizontalPodAutoscaler {name_of(scaler)} is left alone and goes on scaling it"
    for budget in cluster.objects(POLICY, "poddisruptionbudgets"):
        if name_of(budget) != name and selects(budget["spec"].get("selector"), labels):
            yield (
                f"PodDisruptionBudget {name_of(budget)} is left alone; two for the same pods block the draining of"
                " nodes, so delete it after this release"
            )
    for service in cluster.objects(CORE, "services"):
        if name_of(service) != name and selects_all(service["spec"].get("selector"), labels):
            yield (
                f"Service {name_of(service)} is left alone; it leads to every pod, also to one that a release has"
                f" taken out of Service {name}: point what uses it at Service {name}"
            )
    for ingress in cluster.objects(NETWORKING, "ingresses"):
        if name_of(ingress) != name and host in _hosts(ingress):
            yield f"Ingress {name_of(ingress)} is left alone and serves {host} too: delete it after this release"
    image = image_of(found.template)
    if "@" not in image:
        yield f"image {image} is named by its tag: a rollback runs what the tag names then"


def _hosts(ingress: Mapping[str, Any]) -> set[str]:
    return {rule.get("host", "") for rule in ingress["spec"].get("rules") or []}
