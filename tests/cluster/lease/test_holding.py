"""A process takes its release once, whoever of its gates asks first, keeps it, and gives it back when it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cluster.lease.held import LeaseLost
from cluster.lease.holding import Holding, identity
from cluster.lease.taking import ReleaseHeld
from tests.cluster.leases import OTHER, START, World
from tests.recorded import NAME

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def holding(world: World) -> Iterator[Holding]:
    found = Holding("pulumi up of prod", lambda: world.engine, clock=world.clock, wall_clock=world.now)
    yield found
    found.release()


def test_nothing_is_taken_before_somebody_asks(world: World, holding: Holding) -> None:
    assert holding.token is None
    holding.release()
    assert world.server.requests == []


def test_gates_that_ask_at_the_same_time_share_one_hold(world: World, holding: Holding) -> None:
    together = threading.Barrier(8)

    def gate(_number: int) -> None:
        together.wait(5)
        holding.take(world.cluster, NAME, world.told.reporter).scale("a", 1)

    world.server.fails = lambda request: None if "leases" in request.url.path else PermissionError("not asked for")
    with ThreadPoolExecutor(8) as gates:
        answers = [gates.submit(gate, number) for number in range(8)]
    assert all(isinstance(each.exception(), PermissionError) for each in answers), "each change was let through"
    assert [each for each in world.server.written() if each[1] in {"leases", NAME}] == [("POST", "leases")]
    assert holding.token == 1


def test_a_change_through_the_cluster_it_returns_is_made_only_while_it_holds(world: World, holding: Holding) -> None:
    cluster = holding.take(world.cluster, NAME, world.told.reporter)
    assert cluster.write_config_map("a-record", {"key": "before"}, resource_version=None)
    world.holds(token=2)
    world.sleep(2)
    with pytest.raises(LeaseLost):
        cluster.write_config_map("a-record", {"key": "after"}, resource_version="1")
    found = cluster.config_map("a-record")
    assert found is not None
    assert found["data"] == {"key": "before"}
    with pytest.raises(LeaseLost):
        holding.take(world.cluster, NAME, world.told.reporter)


def test_a_process_that_was_refused_may_ask_again(world: World, holding: Holding) -> None:
    world.holds()
    world.at(1, world.renews)
    with pytest.raises(ReleaseHeld):
        holding.take(world.cluster, NAME, world.told.reporter)
    assert holding.token is None
    world.holds("", token=7)
    holding.take(world.cluster, NAME, world.told.reporter)
    assert holding.token == 8


def test_released_it_is_free_and_the_process_changes_nothing_more(world: World, holding: Holding) -> None:
    cluster = holding.take(world.cluster, NAME, world.told.reporter)
    for _ in range(2):
        holding.release()
    assert world.spec["holderIdentity"] == ""
    with pytest.raises(LeaseLost):
        cluster.scale("a", 1)


def signs_within(world: World, seconds: float, *, enough: int) -> int:
    """Return how many signs of life were given within `seconds`, counting no further than `enough`."""
    seen = {world.spec["renewTime"]}
    deadline = time.monotonic() + seconds
    while len(seen) <= enough and time.monotonic() < deadline:
        time.sleep(0.05)
        seen.add(world.spec["renewTime"])
    return len(seen) - 1


@pytest.fixture
def tended(world: World) -> Iterator[Holding]:
    """A hold that really gives signs of life, three a second."""
    found = Holding("a test", lambda: world.engine, duration_seconds=1)
    found.take(world.cluster, NAME, world.told.reporter)
    yield found
    found.release()


def test_it_gives_signs_of_life_by_itself_and_goes_on_after_a_silence(world: World, tended: Holding) -> None:
    assert signs_within(world, 10, enough=1) == 1
    world.falls_silent()
    tried = len(world.server.requests)
    deadline = time.monotonic() + 10
    while len(world.server.requests) < tried + 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    world.speaks()
    assert signs_within(world, 10, enough=1) == 1
    assert (tended.token, world.spec["leaseTransitions"]) == (1, 1)


def test_without_its_engine_it_gives_no_sign_of_life_any_more(world: World, tended: Holding) -> None:
    assert signs_within(world, 10, enough=1) == 1
    world.engine = False
    time.sleep(0.1)
    assert signs_within(world, 1.5, enough=1) == 0
    with pytest.raises(LeaseLost):
        tended.take(world.cluster, NAME, world.told.reporter)


ENDS = """
import atexit, sys
from tests.cluster.leases import World, NAME
from cluster.lease.holding import Holding
world = World()
atexit.register(lambda: print(repr(world.spec["holderIdentity"])))
Holding("a test").take(world.cluster, NAME, world.told.reporter)
print("a test, started" in world.spec["holderIdentity"])
{end}
"""


@pytest.mark.parametrize(("end", "status"), [("", 0), ("sys.exit(3)", 3), ("raise KeyError", 1)])
def test_a_process_that_ends_gives_the_release_back(end: str, status: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDS.format(end=end)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout.split()) == (status, ["True", "''"]), done.stderr


def test_others_are_told_who_where_and_for_what() -> None:
    who = identity("pulumi up of prod", START)
    user, _, rest = who.partition("@")
    assert user
    assert rest.endswith(f" pid {os.getpid()} (pulumi up of prod, started 07:01:12Z)")


def test_a_user_without_a_name_is_told_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert identity("a test", START).startswith(f"uid {os.getuid()}@")


def test_it_is_held_by_a_name_of_its_own(world: World, holding: Holding) -> None:
    holding.take(world.cluster, NAME, world.told.reporter)
    assert world.spec["holderIdentity"] == identity("pulumi up of prod", START)
    assert world.spec["holderIdentity"] != OTHER
