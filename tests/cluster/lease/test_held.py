"""Who no longer holds the release, or has no engine any more, changes nothing; a hiccup stops nobody who holds it."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from checks.reader import Unreachable
from cluster.errors import ClusterError, GateFailed
from cluster.lease.held import LeaseLost
from tests.cluster.leases import OTHER, OURS, World
from tests.recorded import NAME, NAMESPACE


def writes(world: World) -> int:
    return len(world.server.written())


def test_what_was_just_renewed_is_not_asked_about_again() -> None:
    world = World()
    held = world.held()
    for _ in range(3):
        held.check()
    world.sleep(1)
    held.check()
    assert writes(world) == 1


def test_before_a_change_the_sign_of_life_is_made_fresh() -> None:
    world = World()
    held = world.held()
    world.sleep(1.1)
    held.check()
    assert writes(world) == 2
    assert world.spec["renewTime"] == "2026-11-23T07:01:13.100000Z"
    assert world.spec["acquireTime"] == "2026-11-23T07:01:12.000000Z"
    assert held.token == 1


def test_one_who_was_suspended_finds_out_before_its_next_change() -> None:
    world = World()
    held = world.held()
    world.sleep(600)
    world.holds(token=2)
    with pytest.raises(LeaseLost) as caught:
        held.check()
    text = str(caught.value)
    assert f"this run no longer holds the release of {NAME} in {NAMESPACE}: it is held by {OTHER}" in text
    assert "(token 2; ours was 1)" in text
    assert "touches the cluster no more, not even to go back" in text
    assert "run the same command again" in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (lambda world: world.holds(token=2), f"it is held by {OTHER}"),
        (lambda world: world.holds("", token=2), "another run had it meanwhile"),
        (lambda world: world.holds(OURS, token=3), f"it is held by {OURS}"),
        (lambda world: world.server.leases.clear(), "its Lease was deleted"),
        (lambda world: world.holds(OURS, token=1, leaseDurationSeconds=9999), "does not say who holds the release"),
    ],
    ids=["another", "another that ended", "the same name again", "deleted", "damaged"],
)
def test_a_release_that_is_lost_stays_lost(happens: Callable[[World], None], why: str) -> None:
    world = World()
    held = world.held()
    happens(world)
    before = dict(world.server.leases)
    with pytest.raises(LeaseLost, match=why.replace("(", r"\(").replace(")", r"\)")):
        held.renew()
    assert world.server.leases == before
    world.server.leases.clear()
    world.holds(OURS, token=1)
    asked = len(world.server.requests)
    for call in (held.check, held.renew):
        with pytest.raises(LeaseLost):
            call()
    held.give_back(timeout_seconds=1)
    assert len(world.server.requests) == asked


def test_a_lost_release_ends_a_gate_like_any_failure_of_it_but_is_no_refusal_that_a_rollback_would_catch() -> None:
    assert issubclass(LeaseLost, GateFailed)
    assert not issubclass(LeaseLost, ClusterError | Unreachable)


def test_without_its_engine_it_changes_nothing_even_right_after_a_sign_of_life() -> None:
    world = World()
    held = world.held()
    world.engine = False
    asked = len(world.server.requests)
    for call in (held.check, held.renew):
        with pytest.raises(LeaseLost, match="the engine that this program works for is gone"):
            call()
    world.engine = True
    with pytest.raises(LeaseLost):
        held.check()
    assert len(world.server.requests) == asked


def test_a_short_silence_of_the_cluster_stops_nothing() -> None:
    world = World()
    held = world.held()
    world.falls_silent()
    world.sleep(9)
    held.check()
    with pytest.raises(Unreachable):
        held.renew()
    world.speaks()
    held.check()
    assert held.token == 1


def test_near_the_end_of_its_duration_no_change_is_allowed_while_the_cluster_is_silent() -> None:
    world = World()
    held = world.held()
    world.falls_silent()
    world.sleep(10)
    with pytest.raises(Unreachable) as caught:
        held.check()
    text = str(caught.value)
    assert f"it cannot be known whether this run still holds the release of {NAME} in {NAMESPACE}" in text
    assert "the last sign of life was given 10 s ago" in text
    assert "refused" in text


def test_after_a_long_silence_the_same_hold_goes_on_if_nobody_came_between() -> None:
    world = World()
    held = world.held()
    world.falls_silent()
    world.sleep(120)
    with pytest.raises(Unreachable):
        held.check()
    world.speaks()
    held.check()
    assert (held.token, world.spec["holderIdentity"], world.spec["leaseTransitions"]) == (1, OURS, 1)


def test_after_a_long_silence_it_is_lost_if_somebody_came_between() -> None:
    world = World()
    held = world.held()
    world.falls_silent()
    world.sleep(120)
    world.speaks()
    state, _ = world.take(OTHER)
    assert world.lease.give_back(state, world.now()) is not None
    with pytest.raises(LeaseLost, match=r"another run had it meanwhile \(token 2; ours was 1\)"):
        held.check()


def test_a_sign_of_life_whose_answer_is_lost_is_recognised_as_ours() -> None:
    world = World()
    held = world.held()
    world.sleep(2)
    world.loses_the_answer_of("PUT")
    with pytest.raises(Unreachable):
        held.renew()
    held.renew()
    assert world.spec["holderIdentity"] == OURS


def test_a_label_that_somebody_puts_on_the_lease_takes_nothing_away() -> None:
    world = World()
    held = world.held()
    world.server.leases[NAME]["metadata"]["resourceVersion"] = "99"
    held.renew()
    assert world.spec["leaseTransitions"] == 1


def test_a_lease_that_somebody_changes_all_the_time_is_no_endless_loop() -> None:
    world = World()
    held = world.held()

    def changed(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(409, json={}) if request.method == "PUT" else None

    world.server.fails = changed
    with pytest.raises(ClusterError, match="changed by somebody else 2 times in a row"):
        held.renew()


def test_rights_that_are_taken_away_stop_it_when_its_duration_ends() -> None:
    world = World()
    held = world.held()
    world.server.fails = lambda _request: httpx.Response(403, json={"message": "forbidden"})
    world.sleep(9)
    held.check()
    world.sleep(1)
    with pytest.raises(Unreachable, match="forbidden"):
        held.check()


def test_given_back_it_is_free_at_once_and_allows_no_more_change() -> None:
    world = World()
    held = world.held()
    held.give_back(timeout_seconds=1)
    assert world.spec["holderIdentity"] == ""
    with pytest.raises(LeaseLost, match="was given back by this run already"):
        held.check()
    state, _ = world.take(OTHER)
    assert (state.term.token, world.time.passed) == (2, 0)
    held.give_back(timeout_seconds=1)
    assert world.spec["holderIdentity"] == OTHER


def test_giving_back_to_a_silent_cluster_or_to_another_holder_is_no_error() -> None:
    world = World()
    held = world.held()
    world.falls_silent()
    held.give_back(timeout_seconds=1)
    world = World()
    held = world.held()
    world.holds(token=2)
    held.give_back(timeout_seconds=1)
    assert world.spec["holderIdentity"] == OTHER
