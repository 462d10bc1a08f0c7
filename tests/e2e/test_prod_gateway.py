"""Production on a Gateway: a whole release by exact weights with three pods, and a bad one taken back by them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cluster.access import connect
from cluster.canary.weights import canary_weight
from cluster.names import Names
from sandbox.cluster.layout import CONTEXT
from sandbox.ingress import gateway
from tests.e2e.stack import QUICK_CANARY, Stack

pytestmark = pytest.mark.thorough

RATE = 60
STEPS = (10, 50)
BY_WEIGHT: dict[str, Any] = {
    **QUICK_CANARY,
    "rollout": {"replicas": 3},
    "ingress": {"gateway": {"name": gateway.NAME, "namespace": gateway.NAMESPACE, "listener": gateway.HTTPS}},
}


def weight(stack: Stack) -> float:
    cluster = connect(str(stack.world.paths.kubeconfig), CONTEXT, stack.namespace)
    return canary_weight(cluster, Names(stack.deployment, "release-manager", weighted=True))


@pytest.fixture
def on_a_gateway(prod: Stack) -> Iterator[Stack]:
    """Production, which a release brings from its Ingress to the Gateway and another one back."""
    prod.approved_release()
    result, _ = prod.up_under_load(rate=RATE, settings=QUICK_CANARY)
    assert result.status == 0, result.text
    yield prod
    prod.approved_release()
    back, load = prod.up_under_load(rate=RATE, settings=QUICK_CANARY)
    assert (back.status, load.bad) == (0, 0), back.text + "\n".join(load.lines())


def test_a_release_goes_through_a_gateway_by_weight_and_a_bad_one_is_taken_back_by_it(on_a_gateway: Stack) -> None:
    stack = on_a_gateway
    before, good = stack.health()["version"], stack.approved_release()

    result, load = stack.up_under_load(rate=RATE, settings=BY_WEIGHT)

    assert result.status == 0, result.text
    assert (load.bad, set(load.versions)) == (0, {before, good}), "\n".join(load.lines())
    assert (len(stack.pods()), weight(stack)) == (3, 0)
    assert stack.objects("ingresses") == {}
    for step in STEPS:
        assert f"step {step} %: PASS" in result.text
    assert stack.up("--expect-no-changes", settings=BY_WEIGHT).status == 0

    worse = stack.approved_release()
    bad = {**BY_WEIGHT, "application": {"environment": {"FAULT_ERROR_RATE": "1"}}}
    failed, hurt = stack.up_under_load(rate=RATE, settings=bad)

    assert failed.status != 0
    assert "step 10 %" in failed.error, failed.text
    assert 0 < hurt.bad == hurt.versions[worse].failed, "\n".join(hurt.lines())
    assert (stack.health()["version"], len(stack.pods()), weight(stack)) == (good, 3, 0)
