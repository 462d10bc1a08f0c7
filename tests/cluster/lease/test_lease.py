"""Who holds a release is written so that of two runs at once one wins, and is never guessed."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from cluster.errors import ClusterError
from cluster.lease.lease import LeaseDamaged, Term
from tests.cluster.leases import OTHER, OURS, SINCE, START, World
from tests.recorded import NAME, NAMESPACE


def test_the_first_holder_writes_who_it_is_and_since_when_with_the_first_token() -> None:
    world = World()
    state = world.lease.take(world.lease.read(), OURS, 15, START)
    assert state is not None
    assert state.term.token == 1
    assert world.spec == {
        "holderIdentity": OURS,
        "leaseDurationSeconds": 15,
        "leaseTransitions": 1,
        "acquireTime": "2026-11-23T07:01:12.000000Z",
        "renewTime": "2026-11-23T07:01:12.000000Z",
    }
    assert world.server.requests[-1].url.path == f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"


def test_the_token_goes_up_with_each_change_of_holder_and_with_nothing_else() -> None:
    world = World()
    tokens = []
    for holder in (OURS, OTHER):
        state = world.lease.take(world.lease.read(), holder, 15, START)
        assert state is not None
        for write in (world.lease.renew, world.lease.give_back):
            tokens.append(state.term.token)
            state = write(state, START)
            assert state is not None
        tokens.append(state.term.token)
    assert tokens == [1, 1, 1, 2, 2, 2]
    assert world.spec["holderIdentity"] == ""


@pytest.mark.parametrize("there_is_one", [True, False])
def test_of_two_that_take_it_from_the_same_state_one_wins(*, there_is_one: bool) -> None:
    world = World()
    if there_is_one:
        world.holds("")
    found = world.lease.read()
    assert world.lease.take(found, OTHER, 15, START) is not None
    assert world.lease.take(found, OURS, 15, START) is None
    assert world.spec["holderIdentity"] == OTHER


def test_a_holder_that_was_followed_cannot_write_any_more() -> None:
    world = World()
    ours = world.lease.take(world.lease.read(), OURS, 15, START)
    assert ours is not None
    assert world.lease.take(world.lease.read(), OTHER, 15, START) is not None
    assert world.lease.renew(ours, START) is None
    assert world.lease.give_back(ours, START) is None
    assert world.spec["holderIdentity"] == OTHER


def test_a_lease_that_was_deleted_is_not_made_anew_by_its_holder() -> None:
    world = World()
    ours = world.lease.take(world.lease.read(), OURS, 15, START)
    assert ours is not None
    world.server.fails = lambda request: httpx.Response(404, json={}) if request.method == "PUT" else None
    assert world.lease.renew(ours, START) is None


@pytest.mark.parametrize(
    "spec",
    [
        {"leaseDurationSeconds": 0},
        {"leaseDurationSeconds": 61},
        {"leaseDurationSeconds": "soon"},
        {"leaseTransitions": -1},
        {"renewTime": "yesterday"},
        {"renewTime": "2026-11-23T06:40:01"},
    ],
)
def test_a_damaged_lease_is_one_line_with_the_command_that_mends_it(spec: dict[str, Any]) -> None:
    world = World()
    world.holds(**spec)
    with pytest.raises(LeaseDamaged) as caught:
        world.lease.read()
    text = str(caught.value)
    assert text.startswith(f"Lease {NAME} in {NAMESPACE} does not say who holds the release")
    assert text.endswith(f"kubectl -n {NAMESPACE} delete lease {NAME}")
    assert "\n" not in text


@pytest.mark.parametrize("spec", [None, {}, {"holderIdentity": None, "leaseTransitions": None}])
def test_a_lease_that_names_nobody_is_free(spec: dict[str, object] | None) -> None:
    world = World()
    world.server.leases[NAME] = {"metadata": {"name": NAME, "resourceVersion": "3"}, "spec": spec}
    assert world.lease.read().term == Term()


def test_without_the_right_to_it_the_words_of_the_cluster_and_the_mend_are_told() -> None:
    world = World()
    message = f'leases.coordination.k8s.io "{NAME}" is forbidden'
    world.server.fails = lambda _request: httpx.Response(403, json={"message": message})
    with pytest.raises(ClusterError, match=r"is forbidden\. To mend it: give the user of this context the right"):
        world.lease.read()


def test_a_holder_is_named_on_one_line_of_bounded_length() -> None:
    world = World()
    world.holds()
    assert world.lease.read().term.named_holder == f"{OTHER} since {SINCE}"
    world.holds("a\nb" + "x" * 9999, acquireTime=None)
    assert world.lease.read().term.named_holder == "a b" + "x" * 197 + " (since when is not recorded)"
