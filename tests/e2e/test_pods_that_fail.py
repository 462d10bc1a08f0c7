"""What the checks say of pods that really fail on a real node: the reason, as soon as it is certain."""

from __future__ import annotations

from typing import Any

from checks.pods import CRASHES_UNTIL_CERTAIN
from checks.rollout import judge_rollout
from checks.verdict import Kind, Verdict
from checks.waiting import Clock, Reporter, wait_for_verdict
from cluster.access import connect
from sandbox.world import World

TIMEOUT_SECONDS = 60.0
CONTEXT = "release-manager-sandbox"


def judged(world: World, namespace: str, container: dict[str, Any], seconds: float = TIMEOUT_SECONDS) -> Verdict:
    """Put a Deployment of one pod on the cluster and judge its rollout as a gate does."""
    labels = {"app": "failing"}
    world.kubectl.apply(
        [
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "failing", "namespace": namespace},
                "spec": {
                    "replicas": 1,
                    "selector": {"matchLabels": labels},
                    "template": {
                        "metadata": {"labels": labels},
                        "spec": {
                            "terminationGracePeriodSeconds": 1,
                            "containers": [{"name": "api", "image": world.images.base, **container}],
                        },
                    },
                },
            }
        ]
    )
    cluster = connect(str(world.paths.kubeconfig), CONTEXT, namespace)
    return wait_for_verdict(
        lambda: judge_rollout(cluster, "failing", "app=failing"),
        waiting_for="pods",
        timeout_seconds=seconds,
        interval_seconds=0.3,
        reporter=Reporter(line=lambda _text: None),
        clock=Clock(),
    )


# A pod without a probe counts as ready as soon as its process runs, for however short a time.
NEVER_READY: dict[str, Any] = {"readinessProbe": {"exec": {"command": ["false"]}, "periodSeconds": 1}}


def python(program: str) -> dict[str, Any]:
    return {"command": ["python3", "-c", program]}


def test_an_image_that_the_registry_does_not_have(world: World, namespace: str) -> None:
    verdict = judged(world, namespace, {"image": "localhost:5000/release-manager:never-pushed"})
    assert verdict.kind is Kind.FAIL
    assert "image localhost:5000/release-manager:never-pushed is not in the registry" in verdict.reason


def test_a_registry_that_does_not_answer_is_not_certain(world: World, namespace: str) -> None:
    verdict = judged(world, namespace, {"image": "localhost:1/release-manager:any"}, seconds=8)
    assert verdict.kind is Kind.TOO_FEW
    assert "cannot be pulled" in verdict.reason


def test_a_crash_loop_with_its_last_log_lines(world: World, namespace: str) -> None:
    verdict = judged(
        world, namespace, {**python("print('the reason', flush=True); raise SystemExit(3)"), **NEVER_READY}
    )
    assert verdict.kind is Kind.FAIL
    assert "crashed with exit code 3" in verdict.reason
    assert f"{CRASHES_UNTIL_CERTAIN} times" in verdict.reason
    assert "the reason" in verdict.details


def test_a_pod_killed_for_its_memory(world: World, namespace: str) -> None:
    limits = {"resources": {"limits": {"memory": "32Mi"}}}
    verdict = judged(world, namespace, {**python("x = bytearray(512 * 1024 * 1024); input()"), **limits, **NEVER_READY})
    assert verdict.kind is Kind.FAIL
    assert "OOMKilled" in verdict.reason


def test_a_pod_that_no_node_takes_is_waited_for_and_named(world: World, namespace: str) -> None:
    requests = {"resources": {"requests": {"memory": "900Gi"}}}
    verdict = judged(world, namespace, {**python("input()"), **requests}, seconds=5)
    assert verdict.kind is Kind.TOO_FEW
    assert "no node takes it" in verdict.reason
    assert "Insufficient memory" in verdict.reason


def test_a_missing_secret(world: World, namespace: str) -> None:
    missing = {"envFrom": [{"secretRef": {"name": "not-there"}}]}
    verdict = judged(world, namespace, {**python("input()"), **missing})
    assert verdict.kind is Kind.FAIL
    assert 'secret "not-there" not found' in verdict.reason


def test_a_quota_that_refuses_the_pods(world: World, namespace: str) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none", "namespace": namespace}}
    world.kubectl.apply([{**quota, "spec": {"hard": {"pods": "0"}}}])
    verdict = judged(world, namespace, python("input()"))
    assert verdict.kind is Kind.FAIL
    assert "exceeded quota" in verdict.reason


def test_a_failing_readiness_probe_is_named(world: World, namespace: str) -> None:
    verdict = judged(world, namespace, {**python("import time; time.sleep(600)"), **NEVER_READY}, seconds=8)
    assert verdict.kind is Kind.TOO_FEW
    assert "Readiness probe failed" in verdict.reason


def test_a_pod_that_stays_up_passes(world: World, namespace: str) -> None:
    verdict = judged(world, namespace, python("import time; time.sleep(600)"))
    assert verdict.kind is Kind.PASS
