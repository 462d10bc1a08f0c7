"""A release that turns bad within its hour is taken back; what is not known never takes it back, and never counts."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import pytest

from checks.verdict import Kind, Verdict
from checks.watching.sustained import Sustained
from cluster.errors import GateFailed
from cluster.watch.state import End
from notify.message import What
from tests.cluster.rollback_world import release
from tests.cluster.watch.world import BAD, DOWN, GOOD, OTHER, Killed, World, bad_from, good, kill_at_write


def test_a_release_that_stays_good_is_watched_for_the_hour_and_nothing_is_touched() -> None:
    world = World()
    state = world.run()
    assert state.end is End.WATCHED
    assert 60 <= world.minute < 60.5
    assert state.reason == "seen of 60 minutes: errors 60, cache hit rate 60, logs 60"
    assert world.changed() == set()
    assert world.kinds() == ["started", "finished", "watch", "gate"]
    assert world.attempt().outcome == "verified"
    assert [notice.message.phrase for notice in world.notices] == ["was checked (watch: PASS)"]


def test_the_progress_of_an_hour_is_a_dozen_lines() -> None:
    world = World()
    world.run()
    assert 10 <= len(world.told.lines) <= 20
    assert "watch: 30 of 60 min: 3 of 3 signals are good" in world.told.lines


def test_a_release_that_turns_bad_after_five_minutes_is_taken_back_as_a_gate_does() -> None:
    world = World(looks=bad_from(5))
    state = world.run()
    assert state.end is End.TAKEN_BACK
    assert world.minute < 7
    assert set(world.server.serving()) == {"v1"}
    assert world.verified_versions() == ["v1"]
    assert world.kinds() == ["started", "finished", "watch", "gate", "rollback", "finished"]
    assert world.attempt().outcome == "failed"
    assert world.attempt().cause.startswith("watch: errors: 60 of 600 requests ended with an error")
    last = world.notices[-1]
    assert last.message.what is What.TAKEN_BACK
    assert last.problem is not None
    assert last.problem.users_hurt
    assert f"{release('v1').version} serves again" in last.message.text


def test_one_bad_look_takes_nothing_back() -> None:
    world = World()
    sustained = Sustained(60, world.clock)

    def looks(minute: float) -> Mapping[str, Verdict]:
        return {**good(minute), "errors": sustained.judge(BAD if 10 <= minute < 10.2 else GOOD)}

    world.looks = looks
    state = world.run()
    assert state.end is End.WATCHED
    assert world.changed() == set()
    assert set(world.server.serving()) == {"v2"}


def test_a_prometheus_that_is_down_is_told_and_takes_nothing_back() -> None:
    world = World()
    world.looks = lambda minute: {**good(minute), "cache hit rate": DOWN} if minute >= 20 else good(minute)
    state = world.run()
    assert state.end is End.UNSEEN
    assert state.reason.startswith("seen of 60 minutes: errors 60, cache hit rate 20, logs 60; cache hit rate: UNREACH")
    assert world.changed() == set()
    blind = [reason for reason in world.reasons() if reason.startswith("blind for 5 minutes: cache hit rate (Prom")]
    assert len(blind) == 1, "told once, not at each look"
    texts = [notice.message.text for notice in world.notices]
    assert any("was checked (watch: UNREACHABLE)" in text for text in texts)
    assert texts[-1].startswith("release v2 was checked (watch: NO_DATA)"), "an hour that was not seen is no PASS"


def test_a_blindness_that_ends_is_told_and_a_short_one_is_not() -> None:
    world = World()
    world.looks = lambda minute: (
        {**good(minute), "logs": DOWN} if 10 < minute < 16 or 30 < minute < 33 else good(minute)
    )
    world.run()
    told = [reason for reason in world.reasons() if "blind" in reason or "again" in reason]
    assert [text.partition(":")[0] for text in told] == ["blind for 5 minutes", "sees again"]


def test_nobody_answers_for_the_whole_hour_and_the_release_stays() -> None:
    world = World(looks=lambda minute: dict.fromkeys(good(minute), DOWN))
    state = world.run()
    assert state.end is End.UNSEEN
    assert world.changed() == set()
    assert "errors 0" in state.reason


def test_a_cluster_that_gives_no_answer_for_a_while_ends_nothing() -> None:
    world = World()

    def silent(_request: httpx.Request) -> httpx.Response | Exception | None:
        return httpx.ConnectError("refused")

    def answers(_request: httpx.Request) -> httpx.Response | Exception | None:
        return None

    world.at(10, lambda: setattr(world.server, "fails", silent))
    world.at(12, lambda: setattr(world.server, "fails", answers))
    assert world.run().end is End.WATCHED


def test_what_is_new_in_the_logs_is_told_once_and_takes_nothing_back() -> None:
    new = Verdict(Kind.TOO_FEW, "new in the logs at level ERROR: cannot reach <address>")
    world = World(looks=lambda minute: {**good(minute), "logs": new} if minute >= 3 else good(minute))
    state = world.run()
    assert state.end is End.WATCHED
    assert len([reason for reason in world.reasons() if reason.startswith("logs: new in the logs")]) == 1
    assert world.changed() == set()


def test_a_newer_release_that_was_verified_ends_the_watch_of_the_older_one() -> None:
    world = World()

    def replaced() -> None:
        world.serve("v3")
        world.verify("v3")

    world.at(20, replaced)
    state = world.run()
    assert state.end is End.REPLACED
    assert world.minute < 22
    assert state.reason == "v3 has taken its place"
    assert world.kinds()[-1] == "watch"
    assert world.notices == [], "who is told of the newer one needs no word of this"


@pytest.mark.parametrize("replaced", [True, False])
def test_a_watch_that_is_told_to_leave_notes_its_end_only_where_its_release_was_replaced(*, replaced: bool) -> None:
    world = World()

    def deleted() -> None:
        if replaced:
            world.serve("v3")
            world.verify("v3")
        raise SystemExit(143)

    world.at(20, deleted)
    with pytest.raises(SystemExit):
        world.run()
    assert ("the watch has ended: v3 has taken its place" in world.reasons()) == replaced
    assert world.changed() == set()


def test_a_release_that_is_undone_by_hand_ends_the_watch() -> None:
    world = World()
    world.at(20, lambda: world.serve("v1"))
    state = world.run()
    assert (state.end, state.reason) == (End.REPLACED, "stable runs v1")


def test_while_another_run_is_at_work_the_watch_stands_aside_and_goes_on_afterwards() -> None:
    world = World(looks=lambda minute: {**good(minute), "errors": BAD} if 20 < minute < 29 else good(minute))
    world.at(20, lambda: world.hold(OTHER))
    world.at(30, world.give_back)
    state = world.run()
    assert state.end is End.WATCHED, "what another run does to the pods is not held against the release"
    assert world.openings == 2, "counted anew"
    assert 540 <= state.aside_seconds <= 660
    assert "another run was at work for 10" in state.reason
    assert any("stands aside: another run is at work: ann@build-7" in line for line in world.told.lines)


def test_a_holder_that_was_killed_does_not_keep_the_watch_from_looking() -> None:
    world = World(looks=bad_from(5))
    world.hold(OTHER)
    world.held_by = ""
    assert world.run().end is End.TAKEN_BACK


def test_while_another_run_holds_the_release_nothing_is_taken_back_and_then_it_is() -> None:
    world = World(looks=bad_from(5))
    world.at(4.9, lambda: setattr(world, "held_by", OTHER))
    world.at(8, world.give_back)
    state = world.run()
    assert state.end is End.TAKEN_BACK
    assert 8 <= world.minute < 10
    assert world.rollbacks == 1


def test_the_first_release_has_nothing_to_go_back_to_and_people_are_told_that_it_is_bad() -> None:
    world = World(looks=bad_from(5), before=())
    state = world.run()
    assert state.end is End.STAYED
    assert set(world.server.serving()) == {"v2"}
    assert world.notices[-1].message.what is What.FAILED
    assert world.notices[-1].problem is not None
    assert world.notices[-1].problem.critical


def test_where_nothing_may_be_taken_back_by_itself_the_release_is_held_and_people_are_told() -> None:
    world = World(looks=bad_from(5), automatic=False)
    assert world.run().end is End.STAYED
    assert world.changed() == set()
    assert world.attempt().outcome == "held"
    assert world.notices[-1].message.what is What.HELD
    assert "rollout.automatic is false" in world.notices[-1].message.text


def test_a_watch_that_is_begun_again_goes_on_with_its_hour_and_says_what_it_did_not_see() -> None:
    world = World(killed_at=20)
    with pytest.raises(Killed):
        world.run()
    world.time.seconds += 600
    state = world.run()
    assert state.end is End.UNSEEN
    assert 60 <= world.minute < 60.5, "no second hour"
    assert "errors 50" in state.reason
    assert world.kinds().count("watch") == 1


def test_a_short_interruption_costs_no_more_than_it_took() -> None:
    world = World(killed_at=20)
    with pytest.raises(Killed):
        world.run()
    assert world.run().end is End.WATCHED


def test_a_watch_that_nobody_waits_for_stops_and_is_gone_on_with() -> None:
    world = World(unwanted_from=20)
    with pytest.raises(GateFailed, match="was stopped after 20 of 60 minutes"):
        world.run()
    assert world.changed() == set()
    world.unwanted_from = float("inf")
    assert world.run().end is End.WATCHED
    assert 60 <= world.minute < 60.5


def test_a_watch_that_has_ended_is_not_begun_again() -> None:
    world = World(looks=bad_from(5))
    world.run()
    entries, before = world.kinds(), world.minute
    world.server.requests.clear()
    assert world.run().end is End.TAKEN_BACK
    assert world.kinds() == entries
    assert world.minute == before
    assert world.changed() == set()


@pytest.mark.parametrize("number", range(1, 18))
def test_killed_at_any_change_of_its_rollback_and_begun_again_it_goes_back_once(number: int) -> None:
    world = World(looks=bad_from(5), before=("v0", "v1"))
    world.at(4.95, lambda: setattr(world.server, "fails", kill_at_write(world, number)))
    try:
        world.run()
    except Killed:
        world.time.seconds += 5
        state = world.run()
        assert state.end is End.TAKEN_BACK
    assert set(world.server.serving()) == {"v1"}, "and not v0"
    assert world.verified_versions() == ["v1", "v0"]
    assert world.kinds().count("rollback") == 1
    assert world.kinds().count("finished") == 2, "verified, and taken back: each once"
    assert world.notices[-1].message.what is What.TAKEN_BACK
    assert world.on_record()["end"] == "taken back"


def test_the_watch_of_an_older_release_that_is_begun_again_late_leaves_that_of_the_newer_one_alone() -> None:
    world = World(killed_at=20)
    with pytest.raises(Killed):
        world.run()
    world.serve("v3")
    world.verify("v3")
    text = world.server.config_maps["release-manager-dev-watch"]["data"]["watch.json"]
    newer = text.replace("0123456789", "9876543210")
    world.server.config_maps["release-manager-dev-watch"]["data"]["watch.json"] = newer
    assert world.run().end is End.REPLACED
    assert world.on_record()["key"] == "9876543210"


def test_somebody_who_goes_back_meanwhile_is_not_gone_back_from() -> None:
    world = World(looks=bad_from(5), killed_at=4.99)
    with pytest.raises(Killed):
        world.run()
    world.at(5.5, lambda: world.verify("v3"))
    world.held_by = OTHER
    world.at(6, world.give_back)
    state = world.run()
    assert state.end is End.REPLACED
    assert world.rollbacks == 0
