"""The pods behind the Service: which run the release that is to serve, and taking the others out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from checks.objects import Pod
from checks.verdict import Kind, Verdict
from cluster.api import Cluster
from cluster.names import CANARY, NOT_SERVING, SERVING, SERVING_LABEL, Names
from cluster.rollback.pod_template import Template, what_runs

AT_ONCE = 16
# Where a ReplicaSet gets smaller, the pods that serve nobody are to go first.
_COST = "controller.kubernetes.io/pod-deletion-cost"
FIRST_TO_GO, AS_ANY_OTHER = {_COST: "-100"}, {_COST: "0"}


@dataclass(frozen=True)
class ServingPods:
    """The pods that the Service may send requests to: `good` run the release that is to serve, `bad` another one.

    `idle` run the release too, but were taken out of the Service when it was another's turn to serve. Pods on their
    way out, and those whose ReplicaSet is gone, are none of these.
    """

    good: tuple[Pod, ...] = ()
    bad: tuple[Pod, ...] = ()
    idle: tuple[Pod, ...] = ()

    def to_take_off(self, least: int) -> list[Pod]:
        """Return the bad pods that may leave the Service with at least `least` ready ones staying in it.

        Those of the canary leave first. While no good pod is ready none leaves: the requests could only go to others
        that are as bad, and to fewer of them.
        """
        ready_good = sum(pod.ready for pod in self.good)
        if not ready_good:
            return []
        ready = sorted((pod for pod in self.bad if pod.ready), key=lambda pod: track_of(pod) != CANARY)
        kept = max(0, least - ready_good)
        return [pod for pod in self.bad if not pod.ready] + ready[: max(0, len(ready) - kept)]


@dataclass(frozen=True)
class ServicePods:
    """The pods of one application and its Service, which is called as stable is.

    `least_share` is the share of stable's replicas, from 0 to 1, below which no pod is taken out of the Service.
    """

    cluster: Cluster
    names: Names
    least_share: float

    def selects_serving(self) -> bool:
        """Whether the Service selects by the label `serving`, so that a pod can be taken out of it."""
        return SERVING_LABEL in (self.cluster.service_selector(self.names.deployment) or {})

    def look(self, wanted: Template) -> ServingPods:
        """Return the pods that may get requests now, sorted by whether they run what `wanted` runs."""
        templates = self.cluster.replica_set_templates(self.names.pods)
        runs = what_runs(wanted)
        good: list[Pod] = []
        bad: list[Pod] = []
        idle: list[Pod] = []
        for pod in self.cluster.pods(self.names.pods):
            owner = next((each.uid for each in pod.metadata.owner_references if each.kind == "ReplicaSet"), "")
            template = templates.get(owner)
            if template is None or pod.ended or pod.metadata.deletion_timestamp is not None:
                continue
            if what_runs(template) == runs:
                (idle if _is_off(pod) else good).append(pod)
            elif not _is_off(pod):
                bad.append(pod)
        return ServingPods(tuple(good), tuple(bad), tuple(idle))

    def least(self, replicas: int) -> int:
        """Return how many ready pods are to stay in the Service where stable is to have `replicas`."""
        return math.ceil(self.least_share * replicas)

    def take_off(self, pods: Sequence[Pod]) -> None:
        """Take the pods out of the Service, all at the same time. Raises ClusterError or Unreachable."""
        self._label(pods, NOT_SERVING, FIRST_TO_GO)

    def put_on(self, pods: Sequence[Pod]) -> None:
        """Let the pods serve again that were taken out of the Service. Raises ClusterError or Unreachable."""
        self._label(pods, SERVING, AS_ANY_OTHER)

    def _label(self, pods: Sequence[Pod], labels: Mapping[str, str], annotations: Mapping[str, str]) -> None:
        if not pods:
            return
        with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(pods))) as pool:
            done = [pool.submit(self.cluster.label_pod, pod.metadata.name, labels, annotations) for pod in pods]
        for each in done:
            each.result()

    def judge_behind(self, wanted: Template, version: str) -> Verdict:
        """PASS when the Service sends requests to pods of `wanted` alone, and to at least one; else TOO_FEW."""
        behind = self.cluster.pods_behind(self.names.deployment)
        good = {pod.metadata.name for pod in self.look(wanted).good}
        others = sorted(behind - good)
        numbers = {"behind": len(behind), "others": len(others)}
        if others:
            text = f"{counted(len(others))} behind Service {self.names.deployment} that do not run {version}: "
            return Verdict(Kind.TOO_FEW, text + ", ".join(others[:3]), numbers)
        if not behind:
            return Verdict(Kind.TOO_FEW, f"no pod is behind Service {self.names.deployment}", numbers)
        return Verdict(Kind.PASS, f"{counted(len(behind))} behind the Service, all run {version}", numbers)


def track_of(pod: Pod) -> str:
    """Return stable or canary, as the pod is labelled."""
    return pod.metadata.labels.get("track", "")


def counted(number: int) -> str:
    """Return `1 pod` or `2 pods`."""
    return f"{number} pod{'' if number == 1 else 's'}"


def _is_off(pod: Pod) -> bool:
    return pod.metadata.labels.get(SERVING_LABEL) == NOT_SERVING[SERVING_LABEL]
