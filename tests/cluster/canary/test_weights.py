"""The canary gets exactly its share, and never a request that none of its pods could answer."""

from __future__ import annotations

import pytest

from checks.verdict import Kind
from cluster.canary.pods import ReleasePods, let_canary_go
from cluster.canary.weights import canary_weight, share_out, take_weight_off
from cluster.errors import ClusterError
from cluster.names import CANARY, STABLE, Names
from tests.cluster.route_server import NAMES, RouteServer, pod_of, route


def shared_out(server: RouteServer, percent: int | None, pods: int = 1) -> tuple[int, int]:
    share_out(server.cluster(), NAMES, percent=percent, pods=pods)
    return server.weights


def test_one_pod_beside_three_gets_exactly_its_share() -> None:
    server = RouteServer().with_pods(stable=3, canary=1)
    assert shared_out(server, 10) == (90, 10)
    assert canary_weight(server.cluster(), NAMES) == 10


def test_a_look_that_finds_the_share_as_it_is_to_be_changes_nothing() -> None:
    server = RouteServer(route(canary=10)).with_pods(stable=3, canary=1)
    shared_out(server, 10)
    assert server.changed == []


def test_a_share_grows_only_when_all_pods_of_the_step_are_behind_the_service() -> None:
    server = RouteServer(route(canary=10)).with_pods(stable=3, canary=3)
    server.behind = {"stable-0", "stable-1", "stable-2", "canary-0", "canary-1"}
    assert shared_out(server, 50, pods=3) == (90, 10)
    server.behind.add("canary-2")
    assert shared_out(server, 50, pods=3) == (50, 50)


def test_a_share_that_an_earlier_run_left_too_high_goes_down_at_once() -> None:
    assert shared_out(RouteServer(route(canary=50)).with_pods(stable=3, canary=1), 10, pods=2) == (90, 10)


@pytest.mark.parametrize(
    "canary",
    [[], [pod_of(CANARY, "canary-0", ready=False)], [pod_of(CANARY, "canary-0", serving="no")]],
    ids=["gone", "not ready", "taken out of service"],
)
def test_no_request_is_sent_where_no_pod_serves(canary: list[dict[str, object]]) -> None:
    server = RouteServer(route(canary=50)).with_pods(stable=3, canary=0)
    server.pods += canary
    assert shared_out(server, 50) == (100, 0)
    assert shared_out(server, None) == (100, 0), "nor while stable is replaced"


def test_where_only_the_canary_serves_it_gets_all() -> None:
    server = RouteServer(route(canary=10)).with_pods(stable=0, canary=1)
    assert shared_out(server, 10) == (0, 100)


def test_while_stable_is_replaced_the_canary_keeps_its_share() -> None:
    server = RouteServer(route(canary=50)).with_pods(stable=4, canary=3)
    assert shared_out(server, None, pods=3) == (50, 50)
    assert server.changed == []


def test_the_weight_goes_before_the_pods() -> None:
    server = RouteServer(route(canary=50)).with_pods(stable=3, canary=3)
    let_canary_go(server.cluster(), NAMES)
    assert server.changed == ["weight 0", f"{NAMES.canary} to 0"]


def test_going_back_takes_the_weight_off_and_twice_is_once() -> None:
    server = RouteServer(route(canary=10)).with_pods(stable=3, canary=1)
    assert take_weight_off(server.cluster(), NAMES)
    assert server.weights == (100, 0)
    assert not take_weight_off(server.cluster(), NAMES)


def test_going_back_keeps_the_requests_where_something_serves() -> None:
    server = RouteServer(route(canary=50)).with_pods(stable=0, canary=3)
    server.pods.append(pod_of(STABLE, "stable-0", serving="no"))
    take_weight_off(server.cluster(), NAMES)
    assert server.weights == (0, 100)
    server.pods.append(pod_of(STABLE, "stable-1"))
    take_weight_off(server.cluster(), NAMES)
    assert server.weights == (100, 0)


def test_without_a_route_there_is_no_weight_to_take_off() -> None:
    assert not take_weight_off(RouteServer(route=None).cluster(), NAMES)

    server = RouteServer()
    assert not take_weight_off(server.cluster(), Names(NAMES.deployment, NAMES.app))
    assert server.asked == 0, "a cluster may know nothing of Gateways"


def test_a_step_without_its_route_says_what_makes_it() -> None:
    with pytest.raises(ClusterError, match=r"no HTTPRoute release-manager-dev in namespace development.*same command"):
        share_out(RouteServer(route=None).cluster(), NAMES, percent=10, pods=1)


def test_a_gateway_that_does_not_take_the_route_is_named_before_anybody_waits_for_requests() -> None:
    refused = route()
    refused["status"]["parents"][0]["conditions"][0] |= {"status": "False", "reason": "NotAllowedByListeners"}
    unseen = {**route(), "status": {}}
    for found, why in ((refused, "NotAllowedByListeners"), (unseen, "says nothing")):
        server = RouteServer(found).with_pods(stable=3, canary=1)
        with pytest.raises(
            ClusterError, match=rf"Gateway gateways/public does not take HTTPRoute.*{why}.*ingress\.gateway"
        ):
            share_out(server.cluster(), NAMES, percent=10, pods=1)
        assert server.changed == []


def test_a_step_is_ready_only_with_its_share_and_is_judged_by_it() -> None:
    server = RouteServer().with_pods(stable=3, canary=1)
    new, old = server.cluster().pods(NAMES.selector(CANARY)), server.cluster().pods(NAMES.selector(STABLE))
    waiting = ReleasePods(1, tuple(new), tuple(old), weight=0, asked_weight=10)
    assert waiting.readiness().kind is Kind.TOO_FEW
    assert waiting.readiness().reason == "1 of 1 new pods are ready, and get 0 of 10 % of the requests"
    there = ReleasePods(1, tuple(new), tuple(old), weight=10, asked_weight=10)
    assert there.readiness().kind is Kind.PASS
    assert there.share == 0.1
    assert ReleasePods(1, tuple(new), tuple(old)).share == 0.25, "without a Gateway the number of pods decides"
