"""Which pods run the release and which the version before, at one moment of a canary."""

from __future__ import annotations

from dataclasses import dataclass

from checks.objects import Deployment, Pod
from checks.rollout import newest_hash, split_pods
from checks.verdict import Kind, Verdict
from cluster.api import Cluster
from cluster.canary.weights import WHOLE, canary_weight, share_out, take_weight_off
from cluster.names import CANARY, NOT_SERVING, SERVING, STABLE, Names
from concerns.canary_shares import Capacity, pods_of_share


@dataclass(frozen=True)
class StepPlan:
    """One step: its share in percent, whether it is the last, and how long it may take, in seconds.

    For `warm_up_seconds` after its pods are ready latency is not judged.

    `replicas` is the total that capacity `fixed` keeps; with `surge` it is stable's, whatever the autoscaler makes it.
    """

    percent: int
    last: bool
    capacity: Capacity
    replicas: int
    ready_seconds: float
    minimum_seconds: float
    maximum_seconds: float
    look_seconds: float
    warm_up_seconds: float = 0.0

    def canary_pods(self, stable_replicas: int) -> int:
        """Return how many canary pods this step asks for beside so many stable ones."""
        total = self.replicas if self.capacity == "fixed" else stable_replicas
        return pods_of_share(self.percent, total, self.capacity)[0]


@dataclass(frozen=True)
class ReleasePods:
    """The pods of both versions: `new` runs the release, `old` the version before; `wanted` new ones are asked for.

    `unsettled` says why the cluster cannot tell yet; empty where it can. `weight` and `asked_weight` are the share of
    the requests in percent that the canary is to get now and in this step; None where the number of pods decides.
    """

    wanted: int
    new: tuple[Pod, ...] = ()
    old: tuple[Pod, ...] = ()
    unsettled: str = ""
    weight: float | None = None
    asked_weight: float | None = None

    @property
    def share(self) -> float | None:
        """Share of the requests that the release is to get now, from 0 to 1; None where no pod serves."""
        if self.weight is not None:
            return self.weight / WHOLE
        new, old = (sum(_serves(pod) for pod in pods) for pods in (self.new, self.old))
        return new / (new + old) if new + old else None

    @property
    def taken_off(self) -> tuple[str, ...]:
        """Names of the pods of the release that a rollback took out of the Service."""
        return tuple(pod.metadata.name for pod in self.new if _is_off(pod))

    def readiness(self) -> Verdict:
        """PASS when as many pods as wanted run the release and serve with the share of this step, else TOO_FEW."""
        if self.unsettled:
            return Verdict(Kind.TOO_FEW, self.unsettled)
        ready = sum(_serves(pod) for pod in self.new)
        kind = Kind.PASS if ready >= self.wanted and self.wanted > 0 else Kind.TOO_FEW
        reason = f"{ready} of {self.wanted} new pods are ready"
        if self.weight is not None and self.weight != self.asked_weight:
            kind = Kind.TOO_FEW
            reason += f", and get {self.weight:g} of {self.asked_weight:g} % of the requests"
        return Verdict(kind, reason, {"ready": ready, "wanted": self.wanted})


def _serves(pod: Pod) -> bool:
    return pod.ready and SERVING.items() <= pod.metadata.labels.items()


def _is_off(pod: Pod) -> bool:
    return pod.metadata.deletion_timestamp is None and NOT_SERVING.items() <= pod.metadata.labels.items()


def scale_canary(cluster: Cluster, names: Names, step: StepPlan) -> Deployment | None:
    """Bring the canary to its share of the pods (and of the requests) and return stable; None where there is none.

    Looks first and changes only what differs, so that it can be called at every look: the canary follows the
    autoscaler of stable.
    """
    stable, canary = cluster.deployment(names.deployment), cluster.deployment(names.canary)
    if stable is None or canary is None:
        return stable
    wanted = canary.spec.replicas if step.last else step.canary_pods(stable.spec.replicas)
    if not step.last and canary.spec.replicas and _taken_off(cluster, names):
        wanted = 0
    if canary.spec.replicas != wanted:
        cluster.scale(names.canary, wanted)
    if not step.last and step.capacity == "fixed" and stable.spec.replicas != step.replicas - wanted:
        cluster.scale(names.deployment, step.replicas - wanted)
    if names.weighted:
        share_out(cluster, names, percent=None if step.last else step.percent, pods=wanted)
    return stable


def _taken_off(cluster: Cluster, names: Names) -> bool:
    """Whether pods of the canary are out of the Service: left by a rollback that was killed, they never serve again."""
    return any(
        _is_off(pod) for pod in cluster.pods(names.selector(CANARY)) if pod.metadata.labels.get("track") == CANARY
    )


def let_canary_go(cluster: Cluster, names: Names) -> None:
    """Scale the canary to 0 once no request is sent to it any more. Raises ClusterError or Unreachable."""
    take_weight_off(cluster, names)
    cluster.scale(names.canary, 0)


def read_pods(cluster: Cluster, names: Names, step: StepPlan) -> ReleasePods:
    """Return the pods of both versions as they are now."""
    stable, canary = cluster.deployment(names.deployment), cluster.deployment(names.canary)
    if stable is None or canary is None:
        missing = names.deployment if stable is None else names.canary
        return ReleasePods(0, unsettled=f"there is no Deployment {missing}")
    wanted = stable.spec.replicas if step.last else step.canary_pods(stable.spec.replicas)
    if any(each.status.observed_generation < each.metadata.generation for each in (stable, canary)):
        return ReleasePods(wanted, unsettled="the cluster has not looked at the new version yet")
    pods = [pod for pod in cluster.pods(names.pods) if not pod.ended]
    of_canary, _ = split_pods(
        _of(pods, CANARY), newest_hash(cluster, canary, names.selector(CANARY)) if canary.spec.replicas else None
    )
    if not step.last:
        weights = (canary_weight(cluster, names), step.percent) if names.weighted else (None, None)
        return ReleasePods(wanted, tuple(of_canary), tuple(_of(pods, STABLE)), "", *weights)
    of_stable, old = split_pods(_of(pods, STABLE), newest_hash(cluster, stable, names.selector(STABLE)))
    return ReleasePods(wanted + canary.spec.replicas, (*of_stable, *of_canary), tuple(old))


def _of(pods: list[Pod], track: str) -> list[Pod]:
    return [pod for pod in pods if pod.metadata.labels.get("track") == track]
