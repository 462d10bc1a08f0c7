"""What people read: what, which version, where, why and the next command, and how bad a problem is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cluster.history.entry import Entry
from notify.escalation import Problem
from notify.message import LONGEST_TEXT, Message, Place, What
from notify.story import Notice, Story, problem_in
from tests.notify.world import ERRORS, NOW

PLACE = Place("prod", "production", "release-manager-prod")
FAILING_STEP = {"step": "50 %", "verdict": "FAIL", "reason": "errors", "hurt": 15}
UNKNOWN_STEP = {"step": "50 %", "verdict": "TOO_FEW", "reason": "3 requests", "hurt": 0}
PASSED_STEP = {"step": "10 %", "verdict": "PASS", "reason": "errors ruled out", "hurt": 2}
FAILING_HEALTH = {"step": "health", "verdict": "FAIL", "reason": "/health: status"}
BACK = {"cause": ERRORS, "outcome": "PASS: v1 serves again"}
NOT_BACK = {"cause": ERRORS, "outcome": "UNREACHABLE: THE ROLLBACK FAILED TOO: no answer"}
NOTHING = {"cause": ERRORS, "outcome": "NO_DATA: It is the first release here"}
BY_HAND = {"by": "ana", "to": "v1", "cause": "taken back by hand, by ana", "outcome": "PASS: v1 serves again"}
FAILED, HELD, VERIFIED = ({"outcome": name, "cause": "why"} for name in ("failed", "held", "verified"))


def told(*entries: tuple[str, dict[str, Any]], critical_hurt: int = 100) -> Notice:
    story = Story(PLACE, "v2", "abc", critical_hurt, number=12)
    notices = [story.hear(kind, facts, NOW) for kind, facts in entries]
    assert notices[-1] is not None
    return notices[-1]


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        (
            [("started", {"by": "ana", "from": "v1", "strategy": "canary", "steps": [10, 100]})],
            (
                "release v2 has started in production (stack prod): by ana, from v1, strategy canary,"
                " steps 10 %, 100 %. Next: make history STACK=prod RELEASE=12"
            ),
        ),
        (
            [("started", {"by": "ana", "from": ""})],
            (
                "release v2 has started in production (stack prod): by ana, the first release here."
                " Next: make history STACK=prod RELEASE=12"
            ),
        ),
        (
            [("resumed", {"by": "ben"})],
            "release v2 goes on in production (stack prod): by ben. Next: make history STACK=prod RELEASE=12",
        ),
        (
            [("gate", PASSED_STEP)],
            (
                "release v2 has passed step 10 % in production (stack prod): errors ruled out."
                " Next: make history STACK=prod RELEASE=12"
            ),
        ),
        (
            [("finished", {"outcome": "verified", "cause": ""})],
            (
                "release v2 is verified in production (stack prod): every check has passed."
                " Next: make rollback STACK=prod goes back"
            ),
        ),
        (
            [("gate", UNKNOWN_STEP), ("finished", HELD)],
            (
                "release v2 is held in production (stack prod): why."
                " Next: make up STACK=prod measures again, make rollback STACK=prod takes it back"
            ),
        ),
        (
            [("gate", FAILING_STEP), ("rollback", BACK), ("finished", FAILED)],
            (
                "release v2 was taken back in production (stack prod): why; v1 serves again (15 requests were hurt)."
                " Next: make history STACK=prod RELEASE=12"
            ),
        ),
        (
            [("gate", FAILING_STEP), ("rollback", NOT_BACK), ("finished", FAILED)],
            (
                "release v2 has failed in production (stack prod): why; THE ROLLBACK FAILED TOO: no answer"
                " (15 requests were hurt). Next: make rollback STACK=prod"
            ),
        ),
    ],
)
def test_every_message_says_what_where_why_and_what_next(entries: list[tuple[str, dict[str, Any]]], text: str) -> None:
    assert told(*entries).message.text == text


@pytest.mark.parametrize(
    ("entries", "critical", "users_hurt"),
    [
        ([("gate", UNKNOWN_STEP), ("finished", HELD)], False, False),
        ([("gate", FAILING_STEP), ("finished", HELD)], True, True),
        ([("gate", FAILING_STEP), ("rollback", BACK), ("finished", FAILED)], False, True),
        ([("gate", {**FAILING_STEP, "hurt": 100}), ("rollback", BACK), ("finished", FAILED)], True, True),
        ([("gate", {**FAILING_STEP, "hurt": 0}), ("rollback", NOT_BACK), ("finished", FAILED)], True, False),
        ([("gate", FAILING_STEP), ("rollback", NOT_BACK), ("finished", FAILED)], True, True),
        ([("gate", FAILING_HEALTH), ("rollback", BACK), ("finished", FAILED)], False, True),
        ([("gate", FAILING_HEALTH), ("rollback", NOTHING), ("finished", FAILED)], True, True),
        ([("gate", PASSED_STEP), ("gate", FAILING_HEALTH), ("rollback", BACK), ("finished", FAILED)], False, True),
        ([("finished", FAILED)], True, False),
    ],
)
def test_how_bad_a_problem_is(entries: list[tuple[str, dict[str, Any]]], critical: bool, users_hurt: bool) -> None:  # noqa: FBT001
    found = told(*entries).problem
    assert found == Problem(NOW, critical=critical, users_hurt=users_hurt)
    assert problem_in([Entry(NOW, kind, facts) for kind, facts in entries], 100) == found


def test_a_person_who_goes_back_by_hand_has_taken_the_problem_on() -> None:
    failed: list[tuple[str, dict[str, Any]]] = [("gate", FAILING_STEP), ("rollback", NOT_BACK), ("finished", FAILED)]
    entries = [Entry(NOW + timedelta(seconds=n), kind, facts) for n, (kind, facts) in enumerate(failed)]
    assert problem_in(entries, 100) is not None
    assert problem_in([*entries, Entry(NOW, "rollback", BY_HAND)], 100) is None
    assert told(("gate", PASSED_STEP), ("rollback", BY_HAND), ("finished", FAILED)).problem is None


def test_a_release_that_goes_on_has_no_problem() -> None:
    entries: list[tuple[str, dict[str, Any]]] = [
        ("started", {}),
        ("gate", PASSED_STEP),
        ("told", {"outcome": "done"}),
        ("finished", VERIFIED),
    ]
    assert problem_in([Entry(NOW, kind, facts) for kind, facts in entries], 100) is None


def test_a_long_reason_is_cut_and_what_to_do_next_is_not() -> None:
    message = Message(What.FAILED, "has failed", "v" * 5000, PLACE, "why\n" * 5000, "make rollback STACK=prod", NOW)
    assert len(message.text) <= LONGEST_TEXT
    assert message.text.endswith("…. Next: make rollback STACK=prod")
    assert "\n" not in message.text
