"""What was made by hand is taken over on a real cluster: no pod moves and no request is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checks.waiting import Reporter
from cluster.access import connect
from cluster.adoption.adoption import Adopting
from cluster.adoption.plan import adoption_of, needs_adoption
from cluster.adoption.refusals import Traffic
from cluster.api import Cluster
from cluster.errors import ClusterError
from cluster.names import Names
from cluster.ownership import ENGINE_MANAGER
from cluster.releases import VerifiedReleases
from sandbox.world import World
from tests.e2e.made_by_hand import APP, SERVER, Requests, applied, config, deployment, service

pytestmark = pytest.mark.thorough

CONTEXT = "release-manager-sandbox"
NAMES = Names("release-manager-prod", "release-manager")
TRAFFIC = Traffic(8080, "api.internal", "traefik", None)
OURS = {"app": "release-manager", "track": "stable"}
Json = dict[str, Any]


class ByHand:
    """A namespace in which the guide was followed by hand."""

    def __init__(self, world: World, namespace: str) -> None:
        self.world = world
        self.namespace = namespace
        self.cluster: Cluster = connect(str(world.paths.kubeconfig), CONTEXT, namespace)
        self.said: list[str] = []

    def wanted(self, version: str) -> Json:
        container = {
            "image": self.world.images.base,
            "command": ["python3", "-c", SERVER],
            "env": [{"name": "RELEASE_VERSION", "value": version}],
            "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
        }
        return deployment(NAMES.deployment, container)

    def release(self, version: str, **changes: Any) -> None:
        wanted = self.wanted(version)
        wanted["spec"] |= changes
        applied(self.world.kubectl, self.namespace, config(COLOUR="blue"), wanted, service(NAMES.deployment))
        self.kubectl("rollout", "status", f"deployment/{NAMES.deployment}", "--timeout=60s")
        self.requests().steady()

    def adopt(self) -> None:
        Adopting(self.cluster, NAMES, TRAFFIC).run(Reporter(line=self.said.append))

    def kubectl(self, *arguments: str) -> str:
        return self.world.kubectl.run(*arguments, namespace=self.namespace, seconds=90)

    def get(self, *arguments: str) -> Json:
        return self.world.kubectl.get_json(*arguments, namespace=self.namespace)

    def pods(self, selector: str = "app=release-manager") -> dict[str, str]:
        """Return name and uid of the pods that are not on their way out."""
        return {
            pod["metadata"]["name"]: pod["metadata"]["uid"]
            for pod in self.get("pods", f"--selector={selector}")["items"]
            if "deletionTimestamp" not in pod["metadata"]
        }

    def requests(self) -> Requests:
        return Requests(self.get("service", NAMES.deployment)["spec"]["clusterIP"], 80)

    def apply_as_the_engine(self, document: Json) -> None:
        flags = ("--server-side", "--force-conflicts", f"--field-manager={ENGINE_MANAGER}", "--filename=-")
        self.world.kubectl.run("apply", *flags, namespace=self.namespace, stdin=json.dumps(document))


@pytest.fixture
def by_hand(world: World, namespace: str) -> ByHand:
    found = ByHand(world, namespace)
    found.release("v1")
    return found


def release_of(template_of: Json, version: str) -> Json:
    """Return what the engine declares: one container called api, and none of what people added."""
    app = template_of["spec"]["template"]["spec"]["containers"][0]
    kept = ("image", "command", "readinessProbe")
    container = {
        "name": "api",
        **{key: app[key] for key in kept},
        "env": [{"name": "RELEASE_VERSION", "value": version}],
    }
    labels = {**OURS, "serving": "yes", "app.kubernetes.io/version": version}
    spec = {"terminationGracePeriodSeconds": 5, "containers": [container]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAMES.deployment, "labels": APP},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": OURS},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def test_a_deployment_made_by_hand_is_taken_over_without_a_lost_request(by_hand: ByHand) -> None:
    by_hand.release("v2")
    before = by_hand.pods()
    due = needs_adoption(by_hand.cluster, NAMES)
    assert due is not None
    with by_hand.requests() as requests:
        by_hand.adopt()
        selector = {"spec": {"selector": {**APP, "serving": "yes"}}}
        by_hand.kubectl("patch", "service", NAMES.deployment, "--patch", json.dumps(selector))
        live = by_hand.get("deployment", NAMES.deployment)
        assert live["spec"]["selector"]["matchLabels"] == OURS
        assert "paused" not in live["spec"]
        assert by_hand.pods() == before
        by_hand.kubectl("rollout", "status", f"deployment/{NAMES.deployment}", "--timeout=10s")
        assert len(by_hand.get("replicasets")["items"]) == 2
        requests.until_answered(200)
    assert requests.failed == []
    assert {answer["version"] for answer in requests.answered} == {"v2"}
    assert needs_adoption(by_hand.cluster, NAMES) is None
    assert adoption_of(by_hand.cluster, NAMES) == due
    by_hand.adopt()
    assert by_hand.pods() == before


def test_the_revisions_from_before_can_be_gone_back_to(by_hand: ByHand) -> None:
    by_hand.release("v2")
    by_hand.adopt()
    [adopted] = VerifiedReleases(by_hand.cluster, NAMES.deployment).read()
    assert (adopted.adopted, adopted.release.version) == (True, "v2")
    by_hand.kubectl("rollout", "undo", f"deployment/{NAMES.deployment}")
    by_hand.kubectl("rollout", "status", f"deployment/{NAMES.deployment}", "--timeout=60s")
    assert len(by_hand.pods("serving=yes,track=stable,app.kubernetes.io/version=v1")) == 3
    by_hand.cluster.replace_deployment_template(NAMES.deployment, adopted.template)
    by_hand.kubectl("rollout", "status", f"deployment/{NAMES.deployment}", "--timeout=60s")
    assert len(by_hand.get("replicasets")["items"]) == 2


def test_what_people_added_to_the_pods_goes_with_the_next_release(by_hand: ByHand) -> None:
    by_hand.adopt()
    live = by_hand.get("deployment", NAMES.deployment)
    by_hand.kubectl("scale", f"deployment/{NAMES.deployment}", "--replicas=4")
    by_hand.apply_as_the_engine(release_of(live, "v2"))
    after = by_hand.get("deployment", NAMES.deployment)
    [container] = after["spec"]["template"]["spec"]["containers"]
    assert container["name"] == "api"
    assert {"envFrom", "volumeMounts"} & container.keys() == set()
    assert "volumes" not in after["spec"]["template"]["spec"]
    assert after["metadata"]["labels"] == {**APP, "team": "payments"}
    bare = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": NAMES.deployment},
        "spec": {"selector": {**APP, "serving": "yes"}, "ports": [{"port": 80, "targetPort": 8080}]},
    }
    by_hand.apply_as_the_engine(bare)
    spec = by_hand.get("service", NAMES.deployment)["spec"]
    assert (spec["type"], spec["selector"]) == ("NodePort", {**APP, "serving": "yes"})


class KilledError(Exception):
    pass


# Before the Deployment is deleted, made anew, and resumed, and before the record says that it is done.
@pytest.mark.parametrize("change", [2, 4, 8, 12])
def test_a_takeover_that_was_killed_goes_on(by_hand: ByHand, change: int) -> None:
    before, changes = by_hand.pods(), iter(range(1, 100))

    def kill() -> None:
        if next(changes) == change:
            raise KilledError

    whole = by_hand.cluster
    by_hand.cluster = whole.guarded_by(kill)
    with by_hand.requests() as requests:
        with pytest.raises(KilledError):
            by_hand.adopt()
        by_hand.cluster = whole
        assert needs_adoption(whole, NAMES) is not None
        by_hand.adopt()
        assert by_hand.pods() == before
        assert needs_adoption(whole, NAMES) is None
    live = by_hand.get("deployment", NAMES.deployment)
    assert live["spec"]["selector"]["matchLabels"] == OURS
    assert "paused" not in live["spec"]
    assert requests.failed == []


def test_a_stack_of_this_project_only_gets_the_missing_labels(by_hand: ByHand) -> None:
    by_hand.adopt()
    by_hand.kubectl("delete", "configmap", NAMES.record("adoption"))
    by_hand.kubectl("delete", "deployment", NAMES.deployment, "--wait=true")
    wanted = by_hand.wanted("v3")["spec"]["template"]
    wanted["metadata"]["labels"] = {**OURS, "app.kubernetes.io/version": "v3"}
    by_hand.release("v3", selector={"matchLabels": OURS}, template=wanted)
    before, uid = by_hand.pods(), by_hand.get("deployment", NAMES.deployment)["metadata"]["uid"]
    assert needs_adoption(by_hand.cluster, NAMES) is not None
    with by_hand.requests() as requests:
        by_hand.adopt()
        assert by_hand.pods() == before
    assert by_hand.get("deployment", NAMES.deployment)["metadata"]["uid"] == uid
    assert by_hand.pods("serving=yes,track=stable") == before
    [adopted] = VerifiedReleases(by_hand.cluster, NAMES.deployment).read()
    assert adopted.template["metadata"]["labels"]["serving"] == "yes"
    assert requests.failed == []


def test_another_deployment_that_would_take_the_pods_is_refused_before_anything_changes(by_hand: ByHand) -> None:
    other = deployment("other", {"image": by_hand.world.images.base, "command": ["sleep", "86400"]}, replicas=0)
    applied(by_hand.world.kubectl, by_hand.namespace, other)
    before = by_hand.get("deployment", NAMES.deployment)
    with pytest.raises(ClusterError, match="Deployment other selects its pods too"):
        by_hand.adopt()
    assert by_hand.get("deployment", NAMES.deployment) == before
    assert by_hand.cluster.config_map(NAMES.record("adoption")) is None
