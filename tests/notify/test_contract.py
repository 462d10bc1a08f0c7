"""The whole way over a socket: what is sent has the documented shapes, and a service that misbehaves is survived."""

from __future__ import annotations

import pytest

from tests.notify.stand_in import Reply
from tests.notify.world import World, begin, fails, passes


def test_a_release_is_told_over_the_network_in_the_documented_shapes() -> None:
    world = World(over_the_network=True)
    with world.stand_in.served() as address:
        world.address = address
        first, world.telling = world.telling, world.new_telling()
        assert first is not world.telling
        record = world.record()
        begin(record)
        passes(record)
        fails(record, outcome="UNREACHABLE: THE ROLLBACK FAILED TOO: no answer")
        assert world.flush() == []
    assert world.stand_in.wrong == []
    assert {each.path for each in world.stand_in.asked} == {
        "/slack/chat.postMessage",
        "/slack/chat.update",
        "/pagerduty/v2/enqueue",
        "/incident/hook",
        "/grafana/api/annotations",
    }
    assert len(world.stand_in.texts()) == 1
    world.keeps_its_secrets()


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "1"}])
def test_one_that_is_busy_for_a_moment_is_told_a_moment_later(headers: dict[str, str]) -> None:
    world = World(over_the_network=True)
    left = {"/slack/chat.postMessage": 1, "/pagerduty/v2/enqueue": 1}

    def busy(path: str) -> Reply | None:
        if left.get(path):
            left[path] -= 1
            return Reply(429, {"ok": False, "error": "ratelimited"}, headers)
        return None

    world.stand_in.fails = lambda asked: busy(asked.path)
    with world.stand_in.served() as address:
        world.address = address
        record = world.record()
        begin(record)
        fails(record, outcome="UNREACHABLE: THE ROLLBACK FAILED TOO: no answer")
        assert world.flush() == []
    assert len(world.stand_in.texts()) == 1
    assert len(world.stand_in.alerts) == 1


def test_one_that_hangs_for_good_costs_a_gate_no_more_than_the_flush() -> None:
    world = World(over_the_network=True, end_seconds=0.5)
    world.stand_in.hangs = "/"
    with world.stand_in.served() as address:
        world.address = address
        record = world.record()
        begin(record)
        fails(record)
        reported = world.flush()
        assert (world.stand_in.texts(), world.stand_in.alerts) == ([], {}), "they still hang: nobody waited for them"
    assert len(reported) == 3
    assert all("still to be told after 0.5 s" in line for line in reported)


def test_nobody_listening_is_an_answer_too() -> None:
    world = World(over_the_network=True)
    with world.stand_in.served() as address:
        world.address = address
    record = world.record()
    begin(record)
    record.finish("verified")
    assert sum("cannot be reached (ConnectError)" in line for line in world.flush()) >= 2
    assert world.attempts()[0].outcome == "verified"


def test_a_wrong_token_is_reported_with_the_setting_to_look_at_and_not_shown() -> None:
    wrong = {"channel": "#releases", "token": "xoxb-another-fake", "api": "http://127.0.0.1:9/slack"}
    world = World(changes={"slack": wrong})
    begin(world.record())
    [line] = world.flush()
    assert "Slack: invalid_auth; see notify.slack" in line
    assert "xoxb" not in line
