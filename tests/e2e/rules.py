"""The rules of production, which Prometheus loads or does not: they look back over minutes.

What fires for a fault that one test is done with would rightly hold up the release of the next one. So tests that break
production, one release after the other, do so while its rules are not loaded.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx

from sandbox.cluster.layout import LOOPBACK
from sandbox.operated import instances
from tests.e2e.after_others import waivers_with
from tests.e2e.stack import Stack

PROMETHEUS = f"http://{LOOPBACK}:{instances.PROMETHEUS_NODE_PORT}"
# What a change needs: the operator writes it, the kubelet hands it on, Prometheus reads and evaluates it.
LOADED_SECONDS = 90.0
LOOK_SECONDS = 0.5


@contextmanager
def unloaded(stack: Stack) -> Iterator[None]:
    """Keep the rules of the stack out of Prometheus, and let releases begin without them."""
    waivers = waivers_with(stack, "monitoring", reason="rules look back over what other tests did")
    unload(stack)
    with stack.over_all({"checklist": {"waivers": waivers}}):
        try:
            yield
        finally:
            _select(stack, wanted=True)


def load(stack: Stack) -> None:
    """Have them loaded again; returns once each was evaluated."""
    _select(stack, wanted=True)
    until_evaluated()


def unload(stack: Stack) -> None:
    """Have them dropped; does not wait for it."""
    _select(stack, wanted=False)


def until_evaluated() -> None:
    """Wait for what the checklist of a release asks about: Prometheus has rules, and has evaluated each."""
    deadline = time.monotonic() + LOADED_SECONDS
    while not (health := {rule["health"] for rule in loaded()}) or "unknown" in health:
        assert time.monotonic() < deadline, f"Prometheus has no evaluated rules after {LOADED_SECONDS:g} s: {health}"
        time.sleep(LOOK_SECONDS)


def loaded() -> list[dict[str, str]]:
    """Return the rules that Prometheus has; none where it does not answer."""
    with suppress(httpx.HTTPError):
        answer = httpx.get(f"{PROMETHEUS}/api/v1/rules", timeout=5)
        if answer.status_code == httpx.codes.OK:
            return [rule for group in answer.json()["data"]["groups"] for rule in group["rules"]]
    return []


def _select(stack: Stack, *, wanted: bool) -> None:
    """Give the rules the label that the operator selects by, or take it from them."""
    kubectl, here = stack.world.kubectl, f"--field-selector=metadata.name={stack.deployment}"
    if not kubectl.get_json("prometheusrules", here, namespace=stack.namespace)["items"]:
        return
    [(name, value)] = instances.SELECTED["matchLabels"].items()
    label = f"{name}={value}" if wanted else f"{name}-"
    kubectl.run("label", f"prometheusrule/{stack.deployment}", label, "--overwrite", namespace=stack.namespace)
