"""An environment counts as healthy only if its cluster and Prometheus say so, and nobody else is releasing to it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import httpx
import pytest

from checks.prometheus import Prometheus
from cluster.api import JsonObject
from cluster.errors import ClusterError
from evidence.checklist.proof import Proof, State
from evidence.checklist.target_item import environment_prover
from tests.checks.fake_prometheus import alert, alerts
from tests.cluster.api_server import Failure, template
from tests.evidence.checklist.services import DOWN, Kubernetes, asking, away, says_what_closes
from tests.recorded import NAME, NAMESPACE, Json, deployment

NAMESPACE_PATH = f"/api/v1/namespaces/{NAMESPACE}"
OURS = {"namespace": NAMESPACE, "severity": "critical"}
HEALTHY = f"namespace {NAMESPACE} is there; every node is ready; {NAME} is available; no critical alert fires"


def node(name: str = "node-1", **conditions: str) -> JsonObject:
    kinds = {"Ready": "True", "MemoryPressure": "False", "DiskPressure": "False", "PIDPressure": "False"}
    listed = [{"type": kind, "status": status} for kind, status in {**kinds, **conditions}.items()]
    return {"metadata": {"name": name}, "status": {"conditions": listed}}


def healthy() -> Kubernetes:
    server = Kubernetes(answers={NAMESPACE_PATH: {"metadata": {"name": NAMESPACE}}})
    server.deploy(template("v1"))
    return server


def asks(answer: Failure) -> Callable[[], AbstractContextManager[Prometheus]]:
    return partial(asking, lambda _request: answer)


QUIET = asks(alerts())


def prove(
    server: Kubernetes,
    nodes: list[JsonObject] | Exception | None = None,
    prometheus: Callable[[], AbstractContextManager[Prometheus]] | None = QUIET,
) -> Proof:
    def listed() -> list[Any]:
        if isinstance(nodes, Exception):
            raise nodes
        return [node()] if nodes is None else nodes

    return environment_prover(
        server.cluster(),
        nodes=listed,
        deployment=NAME,
        stack="prod",
        ask_prometheus=prometheus,
    )()


def test_all_well_is_proven_and_counts_are_only_shown() -> None:
    proof = prove(healthy(), [node("a"), node("b")])
    assert (proof.state, proof.value) == (State.PROVEN, HEALTHY)
    assert proof.seen == "2 nodes; 2 of 2 pods"


def test_the_first_release_needs_no_deployment() -> None:
    proof = prove(Kubernetes(answers={NAMESPACE_PATH: {"metadata": {"name": NAMESPACE}}}))
    assert proof.state is State.PROVEN
    assert f"{NAME} is released for the first time" in proof.value


def test_a_namespace_that_is_not_there_is_missing() -> None:
    server = healthy()
    server.answers[NAMESPACE_PATH] = httpx.Response(404, json={"reason": "NotFound"})
    proof = prove(server)
    assert says_what_closes(proof, State.MISSING)
    assert (proof.value, proof.closes) == (
        f"there is no namespace {NAMESPACE}",
        f"kubectl create namespace {NAMESPACE}",
    )


@pytest.mark.parametrize(
    ("nodes", "value"),
    [
        ([], "there is no node"),
        ([node(Ready="False")], "nodes are not well (node-1: not ready)"),
        ([node(Ready="Unknown")], "nodes are not well (node-1: not ready)"),
        ([node("a"), node("b", DiskPressure="True")], "nodes are not well (b: DiskPressure)"),
        ([node("a", MemoryPressure="True", PIDPressure="True")], "nodes are not well (a: MemoryPressure, PIDPressure)"),
        ([{"metadata": {"name": "a"}}], "nodes are not well (a: not ready)"),
        (
            [node(f"n{number}", Ready="False") for number in range(5)],
            "nodes are not well (n0: not ready, n1: not ready, n2: not ready and 2 more)",
        ),
    ],
)
def test_a_node_that_is_not_well_is_missing(nodes: list[JsonObject], value: str) -> None:
    proof = prove(healthy(), nodes)
    assert says_what_closes(proof, State.MISSING)
    assert (proof.value, proof.closes) == (value, "kubectl describe nodes")


@pytest.mark.parametrize("found", [deployment(available=1), deployment(replicas=0)])
def test_a_stable_that_is_not_available_is_missing(found: Json) -> None:
    server = healthy()
    server.deployment = found
    proof = prove(server)
    assert says_what_closes(proof, State.MISSING)
    assert proof.value == f"{NAME} is not available"
    assert f"kubectl -n {NAMESPACE} describe deployment {NAME}" in proof.closes


def test_a_stable_that_the_cluster_has_not_looked_at_is_unknown() -> None:
    server = healthy()
    server.deployment = deployment(generation=5, observed=4)
    assert says_what_closes(prove(server), State.UNKNOWN)


def test_a_critical_alert_of_the_environment_is_missing_any_other_is_not() -> None:
    proof = prove(healthy(), prometheus=asks(alerts(alert("HighErrorRate", **OURS), alert("Slow", **OURS))))
    assert says_what_closes(proof, State.MISSING)
    assert proof.value == "a critical alert fires: HighErrorRate, Slow"
    others = [
        alert("Warning", namespace=NAMESPACE, severity="warning"),
        alert("Elsewhere", namespace="staging", severity="critical"),
        alert("Pending", state="pending", **OURS),
        alert("ReleaseHeld", gate="no", **OURS),
    ]
    assert prove(healthy(), prometheus=asks(alerts(*others))).state is State.PROVEN
    nameless = alert("WithoutSeverity", namespace=NAMESPACE, gate="yes")
    assert prove(healthy(), prometheus=asks(alerts(nameless))).state is State.MISSING


def test_without_prometheus_nobody_knows() -> None:
    proof = prove(healthy(), prometheus=None)
    assert says_what_closes(proof, State.UNKNOWN)
    assert "prometheus.url" in proof.closes
    for answer in DOWN:
        proof = prove(healthy(), prometheus=asks(answer))
        assert says_what_closes(proof, State.UNKNOWN)
        assert proof.value == "which alerts fire is not known"


def test_a_cluster_that_is_away_is_asked_once_and_prometheus_still() -> None:
    server = Kubernetes(fails=away)
    proof = prove(server)
    assert says_what_closes(proof, State.UNKNOWN)
    assert proof.value == "the cluster gives no answer"
    assert len(server.requests) == 1
    proof = prove(server, prometheus=asks(alerts(alert("HighErrorRate", **OURS))))
    assert says_what_closes(proof, State.MISSING)
    assert proof.value == "a critical alert fires: HighErrorRate; the cluster gives no answer"


def test_a_right_that_is_not_given_leaves_it_unknown_with_the_mend() -> None:
    proof = prove(healthy(), ClusterError("the cluster refuses GET /api/v1/nodes (403)", mend="give the right"))
    assert says_what_closes(proof, State.UNKNOWN)
    assert (proof.value, proof.closes) == ("the nodes cannot be looked at", "give the right")
    assert "the cluster refuses GET /api/v1/nodes (403)" in proof.seen


@pytest.mark.parametrize("body", ["<html>", "[]", '{"metadata": 1}'])
def test_nonsense_of_the_cluster_is_not_taken_for_health(body: str) -> None:
    server = Kubernetes(fails=lambda _request: httpx.Response(200, text=body))
    proof = prove(server)
    assert proof.state in {State.UNKNOWN, State.MISSING}
    assert "nonsense" in proof.value
    assert says_what_closes(prove(healthy(), [{"metadata": [], "status": "fine"}]), State.UNKNOWN)
