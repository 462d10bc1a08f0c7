"""The guide's escalation: who is told of a problem, and when, decided without a clock of its own."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cluster.history.entry import Entry
from notify.escalation import (
    Acknowledgement,
    Action,
    Problem,
    acknowledgements_in,
    actions_in,
    due,
    next_due,
)
from tests.notify.world import NOW

WITHIN = timedelta(minutes=15)
FIRST, PAGE = Action.TELL_FIRST, Action.PAGE_ON_CALL
INCIDENT = (Action.DECLARE_INCIDENT, Action.CALL_RESPONSE_TEAM)
PROBLEM = Problem(NOW, critical=False, users_hurt=True)
CRITICAL = Problem(NOW, critical=True, users_hurt=True)


def after(minutes: float) -> timedelta:
    return timedelta(minutes=minutes)


def acknowledged(minutes: float) -> list[Acknowledgement]:
    return [Acknowledgement(NOW + after(minutes), "Ann", "Slack")]


@pytest.mark.parametrize(
    ("problem", "minutes", "acknowledged_after", "taken", "expected"),
    [
        (None, 60, None, (), ()),
        (PROBLEM, 0, None, (), (FIRST,)),
        (PROBLEM, 0, None, (FIRST,), ()),
        (PROBLEM, 14.99, None, (FIRST,), ()),
        (PROBLEM, 15, None, (FIRST,), (PAGE,)),
        (PROBLEM, 60, None, (FIRST, PAGE), ()),
        (PROBLEM, 60, None, (), (FIRST, PAGE)),
        (PROBLEM, 60, 3, (FIRST,), ()),
        (PROBLEM, 60, 0, (FIRST,), ()),
        (PROBLEM, 60, -1, (FIRST,), (PAGE,)),
        (Problem(NOW, critical=True, users_hurt=False), 0, None, (), (FIRST,)),
        (CRITICAL, 0, None, (), (FIRST, *INCIDENT)),
        (CRITICAL, 1, 1, (FIRST,), INCIDENT),
        (CRITICAL, 15, None, (FIRST, *INCIDENT), (PAGE,)),
    ],
)
def test_what_is_due(
    problem: Problem | None,
    minutes: float,
    acknowledged_after: float | None,
    taken: tuple[Action, ...],
    expected: tuple[Action, ...],
) -> None:
    given = [] if acknowledged_after is None else acknowledged(acknowledged_after)
    assert due(problem, given, taken, NOW + after(minutes), WITHIN) == expected


def test_it_is_said_when_to_look_again() -> None:
    assert next_due(None, [], (), WITHIN) is None
    assert next_due(PROBLEM, [], (), WITHIN) == NOW
    assert next_due(PROBLEM, [], (FIRST,), WITHIN) == NOW + WITHIN
    assert next_due(PROBLEM, acknowledged(1), (FIRST,), WITHIN) is None
    assert next_due(PROBLEM, [], (FIRST, PAGE), WITHIN) is None
    assert next_due(CRITICAL, acknowledged(1), (FIRST,), WITHIN) == NOW


def test_only_what_was_done_about_this_problem_counts() -> None:
    def entry(minutes: float, outcome: str, action: Action) -> Entry:
        return Entry(NOW + after(minutes), "escalated", {"actions": [action.value], "outcome": outcome})

    entries = [
        entry(-5, "done", FIRST),
        entry(1, "failed: PagerDuty: it answers 503", PAGE),
        entry(2, "done", Action.DECLARE_INCIDENT),
        Entry(NOW + after(-3), "acknowledged", {"by": "Ann", "through": "Slack"}),
        Entry(NOW + after(3), "acknowledged", {"by": "Ben", "through": "PagerDuty"}),
        Entry(NOW + after(4), "gate", {"step": "10 %"}),
    ]
    assert actions_in(entries, NOW) == {Action.DECLARE_INCIDENT}
    assert acknowledgements_in(entries, NOW) == [Acknowledgement(NOW + after(3), "Ben", "PagerDuty")]
