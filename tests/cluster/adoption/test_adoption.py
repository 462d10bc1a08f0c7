"""What was made by hand is taken over with its pods, or left exactly as it is with the reason and its mend."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from checks.waiting import Reporter
from cluster.adoption.adoption import Adopting
from cluster.adoption.plan import adoption_of, needs_adoption
from cluster.adoption.record import AdoptionRecord
from cluster.adoption.refusals import Traffic
from cluster.api import WRITER
from cluster.errors import ClusterError, GateFailed
from cluster.names import VERSION
from cluster.ownership import ENGINE_MANAGER
from cluster.release import Release
from cluster.releases import VerifiedRelease, VerifiedReleases
from tests.cluster.by_hand_server import APP, NAMES, OURS, ByHandServer, ingress, service, template
from tests.cluster.test_releases import WHEN
from tests.fake_time import FakeTime, Told

TRAFFIC = Traffic(8080, "api.internal", "traefik", None)
SERVES = {**OURS, "serving": "yes"}


class KilledError(Exception):
    pass


@pytest.fixture
def server() -> ByHandServer:
    found = ByHandServer()
    found.follow_the_guide("v1", "v2")
    return found


def adopt(server: ByHandServer, traffic: Traffic = TRAFFIC) -> Told:
    told = Told()
    adopting = Adopting(server.cluster(), NAMES, traffic, clock=FakeTime().clock, wall_clock=lambda: WHEN)
    adopting.run(Reporter(line=told.lines.append))
    return told


def looked(server: ByHandServer) -> str | None:
    return Adopting(server.cluster(), NAMES, TRAFFIC).look()


def due(server: ByHandServer) -> str | None:
    return needs_adoption(server.cluster(), NAMES)


def test_a_deployment_made_by_hand_gets_our_selector_and_keeps_its_pods(server: ByHandServer) -> None:
    pods = {name: pod["metadata"]["uid"] for name, pod in server.kind("pods").items()}
    told = adopt(server)
    assert server.deployment["spec"]["selector"] == {"matchLabels": OURS}
    assert "paused" not in server.deployment["spec"]
    assert server.deployment["metadata"]["labels"] == {**APP, "team": "payments"}
    assert {name: pod["metadata"]["uid"] for name, pod in server.kind("pods").items()} == pods
    assert {each["metadata"]["labels"][VERSION] for each in server.kind("replicasets").values()} == {"v1", "v2"}
    for each in [*server.kind("pods").values(), *server.kind("replicasets").values()]:
        assert SERVES.items() <= each["metadata"]["labels"].items()
    assert "3 of 3 pods go on serving as they are; a rollback goes back to v2" in told.lines[-1]


def test_without_a_deployment_there_is_nothing_to_do() -> None:
    server = ByHandServer()
    assert (due(server), adopt(server).lines, server.writes) == (None, [], 0)


def test_a_second_run_changes_nothing_and_says_nothing(server: ByHandServer) -> None:
    adopt(server)
    before = server.writes
    assert (adopt(server).lines, server.writes) == ([], before)


def test_what_a_preview_says_is_the_same_afterwards(server: ByHandServer) -> None:
    before = due(server)
    assert before is not None
    assert "selector app=release-manager" in before
    adopt(server)
    assert (due(server), adoption_of(server.cluster(), NAMES)) == (None, before)


def test_what_served_is_on_record_as_adopted_and_never_as_verified(server: ByHandServer) -> None:
    adopt(server)
    [entry] = VerifiedReleases(server.cluster(), NAMES.deployment).read()
    assert entry.adopted
    assert entry.release == Release(version="v2", image="registry.internal/rm:v2", configuration="adopted", revision="")
    assert entry.template == server.deployment["spec"]["template"]


@pytest.mark.parametrize("lag", [1, 5, 20])
def test_no_pod_is_started_however_late_the_cluster_looks(server: ByHandServer, lag: int) -> None:
    def fall_behind(what: str) -> None:
        server.lag = lag if what.endswith("deployments") else server.lag

    server.before_change = fall_behind
    adopt(server)
    assert (len(server.kind("replicasets")), len(server.kind("pods"))) == (2, 3)


@pytest.mark.parametrize("by_hand", [True, False])
@pytest.mark.parametrize("change", range(1, 13))
def test_a_run_that_is_killed_anywhere_is_finished_by_the_next(change: int, *, by_hand: bool) -> None:
    """Also: what a run leaves behind that was killed is seen to be due."""
    server, count, killed = ByHandServer(), 0, False
    server.follow_the_guide("v1", "v2", selector=None if by_hand else OURS, labels=None if by_hand else OURS)

    def kill(_what: str) -> None:
        nonlocal count
        count += 1
        if count == change:
            raise KilledError

    server.before_change = kill
    try:
        adopt(server)
    except KilledError:
        killed = True
        assert due(server) is not None
    assert killed or change > 10
    adopt(server)
    assert due(server) is None
    assert (len(server.kind("replicasets")), len(server.kind("pods"))) == (2, 3)
    assert "paused" not in server.deployment["spec"]
    assert server.deployment["spec"]["selector"] == {"matchLabels": OURS}
    assert all(SERVES.items() <= pod["metadata"]["labels"].items() for pod in server.kind("pods").values())


def test_a_stack_of_this_project_keeps_its_deployment_and_its_releases_get_the_label() -> None:
    server = ByHandServer()
    server.follow_the_guide("v1", "v2", selector=OURS, labels=OURS)
    releases = VerifiedReleases(server.cluster(), NAMES.deployment)
    release = Release(version="v2", image="i", configuration="c", revision="r")
    releases.add(VerifiedRelease(release=release, verified_at=WHEN, template=template("v2", OURS), records={}))
    uid = server.deployment["metadata"]["uid"]
    assert "get the labels app=release-manager,serving=yes,track=stable" in str(due(server))
    adopt(server)
    assert server.deployment["metadata"]["uid"] == uid
    [entry] = releases.read()
    assert (entry.adopted, entry.template["metadata"]["labels"]) == (False, SERVES)


def test_a_pod_that_was_taken_out_of_the_service_stays_out() -> None:
    server = ByHandServer()
    server.follow_the_guide("v1", selector=OURS, labels=OURS)
    out = next(iter(server.kind("pods").values()))
    out["metadata"]["labels"]["serving"] = "no"
    adopt(server)
    assert sorted(pod["metadata"]["labels"]["serving"] for pod in server.kind("pods").values()) == ["no", "yes", "yes"]


def test_a_cluster_that_does_not_know_the_pods_again_leaves_them_paused_and_says_so(server: ByHandServer) -> None:
    """As where a webhook rewrites Deployments: their template is never that of the ReplicaSet."""

    def rewrite(what: str) -> None:
        if what == "POST deployments":
            for each in server.kind("replicasets").values():
                each["spec"]["template"]["spec"]["containers"][0]["image"] = "rewritten"

    server.before_change = rewrite
    with pytest.raises(GateFailed, match=r"knows 0 of 3 pods.*Its pods go on serving.*the same command goes on"):
        adopt(server)
    assert server.deployment["spec"]["paused"] is True
    assert len(server.kind("pods")) == 3
    assert due(server) is not None


def test_the_engine_owns_the_pods_and_never_how_many_and_kubectl_nothing(server: ByHandServer) -> None:
    def entry(manager: str, operation: str, **fields: Any) -> dict[str, Any]:
        return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields}

    owned: dict[str, Any] = {"f:type": {}, "f:selector": {}}
    server.kind("services")[NAMES.deployment]["metadata"]["managedFields"] = [
        entry("kubectl-client-side-apply", "Update", **{"f:spec": owned}),
        entry("cloud-controller", "Update", **{"f:metadata": {"f:finalizers": {}}}),
    ]

    def own(what: str) -> None:
        """The record of releases is written when the new Deployment is there."""
        if what == "POST configmaps":
            spec: dict[str, Any] = {"f:replicas": {}, "f:template": {"f:spec": {}}}
            fields = {"f:metadata": {"f:labels": {}}, "f:spec": spec}
            server.deployment["metadata"]["managedFields"] = [entry(WRITER, "Update", **fields)]

    server.before_change = own
    adopt(server)
    managers = {
        each["manager"]: each for each in server.kind("services")[NAMES.deployment]["metadata"]["managedFields"]
    }
    assert managers.keys() == {"made-by-hand", "cloud-controller"}
    assert managers["made-by-hand"]["fieldsV1"] == {"f:spec": owned}
    of_the_pods = {each["manager"]: each["fieldsV1"] for each in server.deployment["metadata"]["managedFields"]}
    assert of_the_pods[ENGINE_MANAGER] == {"f:spec": {"f:template": {"f:spec": {}}}}
    assert of_the_pods["made-by-hand"]["f:spec"] == {"f:replicas": {}}


@pytest.mark.parametrize("by_hand", [True, False])
def test_what_was_deleted_after_a_killed_run_is_no_longer_due(*, by_hand: bool) -> None:
    server = ByHandServer()
    server.follow_the_guide("v1", selector=None if by_hand else OURS, labels=None if by_hand else OURS)

    def kill(what: str) -> None:
        if what in {"DELETE deployments", "PATCH deployments"}:
            raise KilledError

    server.before_change = kill
    with pytest.raises(KilledError):
        adopt(server)
    server.before_change = lambda _what: None
    for kind in ("deployments", "replicasets", "pods"):
        server.kind(kind).clear()
    assert "nothing is left of what was to be taken over" in adopt(server).lines[0]
    assert (due(server), server.kind("deployments")) == (None, {})


def test_a_look_changes_nothing_and_refuses_what_a_run_would_refuse(server: ByHandServer) -> None:
    writes = server.writes
    assert looked(server) == due(server)
    server.put("services", service(selector=None))
    with pytest.raises(ClusterError, match="names no pods by a selector"):
        looked(server)
    assert (server.writes, server.kind("configmaps")) == (writes + 1, {})


def test_a_damaged_record_is_named_with_its_mend(server: ByHandServer) -> None:
    name = AdoptionRecord(server.cluster(), NAMES).name
    server.put("configmaps", {"metadata": {"name": name}, "data": {"adoption.json": "{"}})
    with pytest.raises(ClusterError, match=f"delete configmap {name}"):
        adopt(server)


def test_a_deployment_that_others_change_all_the_time_is_given_up(server: ByHandServer) -> None:
    def change(what: str) -> None:
        if what == "DELETE deployments":
            server.put("deployments", copy.deepcopy(server.deployment))

    server.before_change = change
    with pytest.raises(ClusterError, match="changed by somebody else 5 times in a row"):
        adopt(server)
    assert len(server.kind("pods")) == 3


def test_what_stands_beside_is_left_alone_and_named(server: ByHandServer) -> None:
    target = {"kind": "Deployment", "name": NAMES.deployment}
    server.put("horizontalpodautoscalers", {"metadata": {"name": "hpa"}, "spec": {"scaleTargetRef": target}})
    server.put("poddisruptionbudgets", {"metadata": {"name": "pdb"}, "spec": {"selector": {"matchLabels": APP}}})
    server.put("services", {**service(), "metadata": {"name": "release-manager"}})
    server.put("ingresses", ingress("public", backend="release-manager"))
    beside = ("horizontalpodautoscalers", "poddisruptionbudgets", "ingresses")
    before = copy.deepcopy({kind: server.kind(kind) for kind in beside})
    lines = "\n".join(adopt(server).lines)
    for named in (
        "HorizontalPodAutoscaler hpa",
        "PodDisruptionBudget pdb",
        "Service release-manager",
        "Ingress public",
    ):
        assert f"{named} is left alone" in lines
    assert {kind: server.kind(kind) for kind in beside} == before
    assert "image registry.internal/rm:v2 is named by its tag" in lines
