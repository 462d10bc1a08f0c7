"""When a DaemonSet is ready: each node that should have a pod has an available one of the latest version."""

from __future__ import annotations

from sandbox.plugins.kubernetes.awaiting.core import Assessment, Awaiter, Snapshot, is_observed
from sandbox.plugins.kubernetes.awaiting.pod import problems_of_all
from sandbox.plugins.kubernetes.objects import Kind, dig, number

COUNTS = (
    ("currentNumberScheduled", "Current"),
    ("updatedNumberScheduled", "Updated"),
    ("numberAvailable", "Available"),
    ("numberReady", "Ready"),
)


def assess(snapshot: Snapshot) -> Assessment:
    """Compare the numbers of the status with the number of nodes that should have a pod."""
    daemon_set = snapshot.item
    if not is_observed(daemon_set):
        return Assessment(ready=False, status="DaemonSet generation has not been observed yet")
    if dig(daemon_set, "status", "desiredNumberScheduled") is None:
        return Assessment(ready=False, status="Missing .status.desiredNumberScheduled")
    wanted = number(daemon_set, "status", "desiredNumberScheduled")
    for member, label in COUNTS:
        found = number(daemon_set, "status", member)
        if found < wanted:
            pods = problems_of_all(snapshot.owned("Pod", daemon_set))
            message = f"{label}: {found}/{wanted}"
            return Assessment(ready=False, status=message, warnings=pods, reasons=(message, *pods))
    return Assessment(ready=True, status=f"All replicas scheduled as expected. Replicas: {wanted}")


AWAITER = Awaiter(assess, related=(Kind("v1", "Pod"),), on_read=True)
