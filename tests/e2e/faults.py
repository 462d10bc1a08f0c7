"""Releases of production that go wrong, and what must serve after each: shared by the tests of its canary's faults."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cluster.names import CONFIGURATION, VERSION, Names
from sandbox.load.account import Account, OfVersion
from tests.e2e.stack import Result, Stack

REPLICAS = 9
# Requests a second: a tenth of it, for one canary pod, is what the first step judges by.
RATE = 60
SETTLED_SECONDS = 60.0
LOOK_SECONDS = 0.2
# Another configuration is another release: it goes through the whole canary, and needs no new image.
HEALTHY = {"NOTE": "as good as the one before"}
# The limits are those of the stack file. Coarser is only what a step rules out, so that it needs fewer requests.
COARSE: dict[str, Any] = {
    "rule_out_error_percent": [10, 5, 3],
    "rule_out_slow_percent": [10, 5, 5],
    "minimum_seconds": 3,
    "maximum_seconds": 60,
}
Settings = dict[str, Any]


def settings(
    environment: Mapping[str, str] | None = None,
    analysis: Mapping[str, Any] | None = None,
    rollout: Mapping[str, Any] | None = None,
    **concerns: Any,
) -> Settings:
    """Return the settings of a release with this environment; without it, those of the good version that serves."""
    return {
        "application": {"environment": dict(environment or {})},
        "analysis": {**COARSE, **(analysis or {})},
        "health": {"attempts": 2, "interval_seconds": 0.5},
        "rollout": dict(rollout or {}),
        # Its p99 is that of the five minutes before, in which this machine has done a lot besides.
        "verification": {"key_metrics": None},
        **concerns,
    }


@dataclass(frozen=True)
class Serving:
    """What production is: the version of /health, what both templates and each pod run, and who rests."""

    version: str
    stable: str
    canary: str
    pods: tuple[str, ...]
    canary_replicas: int

    @property
    def configuration(self) -> str:
        """The hash of the configuration that stable is to run."""
        return self.stable.split()[1]

    @property
    def whole(self) -> bool:
        """Whether all pods run what stable is to run, the canary has the same template, and rests."""
        return {self.stable, self.canary, *self.pods} == {self.stable} and self.canary_replicas == 0


def names(stack: Stack) -> Names:
    """Return the names of the objects of the stack."""
    return Names(stack.deployment, "release-manager")


def deployment(stack: Stack, name: str) -> dict[str, Any]:
    """Return one of its Deployments."""
    found: dict[str, Any] = stack.world.kubectl.get_json("deployment", name, namespace=stack.namespace)
    return found


def serving(stack: Stack) -> Serving:
    """Return what production is now; pods on their way out are not counted."""
    stable, canary = (deployment(stack, name) for name in (names(stack).deployment, names(stack).canary))
    pods = stack.world.kubectl.get_json("pods", "-l", names(stack).pods, namespace=stack.namespace)["items"]
    return Serving(
        version=stack.health()["version"],
        stable=_runs(stable["spec"]["template"]),
        canary=_runs(canary["spec"]["template"]),
        pods=tuple(sorted(_runs(pod) for pod in pods if "deletionTimestamp" not in pod["metadata"])),
        canary_replicas=canary["spec"]["replicas"],
    )


def settled(stack: Stack, replicas: int = REPLICAS) -> Serving:
    """Wait until as many pods are left as stable is to have, and return what production is then."""
    deadline = time.monotonic() + SETTLED_SECONDS
    while len((found := serving(stack)).pods) != replicas:
        assert time.monotonic() < deadline, f"{len(found.pods)} pods are left, not {replicas}: {found}"
        time.sleep(LOOK_SECONDS)
    return found


def released(stack: Stack) -> Stack:
    """Return production with the good version verified on all pods; where it is so already, nothing is done."""
    if _serves_the_good_version(stack):
        return stack
    stack.approved_release()
    result, _ = stack.up_under_load("--skip-preview", rate=RATE, settings=settings())
    assert result.status == 0, result.text
    assert settled(stack).whole
    return stack


def check_taken_back(stack: Stack, before: Serving, result: Result, *, reason: str) -> None:
    """See that the release has failed for `reason`, said in plain words, and that all is as it was before."""
    assert result.status != 0, result.text
    told = re.escape(f"{before.version} with configuration ")
    assert re.search(rf"release {told}\w+ was taken back in production at step ", result.error)
    assert f"{before.version} with configuration {before.configuration} serves again after " in result.error
    assert reason in result.error
    assert "Traceback" not in result.text
    assert settled(stack) == before


def check_preview_is_true(stack: Stack) -> None:
    """See that there is nothing to do for the good version, which serves."""
    preview = _preview(stack)
    assert preview.status == 0, preview.text


def without_an_answer(load: Account) -> int:
    """Return how many requests got no answer of the application, good or bad: their version is not named."""
    return load.versions.get("", OfVersion(0, 0)).failed


def _serves_the_good_version(stack: Stack) -> bool:
    if not stack.git("tag", "--list"):
        return False
    found = serving(stack)
    return found.whole and len(found.pods) == REPLICAS and _preview(stack).status == 0


def _preview(stack: Stack) -> Result:
    return stack.pulumi("preview", "--stack", stack.name, "--expect-no-changes", settings=settings())


def _runs(template: Mapping[str, Any]) -> str:
    metadata, container = template["metadata"], template["spec"]["containers"][0]
    return " ".join((metadata["labels"][VERSION], metadata["annotations"][CONFIGURATION], container["image"]))
