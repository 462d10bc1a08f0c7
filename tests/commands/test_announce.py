"""`make announce` tells the stakeholders once, and item 12 of the checklist finds that it did."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from cluster.errors import ClusterError
from commands.announce import Plan, announce, slack_token
from evidence.checklist.announcement_item import Announcements
from notify import slack
from notify.sending import NotTold, Sender
from tests.cluster.api_server import ApiServer
from tests.fake_time import FakeTime
from tests.recorded import NAME
from tests.stack_values import settings_of

NOW = datetime(2031, 5, 14, 9, 30, tzinfo=UTC)
WINDOW = {"start": "22:00", "minutes": 30, "timezone": "UTC"}
SLACK = {"channel": "C0RELEASES", "token": "xoxb-a-secret"}


class Posted:
    """Slack, which takes every message, or refuses each with `error`."""

    def __init__(self, error: str = "") -> None:
        self.error = error
        self.bodies: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(json.loads(request.content))
        if self.error:
            return httpx.Response(200, json={"ok": False, "error": self.error})
        return httpx.Response(200, json={"ok": True, "channel": "C0RELEASES", "ts": "1715679000.000100"})


def announced(posted: Posted, server: ApiServer) -> list[str]:
    sender = Sender("Slack", httpx.Client(transport=httpx.MockTransport(posted)), FakeTime().clock, slack.MEND)
    return announce(
        settings_of(notify={"slack": SLACK}, approval={"required": True, "approvers": ["ann"], "window": WINDOW}),
        slack.Slack(sender, "https://slack.com/api", "C0RELEASES", "xoxb-a-secret", {}),
        Announcements(server.cluster(), NAME),
        Plan("v2031.05.14", 20),
        by="ann",
        wall_clock=lambda: NOW,
    )


def test_everybody_reads_what_when_where_and_for_how_long_and_it_is_kept() -> None:
    posted, server = Posted(), ApiServer()
    lines = announced(posted, server)
    [body] = posted.bodies
    assert body["text"] == lines[0]
    assert lines[0] == (
        "release v2031.05.14 goes to staging (stack staging) on Wednesday 2031-05-14 between 22:00 and 22:30 (UTC),"
        " for about 20 minutes; announced by ann"
    )
    kept = Announcements(server.cluster(), NAME).of("v2031.05.14")
    assert kept is not None
    assert (kept.channel, kept.ts, kept.by, kept.at) == ("C0RELEASES", "1715679000.000100", "ann", NOW)


def test_what_slack_does_not_take_is_not_kept() -> None:
    posted, server = Posted("channel_not_found"), ApiServer()
    with pytest.raises(NotTold, match="channel_not_found"):
        announced(posted, server)
    assert Announcements(server.cluster(), NAME).of("v2031.05.14") is None


def test_a_token_that_only_the_engine_reads_is_asked_for_as_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    encrypted = settings_of(notify={"slack": {**SLACK, "token": "(a secret)"}})
    monkeypatch.delenv("SLACK_TOKEN", raising=False)
    with pytest.raises(ClusterError, match="the engine does not tell it here") as caught:
        slack_token(encrypted)
    assert "SLACK_TOKEN=<token> make announce STACK=staging" in str(caught.value)
    monkeypatch.setenv("SLACK_TOKEN", "xoxb-given")
    assert slack_token(encrypted) == "xoxb-given"


def test_a_stack_without_slack_says_what_else_there_is() -> None:
    with pytest.raises(ClusterError, match="name the link as `announcement` in the release file"):
        slack_token(settings_of())
