"""Somebody is on call only if PagerDuty says so now; who it is makes no difference from shift to shift."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from concerns.checklist_sources import OnCallSettings
from concerns.notify import PagerDutySettings
from evidence.checklist.on_call_item import on_call_prover
from evidence.checklist.proof import Proof, State
from evidence.checklist.service import ANSWER_SECONDS
from tests.cluster.api_server import Failure
from tests.evidence.checklist.services import DOWN, NONSENSE, NOW, Web, ago, iso, says_what_closes, wall_clock

TOKEN = "not-a-real-rest-token"
PAGERDUTY = PagerDutySettings(routing_key=SecretStr("not-a-real-key"), token=SecretStr(TOKEN))
SCHEDULE = OnCallSettings(schedule="PSCHED1")
POLICY = OnCallSettings(escalation_policy="PPOLICY1")


def entry(user: str, *, hours: float | None = 2, level: int = 1, begun: float = 3) -> dict[str, Any]:
    """Return one on-call as PagerDuty has it."""
    end = None if hours is None else iso(ago(hours=-hours))
    return {
        "user": {"id": "PUSER", "type": "user_reference", "summary": user, "html_url": "https://x.pagerduty.com/u"},
        "schedule": {"id": "PSCHED1", "summary": "Primary", "html_url": "https://x.pagerduty.com/schedules/PSCHED1"},
        "escalation_policy": {"id": "PPOLICY1", "summary": "Release", "html_url": "https://x.pagerduty.com/p"},
        "escalation_level": level,
        "start": None if hours is None else iso(ago(hours=begun)),
        "end": end,
    }


def oncalls(*entries: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, json={"oncalls": list(entries), "limit": 100, "offset": 0, "more": False})


def prove(
    answer: Failure,
    wanted: OnCallSettings | None = SCHEDULE,
    pagerduty: PagerDutySettings | None = PAGERDUTY,
) -> tuple[Proof, Web]:
    web = Web(lambda _request: answer)
    prover = on_call_prover(
        wanted, pagerduty, stack="prod", connect=web.connect, clock=web.time.clock, wall_clock=wall_clock
    )
    return prover(), web


def test_who_is_on_call_is_shown_and_not_kept() -> None:
    proof, web = prove(oncalls(entry("Ann Example")))
    assert proof.state is State.PROVEN
    assert (proof.source, proof.value) == ("PagerDuty, schedule PSCHED1", "somebody is on call (Primary)")
    assert proof.seen == "Ann Example for another 2 h 0 min"
    assert proof.link == "https://x.pagerduty.com/schedules/PSCHED1"
    (request,) = web.requests
    assert request.url.path == "/oncalls"
    assert request.url.params.get_list("schedule_ids[]") == ["PSCHED1"]
    assert request.headers["Authorization"] == f"Token token={TOKEN}"


def test_the_next_shift_changes_nothing_but_what_is_shown() -> None:
    first, _ = prove(oncalls(entry("Ann Example")))
    second, _ = prove(oncalls(entry("Ben Example", hours=8)))
    assert first.seen != second.seen
    assert (first.state, first.value, first.source, first.link) == (
        second.state,
        second.value,
        second.source,
        second.link,
    )


def test_of_a_policy_its_first_level_counts() -> None:
    proof, web = prove(oncalls(entry("Eve", level=2), entry("Ann"), entry("Ann")), POLICY)
    assert (proof.value, proof.seen) == ("somebody is on call (Release)", "Ann for another 2 h 0 min")
    assert web.requests[0].url.params.get_list("escalation_policy_ids[]") == ["PPOLICY1"]


def test_who_is_always_on_call_has_no_end() -> None:
    assert prove(oncalls(entry("Ann", hours=None)))[0].seen == "Ann, without an end"


@pytest.mark.parametrize("entries", [[], [entry("Ann", hours=-1)], [entry("Ann", begun=-1)]])
def test_nobody_on_call_now_is_missing(entries: list[dict[str, Any]]) -> None:
    proof, _ = prove(oncalls(*entries))
    assert says_what_closes(proof, State.MISSING)
    assert proof.value == "nobody is on call"


@pytest.mark.parametrize("answer", DOWN)
def test_a_service_that_is_down_leaves_it_unknown(answer: Failure) -> None:
    proof, web = prove(answer)
    assert says_what_closes(proof, State.UNKNOWN)
    assert "PagerDuty" in proof.seen
    assert web.time.passed <= ANSWER_SECONDS


@pytest.mark.parametrize(
    "answer",
    [
        *NONSENSE,
        httpx.Response(200, json={"oncalls": "Ann"}),
        httpx.Response(200, json={"oncalls": [{"user": {"summary": ""}}]}),
        httpx.Response(200, json={"oncalls": [{"user": {"summary": "Ann"}, "end": "tomorrow"}]}),
    ],
)
def test_nonsense_is_not_taken_for_nobody(answer: Failure) -> None:
    assert says_what_closes(prove(answer)[0], State.UNKNOWN)


def test_what_is_not_configured_is_missing() -> None:
    assert "checklist.on_call" in prove(oncalls(), None)[0].closes
    for without in (None, PAGERDUTY.model_copy(update={"token": None})):
        proof, web = prove(oncalls(entry("Ann")), SCHEDULE, without)
        assert says_what_closes(proof, State.MISSING)
        assert "notify.pagerduty.token" in proof.closes
        assert web.requests == []


@pytest.mark.parametrize("given", [{}, {"schedule": "PSCHED1", "escalation_policy": "PPOLICY1"}])
def test_exactly_one_of_schedule_and_policy(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="exactly one of: schedule, escalation_policy"):
        OnCallSettings.model_validate(given)


def test_the_token_stands_in_no_text_of_the_prover() -> None:
    prover = on_call_prover(
        SCHEDULE,
        PAGERDUTY,
        stack="prod",
        connect=Web(lambda _request: oncalls()).connect,
        clock=Web(lambda _request: oncalls()).time.clock,
        wall_clock=lambda: NOW,
    )
    assert TOKEN not in repr(prover)
