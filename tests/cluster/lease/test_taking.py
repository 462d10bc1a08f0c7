"""A release is taken from nobody who is at work, and from somebody who is gone after one duration, by our own clock."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from checks.reader import Unreachable
from cluster.errors import ClusterError, GateFailed
from cluster.lease.lease import Lease, LeaseState
from cluster.lease.taking import ReleaseHeld
from tests.cluster.leases import OTHER, OURS, SINCE, World
from tests.recorded import NAME, NAMESPACE


@pytest.mark.parametrize("given_back", [True, False])
def test_a_free_release_is_taken_at_once_and_without_a_word(*, given_back: bool) -> None:
    world = World()
    if given_back:
        world.holds("", token=7)
    state, taken_at = world.take()
    assert (state.term.holder, state.term.token) == (OURS, 8 if given_back else 1)
    assert (world.time.passed, taken_at) == (0, world.time.seconds)
    assert (world.told.lines, world.told.live) == ([], [])


def test_a_holder_that_gives_no_sign_of_life_is_followed_after_one_duration() -> None:
    world = World()
    world.holds()
    state, _ = world.take()
    assert (state.term.holder, state.term.token) == (OURS, 8)
    assert 15 <= world.time.passed <= 15.5
    assert world.told.live[0] == (
        f"the release of {NAME} in {NAMESPACE} is held by {OTHER} since {SINCE};"
        " without a sign of life it is taken over in 15 s"
    )
    assert [each.rpartition("taken over in ")[2] for each in world.told.live] == ["15 s", "10 s", "5 s"]
    [line] = world.told.lines
    assert line == (
        f"the release of {NAME} in {NAMESPACE} was held by {OTHER} since {SINCE},"
        " which gave no sign of life for 15 s: taken over (token 8)"
    )


@pytest.mark.parametrize("renewed", ["1990-01-01T00:00:00Z", "2090-01-01T00:00:00Z"])
def test_the_clock_of_the_other_machine_decides_nothing(renewed: str) -> None:
    world = World()
    world.holds(renewTime=renewed)
    world.take()
    assert 15 <= world.time.passed <= 15.5


def test_the_duration_is_the_one_that_the_holder_promised() -> None:
    world = World()
    world.holds(leaseDurationSeconds=40)
    world.take()
    assert 40 <= world.time.passed <= 40.5


@pytest.mark.parametrize("second", [0.1, 5, 14.9])
def test_a_holder_at_work_keeps_the_release_and_is_named(second: float) -> None:
    world = World()
    world.holds()
    world.at(second, world.renews)
    with pytest.raises(ReleaseHeld) as caught:
        world.take()
    text = str(caught.value)
    assert f"the release of {NAME} in {NAMESPACE} is held by {OTHER} since {SINCE}, which is at work" in text
    assert "Wait until that one has ended, then run the same command again" in text
    assert "15 s after its last sign of life" in text
    assert "\n" not in text
    assert world.time.passed <= second + 0.5
    assert world.server.written() == []


def test_a_release_that_is_given_back_meanwhile_is_taken_at_once() -> None:
    world = World()
    world.holds()
    world.at(3, lambda: world.holds("", token=7))
    state, _ = world.take()
    assert state.term.token == 8
    assert world.time.passed == 3
    assert world.told.lines == []


def test_of_two_that_wait_for_the_same_dead_holder_one_wins() -> None:
    world = World()
    world.holds()
    world.at(15, lambda: world.holds("third", token=8))
    world.at(17, world.renews)
    with pytest.raises(ReleaseHeld, match="is held by third since"):
        world.take()


class Outrun(Lease):
    """A Lease of which somebody else is always faster."""

    def take(self, *_: object) -> LeaseState | None:
        return None


def test_one_that_is_always_outrun_ends() -> None:
    world = World()
    world.holds()
    with pytest.raises(GateFailed, match=r"cannot be taken: in 15\d s it could not be told"):
        world.take(lease=Outrun(world.cluster, NAME))


def test_silence_of_the_cluster_is_no_silence_of_the_holder() -> None:
    world = World()
    world.holds()
    world.at(5, world.falls_silent)
    world.at(18, world.speaks)
    world.at(25, world.renews)
    with pytest.raises(ReleaseHeld):
        world.take()


def test_a_dead_holder_is_followed_after_the_cluster_speaks_again() -> None:
    world = World()
    world.holds()
    world.at(5, world.falls_silent)
    world.at(18, world.speaks)
    world.take()
    assert 33 <= world.time.passed <= 34


def test_a_cluster_that_never_answers_is_unreachable_after_one_duration() -> None:
    world = World(silent=True)
    with pytest.raises(Unreachable, match="refused"):
        world.take()
    assert 15 <= world.time.passed <= 15.5


def test_a_cluster_that_answers_now_and_then_does_not_keep_anybody_waiting_for_ever() -> None:
    world = World()
    world.holds()
    for second in range(4, 200, 8):
        world.at(second, world.falls_silent)
        world.at(second + 4, world.speaks)
    with pytest.raises(GateFailed, match="See that the cluster answers steadily"):
        world.take()
    assert world.time.passed <= 151


def test_a_taking_whose_answer_is_lost_is_recognised_as_ours() -> None:
    world = World()
    world.loses_the_answer_of("POST")
    state, taken_at = world.take()
    assert (state.term.holder, state.term.token) == (OURS, 1)
    assert world.time.passed <= 1
    assert taken_at == 1000.0, "it counts from the taking, not from the look that found it"


def test_a_program_without_its_engine_stops_waiting_and_takes_nothing() -> None:
    world = World()
    world.holds()
    world.at(3, lambda: setattr(world, "engine", False))
    with pytest.raises(GateFailed, match="is not taken: the engine that this program works for is gone"):
        world.take()
    assert world.time.passed == 3
    assert world.server.written() == []


@pytest.mark.parametrize("code", [401, 403])
def test_a_refusal_is_told_at_once(code: int) -> None:
    world = World()
    world.server.fails = lambda _request: httpx.Response(code, json={"message": "no"})
    with pytest.raises(ClusterError, match="To mend it: give the user of this context the right"):
        world.take()
    assert world.time.passed == 0


def test_a_damaged_lease_is_told_at_once() -> None:
    world = World()
    world.holds(leaseDurationSeconds=3600)
    with pytest.raises(ClusterError, match="delete lease"):
        world.take()


@pytest.mark.parametrize("again", [lambda world: world.holds(OURS), lambda world: world.holds(OURS, token=8)])
def test_the_same_name_from_another_time_is_not_ours(again: Callable[[World], None]) -> None:
    world = World()
    again(world)
    world.take()
    assert world.time.passed >= 15
