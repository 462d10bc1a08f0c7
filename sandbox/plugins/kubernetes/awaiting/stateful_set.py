"""When a StatefulSet is ready: every replica is ready and runs the latest revision."""

from __future__ import annotations

from sandbox.plugins.kubernetes.awaiting.core import Assessment, Awaiter, Snapshot, is_observed
from sandbox.plugins.kubernetes.awaiting.pod import problems_of_all
from sandbox.plugins.kubernetes.objects import Kind, number, text


def assess(snapshot: Snapshot) -> Assessment:
    """Compare the replica counts and, unless pods are only replaced by hand, the revisions."""
    stateful_set = snapshot.item
    status = stateful_set.get("status") or {}
    wanted = number(stateful_set, "spec", "replicas")
    ready = number(status, "readyReplicas")
    by_hand = text(stateful_set, "spec", "updateStrategy", "type") == "OnDelete"
    first = number(stateful_set, "metadata", "generation") <= 1
    counts = [number(status, "replicas"), ready]
    if first or not by_hand:
        counts.append(number(status, "currentReplicas"))
    replicas_ready = is_observed(stateful_set) and all(count == wanted for count in counts)
    current, target = text(status, "currentRevision"), text(status, "updateRevision")
    revision_ready = by_hand or current == target
    if replicas_ready and revision_ready:
        return Assessment(ready=True, status="StatefulSet initialization complete")
    if first:
        progress = f"[1/2] Waiting for StatefulSet to create Pods ({ready}/{wanted} Pods ready)"
    elif not replicas_ready:
        progress = f"[1/3] Waiting for StatefulSet update to roll out ({ready}/{wanted} Pods ready)"
    else:
        progress = "[2/3] Waiting for StatefulSet to update .status.currentRevision"
    reasons = []
    if not replicas_ready:
        reasons.append(f"{ready} out of {wanted} replicas succeeded readiness checks")
    if not revision_ready:
        reasons.append(f'StatefulSet controller failed to advance from revision "{current}" to revision "{target}"')
    pods = problems_of_all(snapshot.owned("Pod", stateful_set))
    return Assessment(ready=False, status=progress, warnings=pods, reasons=(*reasons, *pods))


AWAITER = Awaiter(assess, related=(Kind("v1", "Pod"),), on_read=True)
