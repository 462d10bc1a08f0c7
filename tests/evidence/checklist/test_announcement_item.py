"""Stakeholders were told only if a message about this very version is still where it was sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from cluster.errors import ClusterError
from cluster.history.history import History
from concerns.checklist_sources import AnnouncementSettings
from concerns.notify import SlackSettings
from evidence.checklist.announcement_item import KEPT, Announcement, Announcements, announcement_prover
from evidence.checklist.proof import Proof, State
from tests.cluster.api_server import ApiServer, Failure, config_map
from tests.evidence.checklist.services import DOWN, NONSENSE, NOW, Web, away, says_what_closes, wall_clock
from tests.recorded import NAME

SLACK = SlackSettings(channel="#releases", token=SecretStr("not-a-real-slack-token"))
TOLD_AT = NOW - timedelta(hours=3)
TS = f"{TOLD_AT.timestamp():.6f}"
LINK = f"https://example.slack.com/archives/C0RELEASES/p{TS.replace('.', '')}"
VERSION = "v2024.05.14"
MEND = "make announce STACK=prod"
RECORD = f"{NAME}-announcements"


def announcement(version: str = VERSION, ts: str = TS) -> Announcement:
    return Announcement(version=version, channel="C0RELEASES", ts=ts, by="Ann", at=TOLD_AT)


def found(link: str = LINK) -> httpx.Response:
    return httpx.Response(200, json={"ok": True, "channel": "C0RELEASES", "permalink": link})


def prove(
    server: ApiServer,
    answer: Failure | None = None,
    *,
    link: str = "",
    slack: SlackSettings | None = SLACK,
    **settings: Any,
) -> tuple[Proof, Web]:
    web = Web(lambda _request: answer or found())
    prover = announcement_prover(
        AnnouncementSettings(**settings) if settings else None,
        slack,
        version=VERSION,
        stack="prod",
        link=link,
        cluster=server.cluster(),
        deployment=NAME,
        connect=web.connect,
        clock=web.time.clock,
        wall_clock=wall_clock,
    )
    return prover(), web


@pytest.fixture
def announced() -> ApiServer:
    server = ApiServer()
    Announcements(server.cluster(), NAME).add(announcement())
    return server


def test_the_message_of_the_program_is_looked_up_and_linked(announced: ApiServer) -> None:
    proof, web = prove(announced)
    assert (proof.state, proof.link) == (State.PROVEN, LINK)
    assert proof.value == "announced by Ann at 2024-05-14 06:30 UTC"
    assert proof.seen == "3 h 0 min ago"
    (request,) = web.requests
    assert str(request.url.copy_with(query=None)) == "https://slack.com/api/chat.getPermalink"
    assert dict(request.url.params) == {"channel": "C0RELEASES", "message_ts": TS}
    assert request.headers["Authorization"] == "Bearer not-a-real-slack-token"


def test_without_slack_the_program_believes_its_own_record(announced: ApiServer) -> None:
    proof, web = prove(announced, slack=None)
    assert (proof.state, web.requests) == (State.PROVEN, [])


def test_the_message_of_an_attempt_before_counts_for_the_same_version_alone() -> None:
    server = ApiServer()
    history = History(server.cluster(), NAME)
    for number, version in ((1, "v2024.05.13"), (2, VERSION)):
        history.start(number, TOLD_AT, {"version": version})
        history.add(number, "told", TOLD_AT, {"slack_message": {"channel": "C0RELEASES", "ts": TS}})
    assert prove(server)[0].value == "told when attempt 2 began at 2024-05-14 06:30 UTC"
    history.delete(2)
    assert prove(server)[0].state is State.MISSING


@pytest.mark.parametrize("code", ["message_not_found", "channel_not_found"])
def test_a_message_that_was_deleted_tells_nobody(announced: ApiServer, code: str) -> None:
    proof, _ = prove(announced, httpx.Response(200, json={"ok": False, "error": code}))
    assert says_what_closes(proof, State.MISSING)
    assert "the message is gone" in proof.value
    assert MEND in proof.closes


def test_a_link_of_the_release_file_is_looked_up_too() -> None:
    proof, web = prove(ApiServer(), link=LINK)
    assert (proof.state, proof.link, proof.source) == (State.PROVEN, LINK, "Slack, by the release file")
    assert dict(web.requests[0].url.params) == {"channel": "C0RELEASES", "message_ts": TS}
    proof, _ = prove(ApiServer(), link=LINK, slack=None)
    assert says_what_closes(proof, State.UNKNOWN)


def test_a_link_to_another_place_counts_where_the_settings_name_the_place() -> None:
    link = "https://status.example.com/planned/17"
    proof, web = prove(ApiServer(), link=link, links=("https://status.example.com/",))
    assert (proof.state, proof.link, web.requests) == (State.PROVEN, link, [])
    proof, _ = prove(
        ApiServer(), link="https://status.example.com.evil.example/17", links=("https://status.example.com/",)
    )
    assert says_what_closes(proof, State.MISSING)
    assert "https://status.example.com/" in proof.closes


def test_nothing_told_is_missing_with_the_command() -> None:
    proof, _ = prove(ApiServer())
    assert says_what_closes(proof, State.MISSING)
    assert (proof.value, MEND in proof.closes) == (f"{VERSION} was announced to nobody", True)


def test_told_too_late_is_missing_until_the_time_has_passed(announced: ApiServer) -> None:
    proof, _ = prove(announced, minutes_before=240)
    assert says_what_closes(proof, State.MISSING)
    assert "has to be 4 h 0 min before" in proof.value
    assert proof.closes == "begin at 2024-05-14 10:30 UTC or later"
    assert prove(announced, minutes_before=180)[0].state is State.PROVEN


@pytest.mark.parametrize("answer", [*DOWN, *NONSENSE, httpx.Response(200, json={"ok": False, "error": "invalid_auth"})])
def test_slack_that_gives_no_usable_answer_leaves_it_unknown(announced: ApiServer, answer: Failure) -> None:
    proof, _ = prove(announced, answer)
    assert says_what_closes(proof, State.UNKNOWN)


def test_a_cluster_that_is_away_or_a_damaged_record_leaves_it_unknown() -> None:
    assert says_what_closes(prove(ApiServer(fails=away))[0], State.UNKNOWN)
    damaged = ApiServer(config_maps={RECORD: config_map(RECORD, {VERSION: "{"})})
    proof, _ = prove(damaged)
    assert says_what_closes(proof, State.UNKNOWN)
    assert "does not hold an announcement" in proof.seen
    sends_html = ApiServer(fails=lambda _request: httpx.Response(200, text="<html>"))
    assert says_what_closes(prove(sends_html)[0], State.UNKNOWN)


def test_the_record_keeps_the_newest_of_each_version() -> None:
    announcements = Announcements(ApiServer().cluster(), NAME)
    for day in range(KEPT + 5):
        version = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day)
        announcements.add(announcement(f"{version:v%Y.%m.%d}"))
    newer = announcement(ts=f"{NOW.timestamp():.6f}")
    announcements.add(announcement())
    announcements.add(newer)
    assert announcements.of(VERSION) == newer
    assert announcements.of("v2024.01.01") is None
    assert announcements.of("v2024.02.24") is not None


def test_a_damaged_record_says_what_mends_it() -> None:
    server = ApiServer(config_maps={RECORD: config_map(RECORD, {VERSION: "[]"})})
    with pytest.raises(ClusterError, match="announce it again"):
        Announcements(server.cluster(), NAME).of(VERSION)


@pytest.mark.parametrize("link", ["https://status.example.com", "http://status.example.com/", "status/"])
def test_a_place_for_announcements_ends_its_host(link: str) -> None:
    with pytest.raises(ValidationError, match="https://<host>/"):
        AnnouncementSettings(links=(link,))
