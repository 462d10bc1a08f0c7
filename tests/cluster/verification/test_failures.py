"""Each step that fails, or knows nothing, ends in its verdict, one message, the rollback, and the release's record."""

from __future__ import annotations

from typing import Any

import pytest

from checks.verdict import Kind, Verdict
from cluster.history.history import Attempt, History
from tests.cluster.verification_world import OKS, World
from tests.recorded import NAME


@pytest.fixture
def world() -> World:
    """Return a world in which v1 is verified."""
    made = World()
    made.up("v1")
    made.recorded = True
    return made


def attempt(world: World) -> Attempt:
    return History(world.server.cluster(), NAME).read()[0]


def taken_back(world: World, text: str, step: str, kind: Kind) -> None:
    """Say that the release went back to v1 for this step, and that its record says so, with the step as the last."""
    assert text.startswith(f"release v2 was taken back in development: step {step} ended with {kind}: ")
    assert "v1 serves again" in text
    assert world.server.version == "v1"
    assert world.verified() == ["v1"]
    found = attempt(world)
    gates = [each.facts for each in found.entries if each.kind == "gate"]
    assert (gates[-1]["step"], gates[-1]["verdict"]) == (step, str(kind))
    assert all(each["verdict"] == "PASS" for each in gates[:-1])
    assert [each.kind for each in found.entries][-2:] == ["rollback", "finished"]
    assert (found.outcome, found.cause.partition(":")[0]) == ("failed", f"step {step} ended with {kind}")


@pytest.mark.parametrize(
    ("lies", "says"),
    [
        ({"status": "degraded"}, "status is 'degraded', not 'healthy'"),
        ({"version": "v1"}, "version is 'v1', not the released 'v2'"),
        ({"timestamp": "2024-05-14T08:30:00Z"}, "is more than 0:05:00 away from now"),
        ({"timestamp": "2024-05-14T11:30:00+02:00"}, "not an ISO 8601 time in UTC"),
        ({"checks": {**OKS, "database": "error"}}, "check database is 'error', not 'ok'"),
        ({"checks": {**OKS, "cache": "error"}}, "check cache is 'error', not 'ok'"),
        ({"checks": {**OKS, "message_queue": "error"}}, "check message_queue is 'error', not 'ok'"),
        ({"checks": {"database": "ok", "cache": "ok"}}, "check message_queue is missing, not 'ok'"),
    ],
)
def test_health_that_lies_in_one_field(world: World, lies: dict[str, Any], says: str) -> None:
    world.lies = lies
    text = world.fails(lambda: world.up("v2"))
    taken_back(world, text, "health", Kind.FAIL)
    assert says in text
    assert says in str(attempt(world).entries[-3].facts["reason"])


def test_a_pod_that_is_not_ready(world: World) -> None:
    taken_back(world, world.fails(lambda: world.up("v2", stuck=True)), "pods", Kind.TOO_FEW)


def test_a_pod_that_crashes(world: World) -> None:
    taken_back(world, world.fails(lambda: world.up("v2", crash=True)), "pods", Kind.FAIL)


@pytest.mark.parametrize("step", ["smoke tests", "integration tests", "database at head", "key metrics"])
@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.PASS])
def test_a_later_step_that_fails_or_knows_nothing(world: World, step: str, kind: Kind) -> None:
    names = ["smoke tests", "integration tests", "database at head", "key metrics"]
    world.further = {name: Verdict(Kind.PASS, "fine") for name in names}
    world.further[step] = Verdict(kind, "why it ended so", {"status": 1}, "what was asked", output=("printed",))
    text = world.fails(lambda: world.up("v2"))
    taken_back(world, text, step, kind)
    assert f"step {step} ended with {kind}: why it ended so. v1 serves again" in text
    assert [name for name, _ in world.asked] == names[: names.index(step) + 1], "nothing behind it is done"
    [last] = [each.facts for each in attempt(world).entries if each.facts.get("step") == step]
    assert (last["numbers"], last["query"], last["output"]) == ({"status": 1}, "what was asked", "printed")
