"""Whoever watches on after an update carries the escalation out, by the record, with a clock that is passed in."""

from __future__ import annotations

from datetime import timedelta

from cluster.history.history import ReleaseRecord
from tests.notify.stand_in import Reply
from tests.notify.world import World, begin, fails, release
from tests.recorded import NAME, NAMESPACE

KEY = f"{NAMESPACE}/{NAME}/release-1"


def failed(world: World) -> ReleaseRecord:
    """Let a release fail whose run has told what is told at once, and return its record as another process has it."""
    record = world.record()
    begin(record)
    fails(record)
    assert world.flush() == []
    world.stand_in.asked.clear()
    watched = ReleaseRecord(
        world.server.cluster(), NAME, release("v2"), world.told.reporter, "watch", wall_clock=world.clock
    )
    watched._number = 1
    return watched


def alarm(world: World) -> str:
    [ts] = [ts for ts, each in world.stand_in.messages.items() if each.get("reply_broadcast")]
    return ts


def test_nobody_is_paged_before_the_time_is_up_and_somebody_is_at_that_moment() -> None:
    world = World()
    watched = failed(world)
    ended = world.entries("finished")[0].at
    world.now = ended + timedelta(minutes=14, seconds=59)
    assert world.escalating(watched).look() == ended + timedelta(minutes=15)
    assert world.stand_in.actions() == []
    world.now = ended + timedelta(minutes=15)
    assert world.escalating(watched).look() is None
    assert world.stand_in.actions() == [("trigger", KEY)]
    [page] = world.stand_in.alerts[KEY]["events"]
    assert page["severity"] == "critical"
    assert "nobody has acknowledged for 15 minutes; step 50 %" in page["summary"]
    assert any(text.startswith("<@U0CLEO00> ") for text in world.stand_in.texts(thread=True))
    assert world.stand_in.incidents[-1]["actions"] == ["page the on-call engineer"]
    assert "page the on-call engineer" in world.entries("escalated")[-1].facts["actions"]
    assert world.stand_in.wrong == []
    world.keeps_its_secrets()


def test_nobody_is_paged_twice_whoever_looks() -> None:
    world = World()
    watched = failed(world)
    world.now += timedelta(minutes=20)
    world.escalating(watched).look()
    world.now += timedelta(minutes=20)
    assert world.escalating(watched).look() is None
    assert world.stand_in.actions() == [("trigger", KEY)]


def test_a_reaction_to_the_alarm_in_slack_acknowledges_and_keeps_the_page_away() -> None:
    world = World()
    watched = failed(world)
    world.stand_in.reactions[alarm(world)] = ["U0ANN000"]
    world.now += timedelta(minutes=1)
    assert world.escalating(watched).look() is None
    [entry] = world.entries("acknowledged")
    assert entry.facts == {"by": "U0ANN000", "through": "Slack (:eyes:)"}
    world.now += timedelta(hours=1)
    assert world.escalating(watched).look() is None
    assert world.stand_in.actions() == []
    assert world.stand_in.wrong == []


def test_a_reaction_to_the_message_of_the_release_is_applause_and_acknowledges_nothing() -> None:
    world = World()
    watched = failed(world)
    world.stand_in.reactions["1700000000.000100"] = ["U0ANN000"]
    world.now += timedelta(minutes=16)
    world.escalating(watched).look()
    assert world.stand_in.actions() == [("trigger", KEY)]


def test_an_acknowledgement_in_slack_stops_what_rings_in_pagerduty() -> None:
    world = World()
    record = world.record()
    begin(record)
    fails(record, outcome="UNREACHABLE: THE ROLLBACK FAILED TOO: no answer")
    assert world.flush() == []
    world.stand_in.reactions[alarm(world)] = ["U0ANN000"]
    world.now += timedelta(minutes=1)
    assert world.escalating(record).look() is None
    assert world.stand_in.actions() == [("trigger", KEY), ("acknowledge", KEY)]
    assert world.stand_in.alerts[KEY]["status"] == "acknowledged"


def test_an_acknowledgement_in_pagerduty_is_told_in_the_thread() -> None:
    world = World()
    record = world.record()
    begin(record)
    fails(record, outcome="UNREACHABLE: THE ROLLBACK FAILED TOO: no answer")
    assert world.flush() == []
    world.stand_in.alerts[KEY]["status"] = "acknowledged"
    at = (world.now + timedelta(minutes=2)).isoformat()
    world.stand_in.acknowledgements = [{"at": at, "acknowledger": {"id": "PXPGF42", "summary": "Cleo"}}]
    world.now += timedelta(minutes=16)
    assert world.escalating(record).look() is None
    assert world.entries("acknowledged")[0].facts["by"] == "Cleo"
    assert world.stand_in.texts(thread=True)[-1] == "acknowledged by Cleo"
    assert world.stand_in.actions() == [("trigger", KEY)]


def test_a_slack_that_does_not_say_whether_somebody_has_acknowledged_is_reported_and_the_page_goes_out() -> None:
    world = World()
    watched = failed(world)
    world.stand_in.fails = lambda asked: Reply(500) if asked.path == "/slack/reactions.get" else None
    world.now += timedelta(minutes=16)
    world.escalating(watched).look()
    assert any("whether somebody has acknowledged is not known: Slack" in line for line in world.told.lines)
    assert world.stand_in.actions() == [("trigger", KEY)]


def test_a_page_that_did_not_go_out_is_tried_again_at_the_next_look() -> None:
    world = World()
    watched = failed(world)
    world.stand_in.fails = lambda asked: Reply(503) if asked.path.startswith("/pagerduty/") else None
    world.now += timedelta(minutes=16)
    world.escalating(watched).look()
    assert world.stand_in.alerts == {}
    world.stand_in.fails = lambda _asked: None
    world.now += timedelta(minutes=1)
    world.escalating(watched).look()
    assert list(world.stand_in.alerts) == [KEY]


def test_a_release_without_a_problem_is_let_be() -> None:
    world = World()
    record = world.record()
    begin(record)
    record.finish("verified")
    assert world.flush() == []
    world.stand_in.asked.clear()
    world.now += timedelta(hours=1)
    assert world.escalating(record).look() is None
    assert world.stand_in.asked == []
