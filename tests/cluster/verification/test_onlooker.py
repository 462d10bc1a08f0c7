"""Who looks on at a verification hears of each step as it is taken, and of the end when all is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from checks.verdict import Kind, Verdict
from cluster.history.history import History
from cluster.release import Release
from cluster.verification.gate import OUTPUT_KEPT
from cluster.verification.steps import StepEnd
from tests.cluster.verification_world import World
from tests.recorded import NAME


@pytest.fixture
def world() -> World:
    """Return a world in which v1 is verified."""
    made = World()
    made.up("v1")
    return made


@dataclass
class Looking:
    heard: list[str] = field(default_factory=list)

    def begins(self, release: Release, steps: Sequence[str]) -> None:
        self.heard.append(f"{release.version}: {', '.join(steps)}")

    def step_begins(self, name: str) -> None:
        self.heard.append(f"{name} begins")

    def step_ends(self, step: StepEnd) -> None:
        self.heard.append(f"{step.name} {step.verdict.kind} after {step.seconds:g} s")

    def ends(self, outcome: str, text: str) -> None:
        self.heard.append(f"{outcome}: {text.partition(':')[0]}")


def test_who_looks_on_hears_of_each_step_in_its_order_and_of_the_end(world: World) -> None:
    looking = world.onlooker = Looking()
    world.further = {"smoke tests": Verdict(Kind.PASS, "ok")}
    world.up("v2")
    assert looking.heard == [
        "v2: pods, logs, health, smoke tests",
        "pods begins",
        "pods PASS after 0 s",
        "logs begins",
        "logs PASS after 0 s",
        "health begins",
        "health PASS after 4 s",
        "smoke tests begins",
        "smoke tests PASS after 0 s",
        "verified: release v2 is verified in development",
    ]


def test_who_looks_on_hears_of_no_step_behind_a_failed_one_and_of_the_end_only_after_the_rollback(world: World) -> None:
    serving: list[str] = []

    class Last(Looking):
        def ends(self, outcome: str, text: str) -> None:
            serving.append(world.server.version)
            super().ends(outcome, text)

    looking = world.onlooker = Last()
    world.sick = {"v2"}
    world.further = {"smoke tests": Verdict(Kind.PASS, "ok")}
    world.fails(lambda: world.up("v2"))
    assert looking.heard[-2:] == ["health FAIL after 0 s", "failed: release v2 was taken back in development"]
    assert not any("smoke tests begins" in each for each in looking.heard)
    assert serving == ["v1"]


def test_a_held_release_is_told_as_held(world: World) -> None:
    looking = world.onlooker = Looking()
    world.when_unknown, world.silent = "hold", {"v2"}
    world.fails(lambda: world.up("v2"))
    assert looking.heard[-1] == "held: release v2 is held in development"


def test_what_a_script_printed_is_kept_in_the_record_of_the_release_up_to_its_end(world: World) -> None:
    world.recorded = True
    lines = tuple(f"line {number}" for number in range(1000))
    world.further = {"smoke tests": Verdict(Kind.PASS, "ok", output=lines)}
    world.up("v2")
    [attempt] = History(world.server.cluster(), NAME).read()
    [entry] = [each for each in attempt.entries if each.facts.get("step") == "smoke tests"]
    kept = entry.facts["output"]
    assert kept.endswith("\nline 998\nline 999")
    assert len(kept) == OUTPUT_KEPT
