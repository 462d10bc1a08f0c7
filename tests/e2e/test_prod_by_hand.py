"""Going back by hand, as the guide types it and as the Makefile does: afterwards every preview is true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.load.load import Load
from tests.e2e.few_pods import FEW, RATE, REPLICAS, scale
from tests.e2e.previewing import would_change
from tests.e2e.stack import Stack

pytestmark = pytest.mark.thorough


def with_motto(motto: str) -> dict[str, Any]:
    """Return the settings of a release of its own: the same commit and image, and another configuration."""
    return {**FEW, "application": {"environment": {"MOTTO": motto}}}


ONE, OTHER = with_motto("one"), with_motto("other")


def motto(stack: Stack) -> str:
    """Return which of the two releases stable runs."""
    found = stack.world.kubectl.get_json("deployment", stack.deployment, namespace=stack.namespace)
    [container] = found["spec"]["template"]["spec"]["containers"]
    return str({each["name"]: each.get("value") for each in container["env"]}.get("MOTTO"))


@pytest.fixture(scope="module")
def load(prod: Stack) -> Iterator[Load]:
    with prod.load(RATE) as sent:
        yield sent


@pytest.fixture(scope="module")
def both(prod: Stack, load: Load) -> Stack:  # noqa: ARG001  (without requests no canary is promoted)
    """Production where first the one configuration was verified and then the other."""
    scale(prod, REPLICAS)
    prod.approved_release()
    for settings in (ONE, OTHER):
        result = prod.up(settings=settings)
        assert result.status == 0, result.text
    assert motto(prod) == "other"
    return prod


def test_the_guides_own_undo_works_as_typed_and_the_previews_after_it_are_true(both: Stack) -> None:
    target = f"deployment/{both.deployment}"
    both.world.kubectl.run("rollout", "undo", target, "-n", both.namespace)
    done = both.world.kubectl.run("rollout", "status", target, "-n", both.namespace, "--timeout=5m")

    assert "successfully rolled out" in done
    assert motto(both) == "one"
    assert would_change(both, ONE) == set(), "nothing to do for the version that serves"
    assert {
        "rollout-step-50-record",
        "rollout-stable",
        "rollout-step-100-record",
        "verification-record",
    } <= would_change(both, OTHER), "the whole canary for any other"

    again = both.up(settings=OTHER)

    assert again.status == 0, again.text
    assert "step 50 %: PASS: after " in again.text, "what was left by hand is measured anew"
    assert "step 100 %: PASS: after " in again.text
    assert motto(both) == "other"


def test_make_rollback_goes_back_whole_and_the_previews_after_it_are_true(both: Stack) -> None:
    done = both.command("rollback", settings=OTHER)

    assert done.status == 0, done.text
    assert "serves again after" in done.text
    assert motto(both) == "one"
    assert would_change(both, ONE) == set(), "not even the Job of its migration, which is long gone"
    assert {"rollout-canary", "rollout-step-50-record", "rollout-stable"} <= would_change(both, OTHER)


def test_the_history_tells_each_release_its_gates_and_who_went_back(both: Stack) -> None:
    table = both.command("history")

    assert table.status == 0, table.text
    assert all(len(line) <= 120 for line in table.text.splitlines())
    rows = [line for line in table.text.splitlines() if re.match(r"\s*\d+ ", line)]
    assert any("verified" in row for row in rows)
    number = rows[0].split()[0]
    shown = both.command("history", "--release", number)
    assert shown.status == 0, shown.text
    assert "started" in shown.text
