"""Production was deployed by hand, as the guide says; the first `pulumi up` takes it over and no request is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from cluster.access import connect
from cluster.releases import VerifiedReleases
from tests.e2e.made_by_hand import APP, applied, config, deployment, service
from tests.e2e.migrations import back_to_head
from tests.e2e.stack import QUICK_CANARY, Stack

pytestmark = pytest.mark.thorough

VERSION = "by-hand"
RATE = 60
KINDS = (
    "deployments,replicasets,services,ingresses,poddisruptionbudgets,horizontalpodautoscalers,jobs,leases,"
    "prometheusrules,podmonitors,alertmanagerconfigs"
)
CONTEXT = "release-manager-sandbox"
# Approvals are of people, and outlive what was deployed.
KEPT = "approvals"


@dataclass(frozen=True)
class ByHand:
    """The stack, which the engine knows nothing of yet, and the pods that serve in it."""

    stack: Stack
    pods: set[str]

    def kubectl(self, *arguments: str) -> str:
        return self.stack.world.kubectl.run(*arguments, namespace=self.stack.namespace, seconds=300)

    def live(self, kind: str) -> dict[str, Any]:
        found: dict[str, Any] = self.stack.world.kubectl.get_json(
            kind, self.stack.deployment, namespace=self.stack.namespace
        )
        return found


def without_a_trace(stack: Stack) -> None:
    """Take away what the engine has made, and what it knows of it."""
    kubectl, names = stack.world.kubectl, [f"{stack.deployment}", f"{stack.deployment}-"]
    for each in (*KINDS.split(","), "configmaps"):
        found = kubectl.get_json(each, namespace=stack.namespace)["items"]
        ours = [
            item["metadata"]["name"]
            for item in found
            if item["metadata"]["name"].startswith(tuple(names)) and not item["metadata"]["name"].endswith(KEPT)
        ]
        if ours:
            kubectl.delete(each, *ours, namespace=stack.namespace)
    kubectl.run("wait", "pod", "--selector=app=release-manager", "--for=delete", namespace=stack.namespace, seconds=90)
    stack.pulumi("stack", "rm", "--force", "--yes", "--preserve-config", "--stack", stack.name)
    stack.pulumi("stack", "select", "--create", stack.name)


def container(image: str) -> dict[str, Any]:
    """Return what somebody runs in a namespace that allows only restricted pods."""
    security = {
        "allowPrivilegeEscalation": False,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return {
        "image": image,
        "env": [{"name": "RELEASE_VERSION", "value": VERSION}, {"name": "PORT", "value": "8080"}],
        "envFrom": [{"secretRef": {"name": "release-manager-credentials"}}],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}, "periodSeconds": 1},
        # With no request of its own a pod gets nothing of a small machine while nine others start.
        "resources": {"requests": {"cpu": "50m"}},
        "securityContext": security,
    }


@pytest.fixture
def by_hand(prod: Stack) -> Iterator[ByHand]:
    """Production as somebody deployed it by hand, with the image and the database of a release that there was."""
    prod.approved_release()
    # One that follows another has a canary, which nothing promotes without requests.
    with prod.load(RATE):
        result = prod.up(settings=QUICK_CANARY)
    assert result.status == 0, result.text
    image, kubectl = prod.running_image(), prod.world.kubectl
    ingress = kubectl.get_json("ingress", prod.deployment, namespace=prod.namespace)
    for rule in ingress["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            path["backend"]["service"]["port"] = {"number": 80}
    without_a_trace(prod)
    way_in = {
        "apiVersion": ingress["apiVersion"],
        "kind": "Ingress",
        "metadata": {"name": prod.deployment, "annotations": {"somebody/s": "annotation"}},
        "spec": ingress["spec"],
    }
    made = deployment(prod.deployment, container(image), replicas=9)
    sidecar = made["spec"]["template"]["spec"]["containers"][1]
    sidecar["securityContext"] = container(image)["securityContext"]
    applied(kubectl, prod.namespace, config(LOG_LEVEL="INFO"), made, service(prod.deployment), way_in)
    kubectl.run("rollout", "status", f"deployment/{prod.deployment}", namespace=prod.namespace, seconds=300)
    yield ByHand(prod, prod.pods())
    back_to_head(prod)


def adopted(stack: Stack) -> list[tuple[bool, str]]:
    cluster = connect(str(stack.world.paths.kubeconfig), CONTEXT, stack.namespace)
    return [(each.adopted, each.release.version) for each in VerifiedReleases(cluster, stack.deployment).read()]


def test_a_bad_first_release_goes_back_to_what_was_made_by_hand_and_a_good_one_follows_it(by_hand: ByHand) -> None:
    stack, bad = by_hand.stack, {"application": {"environment": {"FAULT_CRASH_AFTER_SECONDS": "0"}}}
    stack.change_application()
    version = stack.approved_release()
    planned = stack.pulumi("preview", "--stack", stack.name, "--policy-pack", "policies", settings=QUICK_CANARY)
    assert planned.status == 0, planned.text
    assert f"version {VERSION} becomes the release to go back to" in planned.text
    assert (stack.pods(), adopted(stack)) == (by_hand.pods, [])

    failed, load = stack.up_under_load(rate=RATE, settings={**QUICK_CANARY, **bad}, new_connections=True)

    assert failed.status != 0
    assert "crashed with exit code 1" in failed.error
    assert f"{len(by_hand.pods)} of {len(by_hand.pods)} pods go on serving as they are" in failed.text
    assert (stack.pods(), adopted(stack)) == (by_hand.pods, [(True, VERSION)])
    assert (load.bad, set(load.versions)) == (0, {VERSION}), "\n".join(load.lines())

    # The rollback asks for the approval again.
    stack.approve("--release", version)
    result, load = stack.up_under_load(rate=RATE, settings=QUICK_CANARY, new_connections=True)

    assert result.status == 0, result.text
    assert (load.bad, set(load.versions)) == (0, {VERSION, version}), "\n".join(load.lines())
    assert adopted(stack) == [(False, version), (True, VERSION)]
    pod = by_hand.live("deployment")["spec"]["template"]["spec"]
    assert [(each["name"], len(each["envFrom"])) for each in pod["containers"]] == [("api", 1)]
    assert by_hand.live("ingress")["metadata"]["annotations"]["somebody/s"] == "annotation"
    spec = by_hand.live("service")["spec"]
    assert (spec["type"], spec["selector"]) == ("NodePort", {**APP, "serving": "yes"})
    assert stack.up("--expect-no-changes", settings=QUICK_CANARY).status == 0

    by_hand.kubectl("rollout", "undo", f"deployment/{stack.deployment}")
    by_hand.kubectl("rollout", "status", f"deployment/{stack.deployment}", "--timeout=5m")
    assert stack.health()["version"] == VERSION
