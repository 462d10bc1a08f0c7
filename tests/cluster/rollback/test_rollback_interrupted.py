"""A rollback that is refused, hindered or killed somewhere on its way: never a lie, and run again it ends the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from checks.verdict import Kind
from cluster.errors import GateFailed
from tests.cluster.rollback_world import STEPS, World, canary_of_v2, release, verified
from tests.cluster.two_tracks import serving_template
from tests.recorded import NAME, job


@pytest.fixture
def world() -> World:
    return canary_of_v2()


WHAT: dict[str, Callable[[httpx.Request], bool]] = {
    "records": lambda request: "/configmaps" in request.url.path,
    "canary": lambda request: "-canary" in request.url.path and "/deployments/" in request.url.path,
    "stable": lambda request: request.url.path.endswith(f"/deployments/{NAME}"),
}


@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize("answer", [httpx.Response(403, json={"message": "no"}), httpx.ReadTimeout("timed out")])
def test_a_step_that_cannot_be_done_does_not_keep_the_others_and_is_no_success(
    world: World, what: str, answer: httpx.Response | Exception
) -> None:
    world.server.move_stable("v2", 6)
    matches = WHAT[what]
    world.server.fails = lambda request: answer if request.method != "GET" and matches(request) else None
    outcome = world.back(verified("v1"))
    assert outcome.kind is not Kind.PASS
    assert len(outcome.undone) == 1
    assert "By hand: " in outcome.undone[0]
    assert outcome.moved is (what != "stable")
    if what == "stable":
        assert "THE ROLLBACK FAILED TOO" in outcome.reason
        assert f"rollout undo deployment/{NAME}" in outcome.reason
    else:
        assert world.server.stable.template == serving_template("v1")
    if what != "canary":
        assert world.server.canary.replicas == 0
    assert world.server.canary.replicas == 0 or set(world.server.serving()) == {"v1"}


@pytest.mark.parametrize("answer", [httpx.Response(403, json={"message": "no"}), httpx.ReadTimeout("timed out")])
def test_pods_that_cannot_be_labelled_go_with_their_deployment_and_nothing_is_waited_for(
    world: World, answer: httpx.Response | Exception
) -> None:
    world.server.fails = lambda request: answer if request.method == "PATCH" and "/pods/" in request.url.path else None
    outcome = world.back(verified("v1"))
    assert outcome.kind is Kind.PASS
    assert outcome.whole_seconds < 5
    world.is_as_before()


def test_an_undo_is_never_named_where_stable_has_not_moved(world: World) -> None:
    world.server.fails = lambda request: (
        httpx.ReadTimeout("x") if request.url.path.endswith(f"/deployments/{NAME}") else None
    )
    outcome = world.back(verified("v1"))
    assert not outcome.moved
    assert "rollout undo" not in outcome.reason
    assert "make rollback" in outcome.reason


def test_an_api_server_that_is_started_anew_is_waited_for(world: World) -> None:
    since = world.server.time.seconds
    world.server.fails = lambda _request: (
        httpx.ConnectError("refused") if world.server.time.seconds - since < 8 else None
    )
    outcome = world.back(verified("v1"))
    assert outcome.kind is Kind.PASS, outcome.reason
    world.is_as_before()


def test_an_api_server_that_is_gone_is_not_waited_for_without_end(world: World) -> None:
    since = world.server.time.seconds
    world.server.fails = lambda _request: httpx.ConnectError("refused")
    outcome = world.back(verified("v1"))
    assert outcome.kind is Kind.UNREACHABLE
    assert not outcome.moved
    assert world.server.time.seconds - since < 70


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("at", range(1, 26))
def test_killed_at_any_change_and_run_again_it_ends_the_same(at: int) -> None:
    world = World()
    world.server.release("v2", 10)
    world.passed("v2", 10, 50)
    world.server.jobs = {"job-of-v1": job(), "job-of-v2": job()}
    world.server.move_stable("v2", 9)
    changes = 0

    def kill(request: httpx.Request) -> None:
        nonlocal changes
        changes += request.method != "GET"
        if changes == at:
            changes += 1
            raise Killed

    world.server.fails = kill
    try:
        world.back(verified("v1"))
    except Killed:
        world.server.fails = lambda _request: None
        assert world.back(verified("v1")).kind is Kind.PASS
    world.server.pass_time(10)
    world.is_as_before()
    assert list(world.server.jobs) == ["job-of-v1"]


def test_killed_before_the_pods_are_back_no_record_calls_a_step_of_the_failed_release_passed() -> None:
    """Otherwise its next update would put it before all users without measuring it."""
    world = World()
    world.server.release("v2", 10)
    world.passed("v2", 10, 50)
    world.server.move_stable("v2", 9)

    def kill(request: httpx.Request) -> None:
        if request.method == "PATCH" and "/deployments/" in request.url.path:
            raise Killed

    world.server.fails = kill
    with pytest.raises(Killed):
        world.back(verified("v1"))
    assert all((world.data(name) or {}).get("version") == "v1" for name in STEPS)


def test_a_run_that_no_longer_holds_the_release_stops_at_once(world: World) -> None:
    def lost() -> None:
        raise GateFailed("this run no longer holds the release")

    rollback = world.rollback()
    guarded = replace(rollback, cluster=rollback.cluster.guarded_by(lost))
    with pytest.raises(GateFailed, match="no longer holds"):
        guarded.run(release("v2"), verified("v1"))
    assert world.server.written() == []
