"""Production with few pods, each step of whose releases needs few requests: for what does not ask how it is judged."""

from __future__ import annotations

from typing import Any

from tests.e2e.stack import QUICK_CANARY, Stack

REPLICAS = 4
# Requests a second.
RATE = 20
FEW: dict[str, Any] = {
    **QUICK_CANARY,
    "rollout": {"replicas": REPLICAS, "share_tolerance_percent": 10},
    "analysis": {
        "rule_out_error_percent": [30, 20, 10],
        "rule_out_slow_percent": [40, 30, 20],
        "minimum_seconds": 3,
    },
}


def replicas(stack: Stack) -> int:
    """Return how many pods stable has; as many as here where there is none yet."""
    if not stack.objects("deployments"):
        return REPLICAS
    found = stack.world.kubectl.get_json("deployment", stack.deployment, namespace=stack.namespace)
    wanted: int = found["spec"]["replicas"]
    return wanted


def scale(stack: Stack, count: int) -> None:
    """Let stable have so many pods, where there is one."""
    if stack.objects("deployments"):
        target = f"deployment/{stack.deployment}"
        stack.world.kubectl.run("scale", target, f"--replicas={count}", namespace=stack.namespace)
