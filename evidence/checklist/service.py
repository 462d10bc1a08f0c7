"""What the items have in common that ask somebody else's service: one question, bounded, and what to say without it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import httpx

from checks.reader import Unreachable
from checks.waiting import Clock
from evidence.checklist.proof import Proof, State
from notify.sending import Answer, NotTold, Sender, refused

# A preview may become three seconds longer by the whole checklist, all items at the same time. In whole seconds, as
# Prometheus takes no others for a time-out.
ANSWER_SECONDS = 2.0
ATTEMPTS = 2
# Clocks of two machines differ; what is further ahead than this is nonsense.
SKEW = timedelta(minutes=5)
# What an answer makes of the code that reads it where it is not of the form that the service promises.
NONSENSE = (ValueError, KeyError, TypeError, AttributeError)


def ask(
    name: str, client: httpx.Client, request: httpx.Request, clock: Clock, *, accepted: Collection[int] = ()
) -> Answer:
    """Return the answer of service `name`: one of success, or with a status of `accepted`. Raises Unreachable.

    Asks again where that may help, within ANSWER_SECONDS in all. The error holds neither token nor body.
    """
    sender = Sender(name, client, clock, mend="", attempts=ATTEMPTS, deadline_seconds=ANSWER_SECONDS)
    try:
        return sender.send(request, lambda answer: "" if answer.status in accepted else refused(answer))
    except NotTold as error:
        raise Unreachable(str(error).rstrip("; ")) from error


def unanswered(source: str, error: Exception, closes: str) -> Proof:
    """Return that nobody knows, as `source` gave no usable answer. What the error itself says mends it goes first.

    `closes` says what to look at where the error says nothing of that.
    """
    what, mend = without_mend(error)
    return Proof(State.UNKNOWN, source, "it gives no usable answer", seen=what, closes=mend or closes)


def without_mend(error: Exception) -> tuple[str, str]:
    """Return what an error says is wrong, on one line, and what it says mends that, which may be empty."""
    what, _, mend = " ".join(str(error).split()).partition(". To mend it: ")
    return what or type(error).__name__, mend


def not_set(setting: str, stack: str, what: str) -> Proof:
    """Return that nothing says where the proof is: `setting` does not say `what`."""
    closes = f"set {setting} in Pulumi.{stack}.yaml, or let a named person state the item"
    return Proof(State.MISSING, setting, f"it does not say {what}", closes=closes)


def duration(time: timedelta) -> str:
    """Return a length of time in the two largest units that it has."""
    minutes = round(abs(time.total_seconds()) / 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def moment(text: object) -> datetime | None:
    """Return the moment that a service wrote in ISO 8601, or None for anything else, or one without a time zone."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
