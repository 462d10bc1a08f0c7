"""Item 13: PagerDuty says who is on call now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import httpx
from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from checks.reader import Unreachable
from checks.waiting import Clock
from concerns.checklist_sources import OnCallSettings
from concerns.notify import PagerDutySettings
from evidence.checklist.proof import Proof, Prover, State
from evidence.checklist.service import SKEW, ask, duration, not_set, unanswered
from notify.channels import Connect

NAME = "PagerDuty"
MOST_ENTRIES = 100
SCHEDULES = "schedule_ids[]"


class _Reference(BaseModel):
    summary: str = Field(min_length=1)
    html_url: str | None = None


class _Entry(BaseModel):
    user: _Reference
    schedule: _Reference | None = None
    escalation_policy: _Reference | None = None
    escalation_level: int = 1
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None


class _OnCalls(BaseModel):
    oncalls: list[_Entry]


@dataclass(frozen=True)
class _Question:
    rest_api: str
    token: str = field(default="", repr=False)
    parameter: str = ""
    wanted: str = ""
    what: str = ""

    @property
    def of_schedule(self) -> bool:
        return self.parameter == SCHEDULES

    @property
    def request(self) -> httpx.Request:
        headers = {
            "Authorization": f"Token token={self.token}",
            "Accept": "application/vnd.pagerduty+json;version=2",
            "Content-Type": "application/json",
        }
        asked = {self.parameter: self.wanted, "limit": str(MOST_ENTRIES), "time_zone": "UTC"}
        return httpx.Request("GET", f"{self.rest_api}/oncalls", params=asked, headers=headers)


def on_call_prover(
    wanted: OnCallSettings | None,
    pagerduty: PagerDutySettings | None,
    *,
    stack: str,
    connect: Connect,
    clock: Clock,
    wall_clock: Callable[[], datetime],
) -> Prover:
    """Return what proves that somebody is on call. Who it is, and until when, is shown and changes with every shift."""
    if wanted is None:
        return lambda: not_set("checklist.on_call", stack, "whose shifts count")
    if pagerduty is None or pagerduty.token is None:
        return lambda: not_set("notify.pagerduty.token", stack, "by which key PagerDuty is asked")
    rest_api, token = str(pagerduty.rest_api).rstrip("/"), pagerduty.token.get_secret_value()
    if wanted.schedule is not None:
        question = _Question(rest_api, token, SCHEDULES, wanted.schedule, f"schedule {wanted.schedule}")
    else:
        policy = wanted.escalation_policy or ""
        question = _Question(rest_api, token, "escalation_policy_ids[]", policy, f"escalation policy {policy}")

    def prove() -> Proof:
        try:
            with connect(rest_api) as client:
                entries = _entries(ask(NAME, client, question.request, clock).body)
        except Unreachable as error:
            closes = "see that PagerDuty answers, and that notify.pagerduty.token is a REST API key that may read"
            return unanswered(f"{NAME}, {question.what}", error, closes)
        return _judge(entries, question, wall_clock())

    return prove


def _entries(body: object) -> Sequence[_Entry]:
    try:
        return _OnCalls.model_validate(body).oncalls
    except ValidationError as error:
        raise Unreachable(f"{NAME} answers nonsense: no list of who is on call") from error


def _judge(entries: Sequence[_Entry], question: _Question, now: datetime) -> Proof:
    first = min((each.escalation_level for each in entries), default=1)
    on_call = [each for each in entries if each.escalation_level == first and _is_now(each, now)]
    source = f"{NAME}, {question.what}"
    if not on_call:
        closes = f"put somebody on call in {question.what}, or name another in checklist.on_call"
        return Proof(State.MISSING, source, "nobody is on call", closes=closes)
    place = on_call[0].schedule if question.of_schedule else on_call[0].escalation_policy
    named = f" ({place.summary})" if place is not None else ""
    seen = ", ".join(dict.fromkeys(_shift(each, now) for each in on_call))
    link = (place.html_url or "") if place is not None else ""
    return Proof(State.PROVEN, source, f"somebody is on call{named}", seen=seen, link=link)


def _is_now(entry: _Entry, now: datetime) -> bool:
    return (entry.start is None or entry.start <= now + SKEW) and (entry.end is None or entry.end > now)


def _shift(entry: _Entry, now: datetime) -> str:
    if entry.end is None:
        return f"{entry.user.summary}, without an end"
    return f"{entry.user.summary} for another {duration(entry.end - now)}"
