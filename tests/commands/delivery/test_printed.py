"""The last line of an update says why it ended: what it was, and not what only follows from it."""

from __future__ import annotations

import pytest

from commands.delivery.printed import Printed

HOOK = 'before hook "rollout-step-10-gate" failed: '
TAKEN_BACK = "release v2 was taken back in production at step 10 %: FAIL: 9 of 90 requests"
# What the engine says under a plan of each step that a failed update did not come to.
FOLLOWS = (
    "    error: expected resource operations for urn:pulumi:prod::release-manager::verification but none were seen"
)
VIOLATES = "    error: resource urn:pulumi:prod::x violates plan: properties changed: ~~data[{v1}!={v2}]"
NOT_ALLOWED = "    error: update is not allowed by the plan: this resource is constrained to same"
BEGUN = "Updating (prod):"


def test_a_release_that_was_taken_back_is_no_plan_that_does_not_fit() -> None:
    lines = [
        BEGUN,
        f" ~  kubernetes:core/v1:ConfigMap step updating (1s) [diff: ~data]; error: {HOOK}{TAKEN_BACK}",
        f"    error: {HOOK}{TAKEN_BACK}",
        FOLLOWS,
        "    error: update failed",
    ]
    printed = Printed(lines)
    assert (printed.begun, printed.not_as_planned, printed.reason) == (True, False, TAKEN_BACK)


@pytest.mark.parametrize("line", [VIOLATES, NOT_ALLOWED])
def test_what_the_plan_does_not_have_is_told(line: str) -> None:
    printed = Printed(["Previewing update (prod):", line, "    error: preview failed"])
    assert (printed.begun, printed.not_as_planned) == (False, True)
    assert printed.reason in line


def test_steps_that_never_came_are_not_as_planned_where_nothing_else_went_wrong() -> None:
    assert Printed([BEGUN, FOLLOWS, "    error: update failed"]).not_as_planned


def test_without_a_word_there_is_no_reason() -> None:
    printed = Printed([BEGUN, "    error: update failed"])
    assert (printed.not_as_planned, printed.reason) == (False, "")


def test_a_cluster_that_is_not_reached_is_told_without_the_advice_to_forget_it() -> None:
    text = "failed to read resource state due to unreachable cluster. If the cluster was deleted, you can remove this"
    found = Printed([f"    error: Preview failed: {text} resource", "    error: preview failed"]).reason
    assert "the kubeconfig that the state names" in found
    assert "docs/backends.md" in found
