"""Whether a Deployment has rolled out."""

from __future__ import annotations

from collections.abc import Sequence

from checks.objects import Deployment, Pod
from checks.pods import explain_waiting, judge_pods
from checks.reader import ClusterReader, Unreachable
from checks.verdict import Kind, Verdict

REVISION = "deployment.kubernetes.io/revision"


def newest_hash(reader: ClusterReader, deployment: Deployment, selector: str) -> str | None:
    """Return the pod-template-hash of the Deployment's current template; None while it has no ReplicaSet yet."""
    revision = deployment.metadata.annotations.get(REVISION)
    for replica_set in reader.replica_sets(selector):
        owners = {owner.uid for owner in replica_set.metadata.owner_references}
        if deployment.metadata.uid in owners and replica_set.metadata.annotations.get(REVISION) == revision:
            return replica_set.metadata.labels.get("pod-template-hash")
    return None


def split_pods(pods: Sequence[Pod], template_hash: str | None) -> tuple[list[Pod], list[Pod]]:
    """Return the pods of the current template and all others that may serve, those on their way out among them."""
    newest = [pod for pod in pods if template_hash and pod.metadata.labels.get("pod-template-hash") == template_hash]
    return newest, [pod for pod in pods if pod not in newest and not pod.ended]


def judge_rollout(reader: ClusterReader, name: str, selector: str, *, proven: bool = False) -> Verdict:
    """Look once at the rollout of Deployment `name`, whose pods `selector` matches.

    `proven`: the pods run a version that has served before, maybe for weeks. What a pod that runs now has gone
    through since then is not held against it, nor that it is not ready for a moment: TOO_FEW, not FAIL.

    PASS when every replica runs the current template and is available, and no other pod is left, not even one on its
    way out: whatever answers from then on is the new version. FAIL as soon as it is certain that it will not get
    there. TOO_FEW while pods are on their way. Deliberately says nothing about what the pods answer.
    """
    query = f"Deployment {name}, pods {selector}"
    try:
        deployment = reader.deployment(name)
        if deployment is None:
            return Verdict(Kind.NO_DATA, f"there is no Deployment {name}", query=query)
        if deployment.status.observed_generation < deployment.metadata.generation:
            return Verdict(Kind.NO_DATA, "the cluster has not looked at the new version yet", query=query)
        return _judge(reader, deployment, selector, query, proven=proven)
    except Unreachable as error:
        return Verdict(Kind.UNREACHABLE, str(error), query=query)


def _judge(reader: ClusterReader, deployment: Deployment, selector: str, query: str, *, proven: bool) -> Verdict:
    pods, old = split_pods(reader.pods(selector), newest_hash(reader, deployment, selector))
    # A pod that has ended (evicted, say) is replaced by the cluster: not the end of the release.
    failure = _refused(deployment) or judge_pods(
        reader, [pod for pod in pods if not pod.ended and not (proven and pod.running)]
    )
    if failure is not None:
        return failure
    wanted, status = deployment.spec.replicas, deployment.status
    numbers = {"wanted": wanted, "updated": status.updated_replicas, "available": status.available_replicas}
    if not status.updated_replicas == wanted == status.available_replicas == status.replicas:
        ready = sum(pod.ready for pod in pods)
        why = explain_waiting(reader, pods)
        text = f"{ready} of {wanted} new pods are ready" + (f"; {why}" if why else "")
        return Verdict(Kind.TOO_FEW, text, numbers, query)
    if old:
        leaving = "1 pod of the version before is" if len(old) == 1 else f"{len(old)} pods of the version before are"
        return Verdict(Kind.TOO_FEW, f"{leaving} still leaving", numbers, query)
    return Verdict(Kind.PASS, f"{wanted} of {wanted} pods are ready", numbers, query)


def _refused(deployment: Deployment) -> Verdict | None:
    for condition in deployment.status.conditions:
        if condition.type == "ReplicaFailure" and condition.status == "True":
            return Verdict(Kind.FAIL, f"the cluster refuses the pods ({condition.reason}): {condition.message}")
    return None
