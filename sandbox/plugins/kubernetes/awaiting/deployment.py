"""When a Deployment is ready: the ReplicaSet of its latest revision has all its pods ready."""

from __future__ import annotations

from sandbox.plugins.kubernetes.awaiting.core import (
    Assessment,
    Awaiter,
    Snapshot,
    condition,
    is_observed,
    problem_of,
)
from sandbox.plugins.kubernetes.awaiting.pod import problems_of_all
from sandbox.plugins.kubernetes.objects import Kind, Object, annotation, dig, items_of, name_of, number, text

REVISION = "deployment.kubernetes.io/revision"


def assess(snapshot: Snapshot) -> Assessment:
    """Compare revision, conditions, the revision's ReplicaSet and the claims that the pods mount.

    A failed rollout (`ProgressDeadlineExceeded`) is only a warning: the official provider goes on waiting too.
    """
    deployment = snapshot.item
    if not is_observed(deployment):
        return Assessment(ready=False, status="Waiting for the Deployment controller")
    revision = annotation(deployment, REVISION)
    available, progressing = condition(deployment, "Available"), condition(deployment, "Progressing")
    is_available = text(available, "status") == "True"
    # The first revision is created, not rolled out: no ReplicaSet had to give way.
    rolled_out = revision == "1" or (
        text(progressing, "status") == "True" and text(progressing, "reason") == "NewReplicaSetAvailable"
    )
    replica_set = _current_replica_set(snapshot, revision)
    claims = _unbound_claims(snapshot)
    wanted = number(replica_set, "spec", "replicas", default=1)
    ready = number(replica_set, "status", "readyReplicas")
    if replica_set and is_available and rolled_out and ready >= wanted and not claims:
        warning = (f'Replicas scaled to 0 for Deployment "{name_of(deployment)}"',) if wanted == 0 else ()
        return Assessment(ready=True, status="Deployment initialization complete", warnings=warning)
    problems = tuple(
        problem_of(entry) for entry in (progressing, available) if entry and text(entry, "status") != "True"
    )
    pods = problems_of_all(snapshot.owned("Pod", replica_set)) if replica_set else ()
    summary = _summary(first=revision == "1", available=is_available, rolled_out=rolled_out, claims=claims)
    return Assessment(
        ready=False,
        status=f"Waiting for app ReplicaSet to be available ({ready}/{wanted} Pods available)",
        warnings=tuple(filter(None, problems)) + pods,
        reasons=tuple(filter(None, problems)) + summary + pods,
    )


def _summary(*, first: bool, available: bool, rolled_out: bool, claims: list[str]) -> tuple[str, ...]:
    reasons = []
    if claims:
        reasons.append(f'Failed to bind PersistentVolumeClaim(s): "{",".join(claims)}"')
    if not available:
        reasons.append("Minimum number of live Pods was not attained")
    elif first:
        reasons.append("Minimum number of Pods to consider the application live was not attained")
    elif not rolled_out:
        reasons.append("Attempted to roll forward to new ReplicaSet, but minimum number of Pods did not become live")
    return tuple(reasons)


def _current_replica_set(snapshot: Snapshot, revision: str) -> Object:
    for item in snapshot.owned("ReplicaSet", snapshot.item):
        if revision and annotation(item, REVISION) == revision:
            return item
    return {}


def _unbound_claims(snapshot: Snapshot) -> list[str]:
    volumes = items_of(snapshot.item, "spec", "template", "spec", "volumes")
    mounted = {dig(volume, "persistentVolumeClaim", "claimName") for volume in volumes}
    return [
        name_of(claim)
        for claim in snapshot.related.get("PersistentVolumeClaim", ())
        if name_of(claim) in mounted and text(claim, "status", "phase") != "Bound"
    ]


AWAITER = Awaiter(
    assess,
    related=(Kind("apps/v1", "ReplicaSet"), Kind("v1", "Pod"), Kind("v1", "PersistentVolumeClaim")),
    on_read=True,
)
