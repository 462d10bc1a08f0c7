"""Going back: the bad pods out of the Service at once, never too few left in it, everything as it was, and no lie."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from checks.verdict import Kind
from cluster.names import CANARY, STABLE, Names
from cluster.rollback.pod_template import as_canary
from cluster.rollback.service_pods import ServicePods, track_of
from tests.cluster.api_server import config_map
from tests.cluster.rollback_world import NOW, STEPS, VERIFIED, World, canary_of_v2, release, verified
from tests.cluster.route_server import route
from tests.cluster.two_tracks import NAMES, TwoTracks, serving_template
from tests.recorded import NAME, job


@pytest.fixture
def world() -> World:
    return canary_of_v2()


def test_a_bad_canary_leaves_and_stable_that_never_moved_is_not_touched(world: World) -> None:
    before = [each["metadata"]["name"] for each in world.server.pods if "canary" not in each["metadata"]["name"]]
    outcome = world.back(verified("v1"))
    assert outcome.kind is Kind.PASS
    assert outcome.moved
    assert outcome.undone == ()
    world.is_as_before()
    assert [each["metadata"]["name"] for each in world.server.pods] == before
    assert ("PATCH", NAME) not in world.server.written()


def test_the_bad_pods_leave_the_service_before_anything_else_is_changed() -> None:
    world = World()
    world.server.release("v2", 10)
    assert sorted(set(world.server.serving())) == ["v1", "v2"]
    seen: list[list[str]] = []

    def first_other(request: httpx.Request) -> None:
        if request.method != "GET" and "/pods/" not in request.url.path and not seen:
            seen.append(world.server.serving())

    world.server.fails = first_other
    outcome = world.back(verified("v1"))
    assert set(seen[0]) == {"v1"}
    assert outcome.off_seconds == 0.0, "no time passes before they are out"


def test_each_step_is_told_in_one_line_with_its_seconds(world: World) -> None:
    world.back(verified("v1"))
    assert [line.removeprefix("rollback: ").partition(" (")[0] for line in world.told.lines] == [
        "going back to v1",
        "1 pod of another release taken out of the Service",
        "4 records put back",
        "the canary is scaled to 0 and has the template of v1",
        "stable has the template of v1",
        "10 of 10 pods are ready on v1",
        "10 pods behind the Service, all run v1",
        "http://dev-api.internal/health was healthy 2 of 2 times and answers version v1",
    ]
    assert all(line.endswith(" s)") for line in world.told.lines[1:])


def test_a_release_of_the_same_version_is_told_by_its_configuration_and_health_asked_for_the_version() -> None:
    world = World()
    to = verified("v1")
    left = to.release.model_copy(update={"configuration": "decaf"})
    outcome = world.rollback().run(left, to)
    assert outcome.reason.startswith("v1 with configuration c0ffee serves again after ")
    assert "rollback: stable has the template of v1 with configuration c0ffee" in " ".join(world.told.lines)
    assert "answers version v1 (" in world.told.lines[-1]


def test_half_moved_stable_goes_back_and_never_too_few_pods_serve() -> None:
    world = World()
    world.server.release("v2", 10)
    world.server.move_stable("v2", 21)
    assert world.server.versions(STABLE).count("v2") >= 6
    outcome = world.back(verified("v1"))
    assert outcome.kind is Kind.PASS, outcome.reason
    world.server.pass_time(10)
    assert world.server.stable.template == serving_template("v1")
    assert world.server.serving() == ["v1"] * 10
    assert world.server.least_serving >= 5
    assert outcome.off_seconds is not None
    assert outcome.off_seconds < outcome.whole_seconds


def test_while_no_old_pod_is_ready_the_bad_ones_stay_for_fewer_of_them_would_be_no_better() -> None:
    world = World()
    world.server.move_stable("v2", 60)
    assert set(world.server.serving()) == {"v2"}
    seen: list[list[str]] = []

    def at_the_first_label(request: httpx.Request) -> None:
        if request.method == "PATCH" and "/pods/" in request.url.path and not seen:
            seen.append(world.server.serving())

    world.server.fails = at_the_first_label
    outcome = world.back(verified("v1"))
    assert outcome.kind is Kind.PASS, outcome.reason
    assert seen[0].count("v1") == 1
    assert world.server.least_serving >= 5
    assert world.server.serving() == ["v1"] * 10


def test_of_bad_pods_those_of_the_canary_leave_first() -> None:
    world = World()
    world.server.release("v2", 2)
    world.server.move_stable("v2", 24)
    pods = ServicePods(world.server.cluster(), NAMES, 0.5).look(serving_template("v1"))
    ready = sum(pod.ready for pod in pods.good)
    assert 0 < ready < 5
    leaving = pods.to_take_off(5)
    assert [track_of(pod) for pod in leaving if pod.ready][:2] == [CANARY, CANARY]
    assert sum(pod.ready for pod in pods.bad) - sum(pod.ready for pod in leaving) + ready == 5


def test_pods_that_are_out_of_the_service_are_the_first_to_end() -> None:
    """Otherwise one that still serves might end in their place, and too few would be left."""
    world = World()
    world.server.release("v2", 2)
    world.server.move_stable("v2", 24)
    off: list[str] = []

    def note(request: httpx.Request) -> None:
        if request.method == "PATCH" and "/pods/" in request.url.path:
            off.append(request.read().decode())

    world.server.fails = note
    world.back(verified("v1"))
    assert off
    assert all('"controller.kubernetes.io/pod-deletion-cost": "-100"' in body for body in off)
    assert world.server.least_serving >= 5


def test_a_stable_whose_canary_took_its_place_is_scaled_up_before_the_canary_goes() -> None:
    world = World(replicas=10, least_share=0.8)
    world.server.stable.replicas = 5
    world.server.pass_time(1)
    world.server.release("v2", 5)
    world.server.least_serving = 10
    outcome = world.back(verified("v1"))
    assert outcome.kind is Kind.PASS, outcome.reason
    assert world.server.stable.replicas == 10
    assert world.server.least_serving >= 8
    world.server.pass_time(2)
    assert world.server.serving() == ["v1"] * 10
    assert world.server.canary.replicas == 0


def test_a_record_that_did_not_exist_when_the_old_release_was_verified_is_deleted() -> None:
    world = World()
    world.passed("v2", 10, 50)
    world.server.jobs = {"job-of-v1": job(), "job-of-v2": job()}
    old = verified("v1").model_copy(update={"records": {STEPS[0]: {"version": "v1"}}})
    world.back(old)
    assert world.data(STEPS[0]) == {"version": "v1"}
    assert world.data(STEPS[1]) is None
    assert world.data(NAMES.record("migration")) is None
    assert list(world.server.jobs) == ["job-of-v1"]


def test_a_migration_whose_job_is_gone_stays_on_record_as_it_is_so_that_no_update_makes_a_job_again() -> None:
    """A release that was verified has taken the Job of the one before with it."""
    world = World()
    world.passed("v2", 10, 50, 100)
    world.server.jobs = {"job-of-v2": job()}
    migration = world.data(NAMES.record("migration"))

    world.back(verified("v1"))

    assert world.data(NAMES.record("migration")) == migration
    assert world.data(STEPS[0]) == {"version": "v1"}
    assert list(world.server.jobs) == ["job-of-v2"]


def test_the_record_of_the_verification_names_the_release_gone_back_to(world: World) -> None:
    world.server.config_maps[VERIFIED] = config_map(VERIFIED, release("v2").model_dump())
    world.back(verified("v1"))
    assert world.data(VERIFIED) == release("v1").model_dump()


def test_what_is_as_it_was_already_is_not_written_again(world: World) -> None:
    world.back(verified("v1"))
    world.server.requests.clear()
    assert world.back(verified("v1")).kind is Kind.PASS
    assert world.server.written() == []


def test_a_template_from_before_the_label_gets_it_so_that_its_pods_are_in_the_service(world: World) -> None:
    unlabelled = serving_template("v1")
    del unlabelled["metadata"]["labels"]["serving"]
    world.server.move_stable("v2", 3)
    assert world.back(verified("v1", unlabelled)).kind is Kind.PASS
    world.is_as_before()


def test_where_the_service_does_not_select_by_the_label_nothing_is_labelled() -> None:
    world = World(server=TwoTracks(service_selector={"app": "release-manager"}))
    world.server.release("v2", 1)
    outcome = world.back(verified("v1"))
    assert outcome.kind is Kind.PASS, outcome.reason
    assert not [path for path in world.server.written() if path[0] == "PATCH" and "canary-" in path[1]]
    assert set(world.server.serving()) == {"v1"}


def test_a_gateway_sends_the_canary_nothing_more_before_its_pods_leave() -> None:
    world = World(server=TwoTracks(route=route(10)), names=Names(NAME, "release-manager", weighted=True))
    world.server.release("v2", 1)
    world.server.requests.clear()
    outcome = world.back(verified("v1"))
    assert outcome.kind is Kind.PASS, outcome.reason
    assert world.server.route == route(0)
    assert world.server.written()[0] == ("PATCH", NAME)
    first = next(each.url.path for each in world.server.requests if each.method != "GET")
    assert first.endswith(f"/httproutes/{NAME}")
    assert set(world.server.serving()) == {"v1"}


def test_a_stack_without_a_canary_goes_back_too() -> None:
    world = World(server=TwoTracks(with_canary=False))
    world.server.move_stable("v2", 60)
    assert world.back(verified("v1")).kind is Kind.PASS
    assert world.server.serving() == ["v1"] * 10


def test_pods_that_were_out_of_the_service_serve_again_when_it_is_their_release_that_is_gone_back_to() -> None:
    world = World()
    for each in world.server.pods[:3]:
        each["metadata"]["labels"]["serving"] = "no"
    assert world.back(verified("v1")).kind is Kind.PASS
    assert world.server.serving() == ["v1"] * 10


def test_an_old_version_that_crashes_too_is_told_at_once(world: World) -> None:
    world.server.move_stable("v2", 30)
    before = world.server.time.seconds
    outcome = world.back(verified("v1", serving_template("v1", crash=True)))
    assert outcome.kind is Kind.FAIL
    assert "v1 was put back, but after" in outcome.reason
    assert "crashed with exit code 1" in outcome.reason
    assert "serves again" not in outcome.reason
    assert world.server.time.seconds - before < 30


def test_a_pod_of_another_version_behind_the_service_is_seen(world: World) -> None:
    endpoint = {"targetRef": {"name": "by-hand"}, "conditions": {"ready": True}}
    stray = httpx.Response(200, json={"items": [{"endpoints": [endpoint]}]})
    world.server.fails = lambda request: stray if request.url.path.endswith("/endpointslices") else None
    outcome = world.back(verified("v1"))
    assert outcome.kind is Kind.TOO_FEW
    assert "1 pod behind Service release-manager-dev that do not run v1: by-hand" in outcome.reason


def test_a_silent_address_is_no_success(world: World) -> None:
    world.silent = True
    outcome = world.back(verified("v1"))
    assert outcome.kind is Kind.UNREACHABLE
    assert "v1 was put back, but after" in outcome.reason


def test_the_first_release_has_nothing_to_go_back_to_and_nothing_is_touched() -> None:
    world = World()
    world.server.stable.template = serving_template("v2")
    world.server.pass_time(60)
    world.server.canary.template = as_canary(serving_template("v2"))
    world.server.requests.clear()
    outcome = world.back(None)
    assert outcome.kind is Kind.NO_DATA
    assert "first release here, so there is nothing to go back to; its pods were left for inspection" in outcome.reason
    assert world.server.written() == []


def test_the_first_canary_beside_pods_that_serve_is_taken_away(world: World) -> None:
    outcome = world.back(None)
    assert outcome.kind is Kind.NO_DATA
    assert "its canary was taken away, and the pods that stood here before it serve" in outcome.reason
    assert set(world.server.serving()) == {"v1"}
    assert world.server.canary.replicas == 0
    assert world.server.canary.template == as_canary(serving_template("v1"))
    assert world.data(STEPS[0]) is None, "the next update measures it again"
    assert world.data(NAMES.record("migration")) is not None
    assert world.server.versions(CANARY) == []


def test_after_a_contract_nothing_is_moved_and_the_command_by_hand_is_named(world: World) -> None:
    contract = (
        '[{"version": "v2", "sha256": "' + "ab" * 32 + '", "from_revision": "r1",'
        f' "at": "{(NOW + timedelta(minutes=5)).isoformat()}", "waived": ["ban-drop-column in r2"]}}]'
    )
    name = f"{NAME}-migration-plan"
    world.server.config_maps[name] = config_map(name, {"contracts": contract})
    world.server.requests.clear()
    outcome = world.back(verified("v1"))
    assert outcome.kind is Kind.FAIL
    assert not outcome.moved
    assert outcome.reason.startswith("There is no way back to v1: the migration of v2 (SQL abababababab")
    assert "ban-drop-column in r2" in outcome.reason
    assert f"kubectl -n development rollout undo deployment/{NAME}" in outcome.reason
    assert world.server.written() == []
