"""Everybody is told of a release by its record, in the same words, and no one of them stands in its way."""

from __future__ import annotations

import json

import httpx
import pytest

from cluster.errors import ClusterError
from tests.notify.stand_in import CHANNEL_ID, Asked, Reply, settings
from tests.notify.world import ADDRESS, World, begin, fails, kinds, passes, release
from tests.recorded import NAME, NAMESPACE

KEY = f"{NAMESPACE}/{NAME}/release-1"


def test_a_release_is_one_message_of_slack_that_is_kept_up_to_date_with_the_details_in_its_thread() -> None:
    world = World()
    record = world.record()
    begin(record)
    assert world.flush() == []
    [first] = world.stand_in.texts()
    assert first.startswith(f"release v2 has started in {NAMESPACE} (stack prod): by ana, from v1, strategy canary")
    passes(record)
    assert world.flush() == []
    [now] = world.stand_in.texts()
    assert now.startswith(f"release v2 has passed step 10 % in {NAMESPACE} (stack prod): after 376 requests")
    record.append("gate", step="pods", verdict="PASS", reason="9 pods are ready", seconds=1.0)
    record.finish("verified")
    assert world.flush() == []
    [end] = world.stand_in.texts()
    assert end.startswith("release v2 is verified")
    assert end.endswith("Next: make rollback STACK=prod goes back")
    thread = [text.split(" in ")[0] for text in world.stand_in.texts(thread=True)]
    assert thread == [
        "release v2 has passed step 10 %",
        "release v2 was checked (pods: PASS)",
        "release v2 is verified",
    ]
    assert {each.get("thread_ts") for each in world.stand_in.messages.values()} == {None, "1700000000.000100"}
    assert world.stand_in.wrong == []


def test_a_good_release_pages_nobody_and_declares_nothing() -> None:
    world = World()
    record = world.record()
    begin(record)
    passes(record)
    record.finish("verified")
    assert world.flush() == []
    assert world.stand_in.actions() == []
    assert world.stand_in.incidents == []
    assert not any("<@" in text or "<!" in text for text in world.stand_in.texts(thread=True))


def test_a_release_that_was_taken_back_is_told_to_the_release_manager_at_once_and_to_nobody_else() -> None:
    world = World()
    record = world.record()
    begin(record)
    fails(record, hurt=15)
    assert world.flush() == []
    [message] = world.stand_in.texts()
    assert message == (
        f"release v2 was taken back in {NAMESPACE} (stack prod): step 50 %: FAIL: errors 5.1 % of 302 requests, more"
        " than 0.1 % &amp; stable &lt; 0.1 %; v1 serves again after 3.2 s (15 requests were hurt)."
        " Next: make history STACK=prod RELEASE=1"
    )
    alarms = [each for each in world.stand_in.messages.values() if each.get("reply_broadcast")]
    assert [each["text"] for each in alarms] == [f"<@U0ANN000> {message}"]
    assert world.stand_in.actions() == []
    [incident] = world.stand_in.incidents
    assert (incident["event"], incident["key"], incident["severity"]) == ("note", KEY, "error")
    [entry] = world.entries("escalated")
    assert entry.facts["actions"] == ["tell the release manager"]
    assert (entry.facts["through"], entry.facts["outcome"]) == ("Slack", "done")
    assert world.stand_in.wrong == []
    world.keeps_its_secrets()


def test_where_the_rollback_failed_too_an_incident_is_declared_and_the_response_team_called_at_once() -> None:
    world = World()
    record = world.record()
    begin(record)
    fails(record, outcome="UNREACHABLE: THE ROLLBACK FAILED TOO: the cluster gives no answer")
    assert world.flush() == []
    assert world.stand_in.actions() == [("trigger", KEY)]
    [alert] = world.stand_in.alerts[KEY]["events"]
    assert alert["severity"] == "critical"
    [incident] = world.stand_in.incidents
    assert (incident["event"], incident["users_hurt"]) == ("declare", True)
    alarm = next(each["text"] for each in world.stand_in.messages.values() if each.get("reply_broadcast"))
    assert alarm.startswith("<@U0ANN000> <!subteam^S0RESPONSE> release v2 has failed in ")
    # One text, but for the characters that Slack wants escaped.
    assert alert["summary"] == incident["text"] == world.stand_in.annotations[-1]["text"]
    assert world.stand_in.texts() == [alert["summary"].replace("&", "&amp;").replace("<", "&lt;")]
    done = {action: each.facts["through"] for each in world.entries("escalated") for action in each.facts["actions"]}
    assert done == {
        "tell the release manager": "Slack",
        "declare an incident": "incident tracking",
        "call the incident response team": "PagerDuty",
    }
    assert world.stand_in.wrong == []
    world.keeps_its_secrets()


def test_the_next_verified_release_resolves_what_is_open_once() -> None:
    world = World()
    bad = world.record("v2")
    begin(bad)
    fails(bad, outcome="UNREACHABLE: THE ROLLBACK FAILED TOO: no answer")
    assert world.flush() == []
    for version in ("v3", "v4"):
        later = world.new_telling()
        good = world.record(version, run=version, telling=later)
        begin(good)
        good.finish("verified")
        assert world.flush(later) == []
    assert world.stand_in.actions() == [("trigger", KEY), ("resolve", KEY)]
    assert [(each["event"], each["key"]) for each in world.stand_in.incidents] == [("declare", KEY), ("resolve", KEY)]


def test_a_run_that_goes_on_with_a_killed_one_updates_its_message() -> None:
    world = World()
    begin(world.record(run="one"))
    assert world.flush() == []
    later = world.new_telling()
    record = world.record(run="two", telling=later)
    begin(record)
    record.finish("verified")
    assert world.flush(later) == []
    assert len(world.stand_in.texts()) == 1
    assert len(world.stand_in.texts(thread=True)) == 2


def test_a_message_that_somebody_deleted_is_posted_anew() -> None:
    world = World()
    record = world.record()
    begin(record)
    assert world.flush() == []
    world.stand_in.messages.clear()
    fails(record)
    assert world.flush() == []
    assert world.stand_in.texts()[-1].startswith("release v2 was taken back")
    assert any("<@U0ANN000>" in text for text in world.stand_in.texts(thread=True))


def test_the_annotations_mark_the_moments_that_a_graph_could_show() -> None:
    world = World()
    record = world.record()
    begin(record)
    passes(record)
    record.append("gate", step="pods", verdict="PASS", reason="9 pods are ready", seconds=1.0)
    record.finish("verified")
    assert world.flush() == []
    assert [each["tags"][2] for each in world.stand_in.annotations] == ["started", "promoted", "verified"]
    assert {each["dashboardUID"] for each in world.stand_in.annotations} == {"release-manager"}


@pytest.mark.parametrize("path", ["/slack", "/pagerduty", "/incident", "/grafana"])
def test_who_is_down_is_reported_and_recorded_and_the_others_are_told(path: str) -> None:
    world = World()
    world.stand_in.fails = lambda asked: Reply(503) if asked.path.startswith(path) else None
    record = world.record()
    begin(record)
    fails(record, outcome="UNREACHABLE: THE ROLLBACK FAILED TOO: no answer")
    reported = world.flush()
    assert reported
    assert all("it answers 503 (gave up after" in line for line in reported)
    told = {
        "/slack": len(world.stand_in.texts()) == 1,
        "/pagerduty": bool(world.stand_in.alerts),
        "/incident": bool(world.stand_in.incidents),
        "/grafana": bool(world.stand_in.annotations),
    }
    assert told == {name: name != path for name in told}
    failed = [each for each in world.attempts()[0].entries if str(each.facts.get("outcome", "")).startswith("failed: ")]
    assert failed
    assert world.attempts()[0].outcome == "failed"
    world.keeps_its_secrets()


def test_who_hangs_delays_neither_the_gate_nor_the_others_beyond_the_flush() -> None:
    world = World(end_seconds=0.3)
    world.stand_in.hangs = "/slack"
    record = world.record()
    begin(record)
    fails(record, outcome="UNREACHABLE: THE ROLLBACK FAILED TOO: no answer")
    reported = world.flush()
    assert world.stand_in.texts() == [], "it still hangs: neither the gate nor the flush waited for its answer"
    assert reported == ["telling: Slack: 3 still to be told after 0.3 s"]
    assert world.stand_in.actions() == [("trigger", KEY)]
    assert [each["event"] for each in world.stand_in.incidents] == ["declare"]
    world.stand_in.let_go.set()
    assert world.telling._lines is not None
    assert world.telling._lines[0].left_after(5) == 0


def test_a_crowd_of_entries_is_bounded_and_what_is_left_out_is_reported() -> None:
    world = World(end_seconds=0.1)
    world.stand_in.hangs = "/"
    record = world.record()
    begin(record)
    for _ in range(150):
        record.append("gate", step="pods", verdict="PASS", reason="ready", seconds=1.0)
    assert any("100 wait" in line for line in world.flush())
    world.stand_in.let_go.set()


def test_a_record_that_cannot_be_written_keeps_nobody_from_being_told() -> None:
    world = World()
    world.server.fails = lambda _request: httpx.ConnectError("gone")
    record = world.record()
    begin(record)
    fails(record, outcome="UNREACHABLE: THE ROLLBACK FAILED TOO: no answer")
    world.flush()
    assert world.stand_in.texts()[-1].startswith("release v2 has failed")
    assert world.stand_in.actions() == [("trigger", f"{NAMESPACE}/{NAME}/release-{release('v2').identity}")]


def test_a_gate_that_fails_without_an_entry_is_told_once() -> None:
    world = World()
    record = world.record()
    begin(record)
    world.telling.stopped(record, "release v2 cannot begin step 10 %: no answer\n  | a log line")
    world.telling.stopped(record, "for the second time")
    assert world.flush() == []
    [message] = world.stand_in.texts()
    assert message.startswith("release v2 has stopped")
    assert "log line" not in message
    assert "second time" not in message
    fails(record)
    world.telling.stopped(record, "release v2 was taken back")
    assert world.flush() == []
    assert "was taken back" in world.stand_in.texts()[-1]


def test_who_cannot_even_be_asked_is_reported_and_the_gate_goes_on() -> None:
    world = World()

    def broken() -> tuple[()]:
        raise ClusterError("health.ca_file /missing cannot be read")

    world.telling._addressees = broken
    record = world.record()
    begin(record)
    record.finish("verified")
    assert world.flush() == ["telling: nobody can be told: health.ca_file /missing cannot be read"]
    assert world.attempts()[0].outcome == "verified"


def test_what_a_listener_raises_goes_no_further_than_a_line() -> None:
    world = World()
    record = world.record()
    record.listeners = (lambda _heard: json.loads("{"),)
    begin(record)
    record.finish("verified")
    assert kinds(world.attempts()[0].entries) == ["started", "finished"]
    assert world.told.lines == [
        "history: 'started' is not told on: JSONDecodeError",
        "history: 'finished' is not told on: JSONDecodeError",
    ]


def test_with_nobody_configured_nothing_is_told_and_nothing_recorded() -> None:
    world = World(changes=dict.fromkeys(("slack", "pagerduty", "incident", "grafana")))
    record = world.record()
    begin(record)
    fails(record)
    assert world.flush() == []
    assert kinds(world.attempts()[0].entries) == ["started", "gate", "rollback", "finished"]


def test_without_pagerduty_and_incident_tracking_slack_carries_everything_out() -> None:
    world = World(changes={"pagerduty": None, "incident": None})
    record = world.record()
    begin(record)
    fails(record, outcome="UNREACHABLE: THE ROLLBACK FAILED TOO: no answer")
    assert world.flush() == []
    [entry] = world.entries("escalated")
    assert entry.facts["through"] == "Slack"
    assert len(entry.facts["actions"]) == 3


def test_a_pagerduty_that_waits_by_itself_is_told_of_every_problem_at_once() -> None:
    world = World(changes={"pagerduty": {**settings(ADDRESS)["pagerduty"], "escalates": True}})
    record = world.record()
    begin(record)
    fails(record)
    assert world.flush() == []
    assert world.stand_in.actions() == [("trigger", KEY)]
    assert world.stand_in.alerts[KEY]["events"][0]["severity"] == "error"


def test_the_channel_is_named_by_its_id_once_slack_has_told_it() -> None:
    world = World()
    record = world.record()
    begin(record)
    record.finish("verified")
    assert world.flush() == []
    updates: list[Asked] = [each for each in world.stand_in.asked if each.path == "/slack/chat.update"]
    assert {each.body["channel"] for each in updates} == {CHANNEL_ID}
