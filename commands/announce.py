"""Tells the stakeholders in Slack when a release goes out and for how long, and keeps that they were told."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cluster.errors import ClusterError
from concerns.secrets import ENCRYPTED_ELSEWHERE
from evidence.checklist.announcement_item import Announcement, Announcements
from notify.slack import Slack
from settings import Settings

TOKEN = "SLACK_TOKEN"  # noqa: S105  (the name of a variable)


@dataclass(frozen=True)
class Plan:
    """What is announced: which version, and for how many minutes."""

    version: str
    minutes: int


def slack_token(settings: Settings) -> str:
    """Return the token of Slack. Raises ClusterError where the stack names no Slack, or only the engine can read it."""
    wanted, stack = settings.notify.slack, settings.environment
    if wanted is None:
        raise ClusterError(
            f"stack {stack} names no Slack to announce a release in",
            mend="set notify.slack, or announce it elsewhere and name the link as `announcement` in the release file",
        )
    found = wanted.token.get_secret_value()
    token = os.environ.get(TOKEN, "") if found == ENCRYPTED_ELSEWHERE else found
    if not token:
        raise ClusterError(
            f"the token of Slack is encrypted in the file of stack {stack}, and the engine does not tell it here",
            mend=f"see that pulumi config works, or give it: {TOKEN}=<token> make announce STACK={stack}",
        )
    return token


def announce(
    settings: Settings,
    slack: Slack,
    announcements: Announcements,
    plan: Plan,
    *,
    by: str,
    wall_clock: Callable[[], datetime],
) -> list[str]:
    """Post the announcement, keep it, and return what a person reads.

    Raises NotTold where Slack does not take it, ClusterError or Unreachable where it cannot be kept.
    """
    now = wall_clock()
    where = f"{settings.cluster.namespace} (stack {settings.environment})"
    text = (
        f"release {plan.version} goes to {where} {_when(settings, now)}, for about {plan.minutes} minutes;"
        f" announced by {by}"
    )
    message = slack.announce(text)
    announcements.add(Announcement(version=plan.version, channel=message["channel"], ts=message["ts"], by=by, at=now))
    return [text, f"posted to {slack.channel}; {announcements.name} keeps it"]


def _when(settings: Settings, now: datetime) -> str:
    window = settings.approval.window
    if window is None:
        return "as soon as it is approved"
    start, end = window.opening(now)
    return f"on {start:%A %Y-%m-%d} between {start:%H:%M} and {end:%H:%M} ({window.timezone})"
