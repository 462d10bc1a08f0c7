"""A release begins only in its window, and only if it can end in it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from concerns.window import WindowSettings
from evidence.checklist.proof import Proof, State
from evidence.checklist.window_item import window_prover
from tests.evidence.checklist.services import says_what_closes

WINDOW = WindowSettings(start="22:00", minutes=30, timezone="UTC")
VALUE = "daily at 22:00 for 30 minutes (UTC)"


def look(hour: int, minute: int, estimated: int | None = 20, window: WindowSettings | None = WINDOW) -> Proof:
    now = datetime(2024, 5, 14, hour, minute, tzinfo=UTC)
    return window_prover(window, estimated_minutes=estimated, stack="prod", wall_clock=lambda: now)()


def test_without_a_window_none_is_required() -> None:
    proof = look(12, 0, estimated=None, window=None)
    assert (proof.state, proof.value) == (State.PROVEN, "none is required")


@pytest.mark.parametrize(("minute", "left"), [(0, 30), (5, 25), (10, 20)])
def test_inside_with_time_left_is_proven_by_text_that_does_not_change(minute: int, left: int) -> None:
    proof = look(22, minute)
    assert (proof.state, proof.value) == (State.PROVEN, f"{VALUE}; the plan takes 20 minutes")
    assert proof.seen == f"open, {left} minutes are left"


def test_inside_with_too_little_time_left_is_open() -> None:
    proof = look(22, 11)
    assert says_what_closes(proof, State.MISSING)
    assert proof.value == f"{VALUE}; too little of it is left for the 20 minutes of the plan"
    assert proof.seen == "19 minutes are left; opens again Wednesday 2024-05-15 22:00 (UTC)"


@pytest.mark.parametrize(
    ("hour", "minute", "seen"),
    [
        (21, 59, "opens Tuesday 2024-05-14 22:00 (UTC), in 1 min"),
        (22, 30, "opens Wednesday 2024-05-15 22:00 (UTC), in 23 h 30 min"),
    ],
)
def test_outside_says_when_it_opens(hour: int, minute: int, seen: str) -> None:
    proof = look(hour, minute)
    assert says_what_closes(proof, State.MISSING)
    assert (proof.value, proof.seen) == (f"{VALUE}; it is closed", seen)


def test_a_plan_that_never_fits_is_told_at_any_time() -> None:
    for hour in (12, 22):
        proof = look(hour, 0, estimated=31)
        assert says_what_closes(proof, State.MISSING)
        assert "never fits" in proof.value
        assert "Pulumi.prod.yaml" in proof.closes


def test_without_an_estimate_nobody_knows_whether_it_fits() -> None:
    proof = look(22, 0, estimated=None)
    assert says_what_closes(proof, State.UNKNOWN)
    assert "release file" in proof.closes
    assert look(12, 0, estimated=None).state is State.MISSING


def test_the_days_are_named_in_the_order_of_the_week() -> None:
    window = WindowSettings(start="22:00", minutes=30, timezone="Europe/Berlin", days=("thursday", "tuesday"))
    proof = look(20, 5, window=window)
    assert proof.state is State.PROVEN
    assert proof.value.startswith("tuesday, thursday at 22:00 for 30 minutes (Europe/Berlin)")
