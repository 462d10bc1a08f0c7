"""To whom a problem climbs, and when: a decision on what is known, without a clock or a network of its own.

The guide's rules: the release manager at once; no acknowledgement in 15 minutes: page the on-call engineer; critical
and affecting users: declare an incident and call the incident response team.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cluster.history.entry import Entry

# Kinds of entries of a release's record.
ESCALATED, ACKNOWLEDGED = "escalated", "acknowledged"
DONE = "done"


class Action(StrEnum):
    """What is done about a problem; each once."""

    TELL_FIRST = "tell the release manager"
    PAGE_ON_CALL = "page the on-call engineer"
    DECLARE_INCIDENT = "declare an incident"
    CALL_RESPONSE_TEAM = "call the incident response team"


@dataclass(frozen=True)
class Problem:
    """A release that did not go on, since when, and how bad that is."""

    at: datetime
    critical: bool
    users_hurt: bool


@dataclass(frozen=True)
class Acknowledgement:
    """Somebody has taken a problem on; `through` is where they said so."""

    at: datetime
    by: str
    through: str


def at_once(problem: Problem) -> tuple[Action, ...]:
    """Return what is done about a problem without waiting for anybody."""
    if problem.critical and problem.users_hurt:
        return (Action.TELL_FIRST, Action.DECLARE_INCIDENT, Action.CALL_RESPONSE_TEAM)
    return (Action.TELL_FIRST,)


def due(
    problem: Problem | None,
    acknowledgements: Collection[Acknowledgement],
    taken: Collection[Action],
    now: datetime,
    acknowledge_within: timedelta,
) -> tuple[Action, ...]:
    """Return what is to be done at `now` and was not `taken` yet; nothing without a problem.

    An acknowledgement from before the problem is of another one, and does not count.
    """
    if problem is None:
        return ()
    actions = list(at_once(problem))
    if not _acknowledged(problem, acknowledgements) and now - problem.at >= acknowledge_within:
        actions.append(Action.PAGE_ON_CALL)
    return tuple(action for action in actions if action not in taken)


def next_due(
    problem: Problem | None,
    acknowledgements: Collection[Acknowledgement],
    taken: Collection[Action],
    acknowledge_within: timedelta,
) -> datetime | None:
    """Return when the next thing is to be done if nobody does anything, or None where nothing is to come."""
    if problem is None:
        return None
    if any(action not in taken for action in at_once(problem)):
        return problem.at
    if Action.PAGE_ON_CALL in taken or _acknowledged(problem, acknowledgements):
        return None
    return problem.at + acknowledge_within


def actions_in(entries: Sequence[Entry], since: datetime) -> frozenset[Action]:
    """Return what a release's record says was done since then; what failed was not."""
    named = [
        name
        for entry in entries
        if entry.at >= since and entry.kind == ESCALATED and entry.facts.get("outcome") == DONE
        for name in entry.facts.get("actions", ())
    ]
    return frozenset(action for action in Action if action.value in named)


def acknowledgements_in(entries: Sequence[Entry], since: datetime) -> list[Acknowledgement]:
    """Return who has acknowledged since then, by a release's record."""
    return [
        Acknowledgement(entry.at, str(entry.facts.get("by", "")), str(entry.facts.get("through", "")))
        for entry in entries
        if entry.at >= since and entry.kind == ACKNOWLEDGED
    ]


def _acknowledged(problem: Problem, acknowledgements: Collection[Acknowledgement]) -> bool:
    return any(each.at >= problem.at for each in acknowledgements)
