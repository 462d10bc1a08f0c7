"""When a Service is ready: it has endpoints that have settled, and an address if it is a load balancer."""

from __future__ import annotations

import json

from sandbox.plugins.kubernetes.awaiting.core import Assessment, Awaiter, Snapshot
from sandbox.plugins.kubernetes.objects import Kind, items_of, name_of, text

SETTLING_SECONDS = 10.0
NO_PODS = (
    "Service does not target any Pods. Selected Pods may not be ready, or "
    "field '.spec.selector' may not match labels on any Pods"
)
NO_ADDRESS = "Service was not allocated an IP address; does your cloud provider support this?"


def assess(snapshot: Snapshot) -> Assessment:
    """Ask for endpoints, unless the Service is headless or only a name for something outside."""
    service = snapshot.item
    balanced = text(service, "spec", "type") == "LoadBalancer"
    has_address = not balanced or bool(items_of(service, "status", "loadBalancer", "ingress"))
    if text(service, "spec", "type") == "ExternalName" or text(service, "spec", "clusterIP") == "None":
        return Assessment(ready=has_address, status="Service initialization complete")
    has_endpoints = bool(_subsets(snapshot))
    if has_address and has_endpoints and snapshot.settled:
        return Assessment(ready=True, status="Service initialization complete")
    status = "[1/3] Finding Pods to direct traffic to"
    if has_endpoints and snapshot.settled:
        status = "[2/3] Attempting to allocate IP address to Service"
    reasons = [] if has_endpoints else [NO_PODS]
    if not has_address:
        reasons.append(NO_ADDRESS)
    return Assessment(ready=False, status=status, reasons=tuple(reasons))


def _subsets(snapshot: Snapshot) -> list[object]:
    for endpoints in snapshot.related.get("Endpoints", ()):
        if name_of(endpoints) == name_of(snapshot.item):
            return items_of(endpoints, "subsets")
    return []


def settling_key(snapshot: Snapshot) -> str:
    """Return what must stay the same for a while: the Service's endpoints."""
    return json.dumps(_subsets(snapshot), sort_keys=True)


AWAITER = Awaiter(
    assess,
    related=(Kind("v1", "Endpoints"),),
    on_read=True,
    settling=settling_key,
    settling_seconds=SETTLING_SECONDS,
)
