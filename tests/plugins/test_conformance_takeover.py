"""What becomes of objects that stand on a real cluster already when a program first declares them.

The adoption of a stack that was made by hand rests on these.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.conformance import ClusterApi, Objects
from tests.plugins.test_conformance_kubernetes import DEPLOYMENTS, SKIP, deployment

pytestmark = [pytest.mark.e2e, pytest.mark.thorough]

MANAGER = "pulumi-kubernetes-release"
DECLARED = {**SKIP, "pulumi.com/patchFieldManager": MANAGER}
PORT = {"name": "http", "port": 80, "protocol": "TCP"}
Json = dict[str, Any]


@pytest.fixture
def takers(objects: Objects) -> Objects:
    """Objects whose provider may take over what exists, as the release's does."""
    objects.provider |= {"upsert_existing_objects": True, "enable_patch_force": True}
    return objects


def service(**spec: Any) -> Json:
    return {"metadata": {"name": "web", "annotations": DECLARED}, "spec": {"ports": [PORT], **spec}}


def test_what_exists_is_taken_over_in_place_and_the_preview_after_it_is_empty(takers: Objects, api: ClusterApi) -> None:
    by_hand = service(type="NodePort", selector={"app": "web", "tier": "front"})
    api.post("services", by_hand | {"metadata": {"name": "web", "labels": {"theirs": "yes"}}})
    before = api.live("services", "web")
    takers.put("web", "core.v1.Service", **service(selector={"app": "web", "serving": "yes"}))
    assert takers.stack.preview()["web"].operations == {"create"}
    assert api.live("services", "web") == before
    takers.stack.up()
    live = api.live("services", "web")
    assert live["metadata"]["uid"] == before["metadata"]["uid"]
    assert live["spec"]["selector"] == {"app": "web", "serving": "yes"}, "a selector is replaced as a whole"
    assert (live["spec"]["type"], live["metadata"]["labels"]["theirs"]) == ("NodePort", "yes")
    assert live["spec"]["clusterIP"] == before["spec"]["clusterIP"]
    assert takers.stack.preview() == {}


def test_what_the_manager_of_the_program_owns_and_the_program_leaves_out_goes(takers: Objects, api: ClusterApi) -> None:
    by_hand = {"apiVersion": "apps/v1", "kind": "Deployment", **deployment()}
    containers = by_hand["spec"]["template"]["spec"]["containers"]
    containers.append({"name": "sidecar", "image": "conformance.invalid/none:1"})
    api.apply(DEPLOYMENTS, by_hand, MANAGER)
    takers.put("web", "apps.v1.Deployment", **deployment(annotations=DECLARED))
    takers.stack.up()
    live = api.live(DEPLOYMENTS, "web")
    assert [container["name"] for container in live["spec"]["template"]["spec"]["containers"]] == ["c"]
    assert takers.stack.preview() == {}


def test_what_somebody_else_owns_stays_beside_it(takers: Objects, api: ClusterApi) -> None:
    by_hand = {"apiVersion": "apps/v1", "kind": "Deployment", **deployment()}
    containers = by_hand["spec"]["template"]["spec"]["containers"]
    containers.append({"name": "sidecar", "image": "conformance.invalid/none:1"})
    api.apply(DEPLOYMENTS, by_hand, "somebody")
    takers.put("web", "apps.v1.Deployment", **deployment(annotations=DECLARED))
    takers.stack.up()
    live = api.live(DEPLOYMENTS, "web")
    names = {container["name"] for container in live["spec"]["template"]["spec"]["containers"]}
    assert names == {"c", "sidecar"}


@pytest.mark.parametrize(
    ("manager", "kept"),
    [
        ("kubectl-client-side-apply", False),
        ("kubectl-rollout", False),
        ("pulumi-kubernetes-gate", False),
        ("made-by-hand", True),
    ],
)
def test_the_next_update_takes_off_what_kubectl_or_a_rollback_owned_and_leaves_what_others_own(
    takers: Objects, api: ClusterApi, manager: str, *, kept: bool
) -> None:
    api.post("configmaps", {"metadata": {"name": "config"}, "data": {"a": "1"}})
    api.patch("configmaps", "config", {"data": {"theirs": "yes"}}, manager)
    takers.provider["enable_config_map_mutable"] = True
    metadata = {"name": "config", "annotations": DECLARED}
    takers.put("config", "core.v1.ConfigMap", metadata=metadata, data={"a": "1"})
    takers.stack.up()
    assert "theirs" in api.live("configmaps", "config")["data"]
    takers.put("config", "core.v1.ConfigMap", metadata=metadata, data={"a": "2"})
    takers.stack.up()
    assert ("theirs" in api.live("configmaps", "config")["data"]) is kept
