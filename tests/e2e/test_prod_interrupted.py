"""A runner that is killed at any moment, or meets another, leaves nothing that the same command does not put right."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cluster.names import Names
from sandbox.load.account import account
from sandbox.load.load import Load
from sandbox.locks import Locks
from tests.e2e.few_pods import FEW, RATE, REPLICAS, replicas, scale
from tests.e2e.running import UP, Run, running
from tests.e2e.stack import Result, Stack

pytestmark = pytest.mark.thorough

STEPS = (10, 50, 100)
# Long enough for a second run to come to its first gate.
LONG: dict[str, Any] = {**FEW, "analysis": {**FEW["analysis"], "minimum_seconds": 30}}
# A third of all answers: certain within seconds.
BROKEN: dict[str, Any] = {**FEW, "application": {"environment": {"FAULT_ERROR_RATE": "0.3"}}}


@pytest.fixture(scope="module")
def released(prod: Stack) -> Iterator[Stack]:
    """Production with a verified release on few pods; it has as many as before in the end."""
    before = replicas(prod)
    scale(prod, REPLICAS)
    prod.approved_release()
    result, _ = prod.up_under_load(rate=RATE, settings=FEW)
    assert result.status == 0, result.text
    yield prod
    scale(prod, before)


@pytest.fixture
def load(released: Stack) -> Iterator[Load]:
    """Requests on production for as long as the test runs: without any, no canary is promoted."""
    with released.load(RATE) as sent:
        yield sent


def failed(load: Load) -> str:
    """Stop the load, and return what became of it where a request failed."""
    load.stop()
    found = account(load.results())
    return "\n".join(found.lines()) if found.bad else ""


def names(stack: Stack) -> Names:
    return Names(stack.deployment, "release-manager")


def deployment(stack: Stack, name: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.world.kubectl.get_json("deployment", name, namespace=stack.namespace)
    return found


def holder(stack: Stack) -> str:
    """Return who holds the release; empty where nobody does."""
    found = stack.world.kubectl.get_json("lease", stack.deployment, namespace=stack.namespace)
    return str(found["spec"].get("holderIdentity") or "")


def passed(stack: Stack, percent: int) -> str:
    """Return the version that the record of the step names."""
    record = stack.world.kubectl.get_json("configmap", names(stack).step_record(percent), namespace=stack.namespace)
    return str(record["data"]["version"])


def versions_in_templates(stack: Stack) -> set[str]:
    both = (deployment(stack, name) for name in (names(stack).deployment, names(stack).canary))
    return {each["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/version"] for each in both}


def versions_of_pods(stack: Stack) -> list[str]:
    found = stack.world.kubectl.get_json("pods", "-l", "app=release-manager", namespace=stack.namespace)["items"]
    staying = (each["metadata"] for each in found if "deletionTimestamp" not in each["metadata"])
    return [each["labels"]["app.kubernetes.io/version"] for each in staying]


def moments(stack: Stack, version: str) -> dict[str, Callable[[Run], None]]:
    """Return how to wait for each moment at which the runner of `version` is killed, in their order."""

    def canary_measures(run: Run) -> None:
        run.until(lambda: deployment(stack, names(stack).canary)["status"].get("readyReplicas", 0) > 0, "canary pods")

    def first_step_passed(run: Run) -> None:
        run.until(lambda: passed(stack, STEPS[0]) == version, "the record of the first step")

    def stable_moves(run: Run) -> None:
        run.until(lambda: versions_in_templates(stack) == {version}, "the new template of stable")

    def verified(run: Run) -> None:
        run.says("pods: PASS")

    return {
        "before its first gate": lambda run: run.says("Updating (prod)"),
        "in the gate of the first step": canary_measures,
        "after that gate": first_step_passed,
        "while stable moves": stable_moves,
        "in the verification": verified,
    }


def test_a_release_whose_runner_is_killed_again_and_again_ends_as_one_that_was_not(released: Stack, load: Load) -> None:
    before = released.health()["version"]
    version = released.approved_release()

    for moment, wait in moments(released, version).items():
        with running(released, *UP, settings=FEW) as run:
            wait(run)
            print(f"killed {moment}")
            run.kill()
    result = released.up(settings=FEW)

    assert result.status == 0, result.text
    assert failed(load) == ""
    assert before != version
    assert released.health()["version"] == version
    assert versions_of_pods(released) == [version] * REPLICAS
    assert [passed(released, percent) for percent in STEPS] == [version] * len(STEPS)
    assert holder(released) == ""
    again = released.up("--expect-no-changes", settings=FEW)
    assert again.status == 0, again.text


def test_a_rollback_whose_runner_is_killed_is_carried_to_its_end_by_the_same_command(
    released: Stack, load: Load
) -> None:
    before, image = released.health()["version"], released.running_image()
    version = released.approved_release()

    with running(released, *UP, settings=BROKEN) as run:
        run.says("rollback: going back to")
        run.kill()
    result = released.up(settings=BROKEN)
    load.stop()

    assert result.status != 0
    assert f"release {version} was taken back in production" in result.error
    assert f"{before} serves again" in result.error
    assert "Traceback" not in result.text
    assert (released.health()["version"], released.running_image()) == (before, image)
    assert versions_of_pods(released) == [before] * REPLICAS
    assert versions_in_templates(released) == {before}
    assert [passed(released, percent) for percent in STEPS] == [before] * len(STEPS)
    assert holder(released) == ""


def on_another_backend(stack: Stack, directory: Path) -> Result:
    """Run the same update from another checkout, whose engine knows nothing of this one's lock."""
    shutil.copytree(stack.checkout, directory / "project", symlinks=True)
    other = replace(stack, checkout=directory / "project")
    state = directory / "state"
    state.mkdir()
    backend = f"file://{state}"
    with running(other, "stack", "init", PULUMI_BACKEND_URL=backend) as made:
        assert made.result().status == 0, made.text
    with running(other, *UP, settings=FEW, PULUMI_BACKEND_URL=backend) as run:
        return run.result()


def test_of_two_runs_at_once_one_wins_and_the_other_says_who_has_the_release(
    released: Stack, load: Load, tmp_path: Path
) -> None:
    version = released.approved_release()

    with running(released, *UP, settings=LONG) as run:
        run.until(lambda: holder(released) != "", "the hold on the release")
        who = holder(released)
        same = released.up(settings=LONG)
        elsewhere = on_another_backend(released, tmp_path)
        assert holder(released) == who
        result = run.result()

    assert same.status != 0
    assert "the stack is currently locked by 1 lock(s)" in same.error
    assert f"(pid {run.child.pid})" in same.text
    assert elsewhere.status != 0
    assert f"the release of {released.deployment} in {released.namespace} is held by {who} since " in elsewhere.error
    assert "which is at work. This run stops here." in elsewhere.error
    assert "Traceback" not in elsewhere.text
    assert result.status == 0, result.text
    assert failed(load) == ""
    assert released.health()["version"] == version
    assert versions_of_pods(released) == [version] * REPLICAS


@pytest.mark.usefixtures("load")
def test_a_machine_that_fails_is_followed_within_the_duration_of_its_hold(released: Stack) -> None:
    released.approved_release()
    with running(released, *UP, settings=FEW) as run:
        run.until(lambda: holder(released) != "", "the hold on the release")
        who = holder(released)
        # The program first: left to itself it would give the release back as soon as it misses its engine.
        os.kill(int(who.partition(" pid ")[2].partition(" ")[0]), signal.SIGKILL)
        run.kill()
        assert holder(released) == who
        state = Path(released.runner.environment.variables["PULUMI_BACKEND_URL"].removeprefix("file://"))
        assert Locks(state).stale(released.name) == [run.child.pid]
    killed = time.monotonic()

    with running(released, *UP, settings=FEW) as run:
        run.until(lambda: holder(released) not in {"", who}, "the hold of the second run")
        waited = time.monotonic() - killed
        result = run.result()

    assert result.status == 0, result.text
    assert "which gave no sign of life for 15 s: taken over (token " in result.text
    # Its own way to the first gate is part of it.
    assert waited < 60
