"""Item 15: the environment that is released to is healthy, and nobody else is releasing to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from checks.objects import Condition
from checks.prometheus import Alert, Prometheus
from checks.reader import Unreachable
from cluster.api import Cluster, JsonObject
from cluster.errors import ClusterError
from evidence.checklist.proof import Proof, Prover, State
from evidence.checklist.service import NONSENSE, without_mend

PRESSURES = frozenset({"MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"})
CRITICAL = "critical"
NAMED = 3
AskPrometheus = Callable[[], AbstractContextManager[Prometheus]]


@dataclass
class _Found:
    """What the looks have found: what is wrong, what nobody knows, what is right, and what is only shown."""

    wrong: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    right: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    closes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class TargetItem:
    """Looks at one environment. `nodes` returns the cluster's nodes as JSON, and may raise as `cluster` does.

    Deliberately does not ask who holds the release: the Lease itself waits for a holder that is gone, and names one.
    `ask_prometheus` is None where the stack names no Prometheus.
    """

    cluster: Cluster
    nodes: Callable[[], Sequence[JsonObject]]
    deployment: str
    stack: str
    ask_prometheus: AskPrometheus | None

    def prove(self) -> Proof:
        """Look once. What is known to be wrong counts before what is not known."""
        found = _Found()
        try:
            # A cluster that does not answer is asked once.
            self._looked(self._namespace, "the namespace", found)
            self._looked(self._nodes, "the nodes", found)
            self._looked(self._stable, self.deployment, found)
        except Unreachable as error:
            found.unknown.append("the cluster gives no answer")
            found.seen.append(str(error))
            found.closes.append("see that the cluster runs")
        self._alerts(found)
        source, seen, closes = (
            "the cluster and Prometheus",
            "; ".join(found.seen),
            "; ".join(dict.fromkeys(found.closes)),
        )
        if found.wrong:
            return Proof(State.MISSING, source, "; ".join([*found.wrong, *found.unknown]), seen=seen, closes=closes)
        if found.unknown:
            return Proof(State.UNKNOWN, source, "; ".join(found.unknown), seen=seen, closes=closes)
        return Proof(State.PROVEN, source, "; ".join(found.right), seen=seen)

    def _looked(self, look: Callable[[_Found], None], what: str, found: _Found) -> None:
        try:
            look(found)
        except ClusterError as error:
            why, mend = without_mend(error)
            found.unknown.append(f"{what} cannot be looked at")
            found.seen.append(why)
            found.closes.append(mend or f"look at it: kubectl -n {self.cluster.namespace} get all")
        except NONSENSE as error:
            found.unknown.append(f"the cluster answers nonsense about {what}")
            found.seen.append(type(error).__name__)
            found.closes.append("see that cluster.context names a Kubernetes cluster")

    def _namespace(self, found: _Found) -> None:
        namespace = self.cluster.namespace
        if self.cluster.namespace_exists():
            found.right.append(f"namespace {namespace} is there")
            return
        found.wrong.append(f"there is no namespace {namespace}")
        found.closes.append(f"kubectl create namespace {namespace}")

    def _nodes(self, found: _Found) -> None:
        nodes = self.nodes()
        bad = [f"{name}: {why}" for name, why in map(_trouble, nodes) if why]
        if not nodes or bad:
            more = f" and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
            found.wrong.append(f"nodes are not well ({', '.join(bad[:NAMED])}{more})" if bad else "there is no node")
            found.closes.append("kubectl describe nodes")
            return
        found.right.append("every node is ready")
        found.seen.append(f"{len(nodes)} node{'' if len(nodes) == 1 else 's'}")

    def _stable(self, found: _Found) -> None:
        stable = self.cluster.deployment(self.deployment)
        if stable is None:
            found.right.append(f"{self.deployment} is released for the first time")
            return
        wanted, available = stable.spec.replicas, stable.status.available_replicas
        if stable.status.observed_generation < stable.metadata.generation:
            found.unknown.append(f"the cluster has not looked at {self.deployment} since it was changed")
        elif wanted == 0 or available < wanted:
            found.wrong.append(f"{self.deployment} is not available")
        else:
            found.right.append(f"{self.deployment} is available")
            found.seen.append(f"{available} of {wanted} pods")
            return
        found.seen.append(f"{available} of {wanted} pods")
        found.closes.append(f"kubectl -n {self.cluster.namespace} describe deployment {self.deployment}")

    def _alerts(self, found: _Found) -> None:
        if self.ask_prometheus is None:
            found.unknown.append("no Prometheus is named that knows which alerts fire")
            found.closes.append(f"set prometheus.url in Pulumi.{self.stack}.yaml")
            return
        try:
            with self.ask_prometheus() as prometheus:
                firing = sorted({each.name for each in prometheus.alerts() if self._counts(each)})
        except Unreachable as error:
            found.unknown.append("which alerts fire is not known")
            found.seen.append(str(error))
            found.closes.append("see that Prometheus answers")
            return
        if firing:
            found.wrong.append(f"a critical alert fires: {', '.join(firing)}")
            found.closes.append("follow the alert's runbook until it is quiet")
        else:
            found.right.append("no critical alert fires")

    def _counts(self, alert: Alert) -> bool:
        """Whether an alert is a reason not to begin. One without a severity may be any.

        One with gate="no" tells of a release that did not go on: if it counted, no next one ever would.
        """
        labels = alert.labels
        ours = alert.firing and labels.get("namespace") == self.cluster.namespace
        return ours and labels.get("gate") != "no" and labels.get("severity", CRITICAL) == CRITICAL


def environment_prover(
    cluster: Cluster,
    *,
    nodes: Callable[[], Sequence[JsonObject]],
    deployment: str,
    stack: str,
    ask_prometheus: AskPrometheus | None,
) -> Prover:
    """Return what proves that the environment is healthy. See TargetItem for the parameters."""
    item = TargetItem(
        cluster=cluster,
        nodes=nodes,
        deployment=deployment,
        stack=stack,
        ask_prometheus=ask_prometheus,
    )
    return item.prove


def _trouble(node: JsonObject) -> tuple[str, str]:
    """Return the name of the node, and what is wrong with it; empty where nothing is."""
    name = str((node.get("metadata") or {}).get("name", "a node without a name"))
    conditions = {each.type: each.status for each in map(_condition, _listed(node))}
    if conditions.get("Ready") != "True":
        return name, "not ready"
    return name, ", ".join(sorted(kind for kind in PRESSURES if conditions.get(kind) == "True"))


def _listed(node: JsonObject) -> list[Any]:
    return (node.get("status") or {}).get("conditions") or []


def _condition(found: Any) -> Condition:  # noqa: ANN401
    return Condition.model_validate(found)
