"""What becomes of Kubernetes objects on the real engine and a real cluster, whichever plug-in is installed.

Nothing here needs a pod to run: pods that no node may take stand for those that never get ready.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.plugins.conformance import ClusterApi, Objects, Stack

pytestmark = pytest.mark.e2e

CONFIG_MAP = "core.v1.ConfigMap"
DEPLOYMENTS = "apps/v1/deployments"
NOWHERE = {"conformance.example/never": "true"}


def pod_template(**spec: Any) -> dict[str, Any]:
    container = {
        "name": "c",
        "image": "conformance.invalid/none:1",
        "env": [{"name": "A", "value": "1"}],
        "resources": {"requests": {"cpu": "1000m", "memory": "1024Mi"}},
        "securityContext": {"privileged": False},
    }
    return {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [container], "nodeSelector": NOWHERE, "hostNetwork": False, **spec},
    }


def deployment(replicas: int = 1, *, app: str = "web", annotations: Any = None) -> dict[str, Any]:
    template = pod_template() | labels(app)
    return {
        "metadata": {"name": "web", "annotations": annotations or {}},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": app}}, "template": template},
    }


def labels(app: str) -> dict[str, Any]:
    return {"metadata": {"labels": {"app": app}}}


def job(**metadata: Any) -> dict[str, Any]:
    """A job that the cluster itself fails after a second: no node may take its pod."""
    spec = {"activeDeadlineSeconds": 1, "template": {"spec": pod_template()["spec"] | {"restartPolicy": "Never"}}}
    return {"metadata": {"name": "migrate", **metadata}, "spec": spec}


SKIP = {"pulumi.com/skipAwait": "true"}


def test_objects_are_made_once_and_go_with_the_stack(objects: Objects, api: ClusterApi) -> None:
    objects.put("config", CONFIG_MAP, metadata={"name": "config"}, data={"a": "1"})
    objects.put("web", "apps.v1.Deployment", **deployment(annotations=SKIP))
    objects.stack.up()
    assert api.live("configmaps", "config")["data"] == {"a": "1"}
    assert objects.stack.state("config")["id"] == f"{api.namespace}/config"
    # Defaults of the server, its way to write quantities, and empty values that it drops are no change.
    assert objects.stack.preview() == {}
    objects.stack.destroy()
    assert api.get("configmaps", "config") is None


def test_drift_is_shown_and_mended_and_what_others_added_is_left_alone(objects: Objects, api: ClusterApi) -> None:
    objects.put("web", "apps.v1.Deployment", **deployment(annotations=SKIP))
    objects.stack.up()
    added = {"metadata": {"labels": {"theirs": "yes"}}, "spec": {"minReadySeconds": 2}}
    api.patch(DEPLOYMENTS, "web", added, "somebody")
    api.patch(DEPLOYMENTS, "web", {"spec": {"replicas": 3}}, "kubectl-edit")
    planned = objects.stack.preview()["web"]
    assert planned.operations == {"update"}
    assert planned.paths == {"spec.replicas"}
    objects.stack.up()
    live = api.live(DEPLOYMENTS, "web")
    assert live["spec"]["replicas"] == 1
    assert live["spec"]["minReadySeconds"] == 2
    assert live["metadata"]["labels"] == {"theirs": "yes"}
    assert objects.stack.preview() == {}


def test_an_object_that_was_deleted_outside_is_made_again(objects: Objects, api: ClusterApi) -> None:
    objects.put("config", CONFIG_MAP, metadata={"name": "config"}, data={"a": "1"})
    objects.stack.up()
    api.client.delete(api.path("configmaps", "config")).raise_for_status()
    assert objects.stack.preview()["config"].operations == {"create"}
    objects.stack.up()
    assert api.get("configmaps", "config") is not None


def test_an_immutable_field_replaces_and_a_fixed_name_goes_first(objects: Objects, api: ClusterApi) -> None:
    objects.put("config", CONFIG_MAP, metadata={"name": "config"}, data={"a": "1"})
    objects.put("web", "apps.v1.Deployment", **deployment(0))
    objects.stack.up()
    before = api.live("configmaps", "config")["metadata"]["uid"]
    objects.put("config", CONFIG_MAP, metadata={"name": "config"}, data={"a": "2"})
    objects.put("web", "apps.v1.Deployment", **deployment(0, app="other"))
    planned = objects.stack.preview()
    assert "replace" in planned["config"].operations
    assert "spec.selector.matchLabels.app" in planned["web"].paths
    assert "replace" in planned["web"].operations
    objects.stack.up()
    live = api.live("configmaps", "config")
    assert live["data"] == {"a": "2"}
    assert live["metadata"]["uid"] != before


@pytest.mark.thorough
def test_data_is_changed_in_place_when_the_provider_may(objects: Objects, api: ClusterApi) -> None:
    objects.provider["enable_config_map_mutable"] = True
    objects.put("config", CONFIG_MAP, metadata={"name": "config"}, data={"a": "1", "b": "1"})
    objects.stack.up()
    before = api.live("configmaps", "config")["metadata"]["uid"]
    objects.put("config", CONFIG_MAP, metadata={"name": "config"}, data={"a": "2"})
    assert objects.stack.preview()["config"].operations == {"update"}
    objects.stack.up()
    live = api.live("configmaps", "config")
    assert (live["data"], live["metadata"]["uid"]) == ({"a": "2"}, before)


@pytest.mark.thorough
def test_an_unnamed_object_gets_a_name_keeps_it_and_is_replaced_under_a_new_one(
    objects: Objects, api: ClusterApi
) -> None:
    objects.put("config", CONFIG_MAP, data={"a": "1"})
    objects.stack.up()
    first = objects.stack.outputs()["config"]
    assert re.fullmatch(r"config-[0-9a-f]{8}", first)
    assert api.live("configmaps", first)["metadata"]["annotations"]["pulumi.com/autonamed"] == "true"
    objects.put("config", CONFIG_MAP, metadata={"labels": {"x": "y"}}, data={"a": "1"})
    objects.stack.up()
    assert objects.stack.outputs()["config"] == first
    objects.put("config", CONFIG_MAP, metadata={"labels": {"x": "y"}}, data={"a": "2"})
    objects.stack.up()
    assert objects.stack.outputs()["config"] != first
    assert api.get("configmaps", first) is None


def test_a_secret_is_never_readable_outside_the_cluster(objects: Objects, api: ClusterApi) -> None:
    objects.put("password", "core.v1.Secret", metadata={"name": "password"}, string_data={"p": "hunter2"})
    seen = objects.stack.run("preview", "--diff").text + objects.stack.up().text
    assert api.live("secrets", "password")["data"] == {"p": "aHVudGVyMg=="}
    seen += objects.stack.state_text()
    objects.put("password", "core.v1.Secret", metadata={"name": "password"}, string_data={"p": "hunter3"})
    seen += objects.stack.run("preview", "--diff").text
    for word in ("hunter2", "aHVudGVyMg", "hunter3", "aHVudGVyMw"):
        assert word not in seen


def test_a_job_that_cannot_succeed_fails_fast_stays_in_state_and_is_replaced_when_asked(
    objects: Objects, api: ClusterApi
) -> None:
    objects.put("migrate", "batch.v1.Job", **job(annotations={"pulumi.com/replaceUnready": "true"}))
    result = objects.stack.up(status=1)
    assert result.seconds < 60
    assert "DeadlineExceeded" in result.errors
    assert objects.stack.state("migrate")["initErrors"]
    before = api.live("batch/v1/jobs", "migrate")["metadata"]["uid"]
    assert "replace" in objects.stack.preview()["migrate"].operations
    objects.stack.up(status=1)
    assert api.live("batch/v1/jobs", "migrate")["metadata"]["uid"] != before


def test_a_rollout_that_does_not_finish_fails_after_its_own_time_and_stays_in_state(
    objects: Objects, api: ClusterApi
) -> None:
    objects.put("web", "apps.v1.Deployment", **deployment(annotations={"pulumi.com/timeoutSeconds": "3"}))
    result = objects.stack.up(status=1)
    assert 3 <= result.seconds < 40
    assert "'web' timed out waiting to be Ready" in result.errors
    assert "Minimum number of live Pods was not attained" in result.text
    assert objects.stack.state("web")["id"] == f"{api.namespace}/web"


@pytest.mark.thorough
def test_skip_await_returns_at_once_and_a_rollout_of_no_pods_is_awaited(objects: Objects) -> None:
    objects.put("web", "apps.v1.Deployment", **deployment(annotations=SKIP))
    assert objects.stack.up().seconds < 20
    objects.put("web", "apps.v1.Deployment", **deployment(0))
    objects.stack.up()
    assert objects.stack.preview() == {}


@pytest.mark.thorough
def test_a_headless_service_needs_no_pods_and_another_one_does(objects: Objects) -> None:
    spec = {"selector": {"app": "nobody"}, "ports": [{"port": 80}]}
    objects.put("headless", "core.v1.Service", metadata={"name": "headless"}, spec=spec | {"clusterIP": "None"})
    objects.stack.up()
    annotations = {"pulumi.com/timeoutSeconds": "2"}
    objects.put("web", "core.v1.Service", metadata={"name": "web", "annotations": annotations}, spec=spec)
    assert "Service does not target any Pods" in objects.stack.up(status=1).text


def test_an_object_that_exists_already_is_not_taken_over(objects: Objects, api: ClusterApi) -> None:
    api.post("configmaps", {"metadata": {"name": "config"}, "data": {"theirs": "yes"}})
    objects.put("config", CONFIG_MAP, metadata={"name": "config"}, data={"a": "1"})
    assert "already exists" in objects.stack.up(status=1).errors
    assert api.live("configmaps", "config")["data"] == {"theirs": "yes"}


def test_a_field_of_another_manager_is_a_conflict_unless_forced(objects: Objects, api: ClusterApi) -> None:
    objects.provider["enable_config_map_mutable"] = True
    objects.put("config", CONFIG_MAP, metadata={"name": "config"}, data={"a": "1"})
    objects.stack.up()
    objects.put("config", CONFIG_MAP, metadata={"name": "config"}, data={"a": "2"})
    objects.stack.up()
    api.patch("configmaps", "config", {"data": {"a": "3"}}, "somebody")
    result = objects.stack.up(status=1)
    assert "Server-Side Apply field conflict detected" in result.errors
    assert 'conflict with "somebody"' in result.errors
    assert api.live("configmaps", "config")["data"] == {"a": "3"}
    annotations = {"pulumi.com/patchForce": "true"}
    objects.put("config", CONFIG_MAP, metadata={"name": "config", "annotations": annotations}, data={"a": "2"})
    objects.stack.up()
    assert api.live("configmaps", "config")["data"] == {"a": "2"}


@pytest.mark.thorough
def test_ignored_replicas_may_be_scaled_by_others(objects: Objects, api: ClusterApi) -> None:
    options = {"ignore_changes": ["spec.replicas"]}
    objects.put("web", "apps.v1.Deployment", options=options, **deployment(annotations=SKIP))
    objects.stack.up()
    api.patch(DEPLOYMENTS, "web/scale", {"spec": {"replicas": 4}}, "gate")
    assert objects.stack.preview() == {}
    changed = deployment(annotations=SKIP)
    changed["spec"]["minReadySeconds"] = 1
    objects.put("web", "apps.v1.Deployment", options=options, **changed)
    assert objects.stack.preview()["web"].paths == {"spec.minReadySeconds"}
    objects.stack.up()
    live = api.live(DEPLOYMENTS, "web")["spec"]
    assert (live["replicas"], live["minReadySeconds"]) == (4, 1)


@pytest.mark.thorough
def test_a_delete_waits_until_the_object_is_gone(objects: Objects, api: ClusterApi) -> None:
    metadata = {"name": "config", "finalizers": ["conformance.example/hold"]}
    objects.put("config", CONFIG_MAP, metadata=metadata, data={"a": "1"})
    objects.stack.up()
    released: list[float] = []

    def release() -> None:
        api.eventually(lambda: "deletionTimestamp" in api.live("configmaps", "config")["metadata"], 60)
        time.sleep(2)
        released.append(time.monotonic())
        api.patch("configmaps", "config", {"metadata": {"finalizers": None}}, "somebody")

    thread = threading.Thread(target=release)
    thread.start()
    objects.stack.destroy()
    finished = time.monotonic()
    thread.join()
    assert released[0] < finished
    assert api.get("configmaps", "config") is None


@pytest.mark.thorough
def test_a_definition_and_an_object_of_its_kind_can_be_made_together(objects: Objects, api: ClusterApi) -> None:
    group = f"{api.namespace}.example"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    spec = {
        "group": group,
        "names": {"kind": "Widget", "plural": "widgets"},
        "scope": "Namespaced",
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
    }
    kind = "apiextensions.v1.CustomResourceDefinition"
    objects.put("definition", kind, metadata={"name": f"widgets.{group}"}, spec=spec)
    widget = {"api_version": f"{group}/v1", "kind": "Widget", "metadata": {"name": "one"}, "spec": {"size": 2}}
    objects.put("widget", "apiextensions.CustomResource", after=["definition"], **widget)
    objects.stack.up()
    assert api.live(f"{group}/v1/widgets", "one")["spec"] == {"size": 2}
    assert objects.stack.preview() == {}
    objects.stack.destroy()


@pytest.mark.thorough
def test_a_value_that_is_not_known_at_preview_arrives_in_the_update(
    stack_of: Callable[[str], Stack], api: ClusterApi
) -> None:
    stack = stack_of("late")
    name = f"{api.namespace}-late"
    wanted = {"provider": {"kubeconfig": api.kubeconfig}, "name": name}
    (stack.directory / "objects.json").write_text(json.dumps(wanted))
    assert stack.preview()["second"].operations == {"create"}
    stack.up()
    assert stack.outputs() == {"phase": "Active"}
    assert stack.preview() == {}
    stack.destroy()
    assert api.client.get(f"/api/v1/namespaces/{name}").status_code == 404


def test_a_cluster_that_cannot_be_reached_is_named_and_a_first_preview_still_works(objects: Objects) -> None:
    objects.provider["kubeconfig"] = (
        "{clusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}], "
        "contexts: [{name: c, context: {cluster: c, user: u}}], users: [{name: u, user: {token: t}}], "
        "current-context: c, kind: Config, apiVersion: v1}"
    )
    objects.put("config", CONFIG_MAP, metadata={"name": "config"}, data={"a": "1"})
    assert objects.stack.preview()["config"].operations == {"create"}
    errors = objects.stack.up(status=1).errors
    assert "configured Kubernetes cluster is unreachable" in errors
    assert "127.0.0.1:9" in errors
