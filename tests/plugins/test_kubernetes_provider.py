"""Promise: over the engine's own protocol the provider accepts and returns what the official one does."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import pytest
from pulumi.runtime.proto import provider_pb2

from sandbox.plugins.protocol.properties import UNKNOWN, Secret, unmarshal
from tests.plugins.fake_api_server import Call, FakeApiServer, refuse
from tests.plugins.provider_over_grpc import Provider, half_done, running_provider

CONFIG_MAP = "core/v1:ConfigMap"
SECRET = "core/v1:Secret"
JOB = "batch/v1:Job"
MAPS = "/api/v1/namespaces/shop/configmaps"
UPDATE_KIND = provider_pb2.PropertyDiff.UPDATE
UPDATE_REPLACE = provider_pb2.PropertyDiff.UPDATE_REPLACE


def config_map(data: Any = None, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "web", "namespace": "shop", **metadata},
        "data": data or {"a": "1"},
    }


@pytest.fixture
def cluster() -> FakeApiServer:
    return FakeApiServer()


@pytest.fixture
def provider(cluster: FakeApiServer) -> Iterator[Provider]:
    with running_provider(cluster) as running:
        yield running


def test_a_check_names_and_places_an_object(provider: Provider) -> None:
    inputs = provider.check(CONFIG_MAP, {"apiVersion": "v1", "kind": "ConfigMap", "data": {}})
    assert inputs["metadata"]["namespace"] == "default"
    assert inputs["metadata"]["name"].startswith("web-")
    assert (
        provider.check(CONFIG_MAP, {"apiVersion": "v1", "kind": "ConfigMap"}, inputs)["metadata"] == inputs["metadata"]
    )


def test_a_cluster_wide_kind_gets_no_namespace(provider: Provider) -> None:
    inputs = provider.check("core/v1:Namespace", {"apiVersion": "v1", "kind": "Namespace"})
    assert "namespace" not in inputs["metadata"]


@pytest.mark.parametrize(
    ("token", "told"),
    [("core/v1:ConfigMapList", "list resources"), ("helm.sh/v3:Release", "no Helm")],
)
def test_what_it_cannot_make_it_refuses_in_words(provider: Provider, token: str, told: str) -> None:
    with pytest.raises(grpc.RpcError, match=told):
        provider.check(token, {"apiVersion": "v1", "kind": token})


def test_functions_and_components_are_refused_in_words(provider: Provider) -> None:
    with pytest.raises(grpc.RpcError, match="needs the official pulumi-kubernetes plug-in"):
        provider.stub.Invoke(provider_pb2.InvokeRequest(tok="kubernetes:yaml:decode"))
    with pytest.raises(grpc.RpcError, match="needs the official pulumi-kubernetes plug-in"):
        provider.stub.Construct(provider_pb2.ConstructRequest(type="kubernetes:yaml/v2:ConfigGroup"))


def test_a_create_returns_the_live_object_and_what_the_next_update_needs(
    provider: Provider, cluster: FakeApiServer
) -> None:
    identifier, outputs = provider.create(CONFIG_MAP, config_map())
    assert identifier == "shop/web"
    assert outputs["metadata"]["uid"] == "uid-1"
    assert outputs["__initialApiVersion"] == "v1"
    assert outputs["__fieldManager"].startswith("pulumi-kubernetes-")
    (call,) = cluster.changing_calls()
    assert call.query["fieldManager"] == outputs["__fieldManager"]


def test_a_preview_changes_nothing_and_shows_no_status(provider: Provider, cluster: FakeApiServer) -> None:
    identifier, outputs = provider.create(CONFIG_MAP, config_map() | {"status": {"x": 1}}, preview=True)
    assert identifier == ""
    assert outputs["metadata"]["uid"] == "uid-1"
    assert "status" not in outputs
    assert cluster.changing_calls() == []


@pytest.mark.parametrize(
    "refusal",
    [
        refuse(403, "Forbidden", "no dry runs for you"),
        refuse(409, "AlreadyExists", "exists"),
        refuse(404, "NotFound", 'namespaces "shop" not found', kind="namespaces"),
    ],
)
def test_a_preview_that_the_server_cannot_answer_shows_the_inputs(refusal: Any) -> None:
    cluster = FakeApiServer(refusals=lambda call: refusal if call.method == "POST" else None)
    with running_provider(cluster) as provider:
        assert provider.create(CONFIG_MAP, config_map(), preview=True) == ("", config_map())


def test_what_is_not_known_yet_is_not_sent_to_the_server(provider: Provider, cluster: FakeApiServer) -> None:
    inputs = config_map({"a": UNKNOWN})
    assert provider.create(CONFIG_MAP, inputs, preview=True) == ("", inputs)
    assert [call.path for call in cluster.calls] == ["/version"]


def test_an_object_that_exists_is_not_taken_over(provider: Provider, cluster: FakeApiServer) -> None:
    cluster.objects[f"{MAPS}/web"] = config_map({"mine": "yes"})
    with pytest.raises(grpc.RpcError, match="already exists"):
        provider.create(CONFIG_MAP, config_map())
    assert cluster.objects[f"{MAPS}/web"]["data"] == {"mine": "yes"}


def test_an_object_that_exists_is_taken_over_when_the_provider_may(cluster: FakeApiServer) -> None:
    cluster.objects[f"{MAPS}/web"] = config_map({"mine": "yes"})
    with running_provider(cluster, {"upsertExistingObjects": "true"}) as provider:
        assert provider.create(CONFIG_MAP, config_map())[0] == "shop/web"
    assert cluster.objects[f"{MAPS}/web"]["data"] == {"a": "1"}


def test_a_namespace_that_comes_late_is_waited_for(cluster: FakeApiServer) -> None:
    missing = [refuse(404, "NotFound", 'namespaces "shop" not found', kind="namespaces")] * 2
    cluster.refusals = lambda call: missing.pop() if call.method == "POST" and missing else None
    with running_provider(cluster) as provider:
        assert provider.create(CONFIG_MAP, config_map())[0] == "shop/web"
        assert any("Retry #0; creation failed" in status for status in provider.messages.statuses)


def test_a_kind_that_never_comes_is_told(provider: Provider) -> None:
    widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "shop"}}
    with pytest.raises(grpc.RpcError, match="Verify that any required CRDs have been created"):
        provider.create("example.com/v1:Widget", widget)


def test_the_data_of_a_secret_comes_back_secret(provider: Provider) -> None:
    news = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web", "namespace": "shop"}}
    inputs = provider.check(SECRET, news | {"stringData": {"password": "hunter2"}})
    assert inputs["data"] == Secret({"password": "aHVudGVyMg=="})
    _, outputs = provider.create(SECRET, inputs)
    assert outputs["data"] == Secret({"password": "aHVudGVyMg=="})
    assert "aHVudGVyMg==" not in str(outputs)


def test_no_change_is_seen_after_a_create(provider: Provider) -> None:
    _, outputs = provider.create(CONFIG_MAP, config_map())
    difference = provider.diff(CONFIG_MAP, outputs, config_map())
    assert difference.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_drift_is_seen_after_a_refresh_and_added_fields_are_not(provider: Provider, cluster: FakeApiServer) -> None:
    _, outputs = provider.create(CONFIG_MAP, config_map(labels={"x": "y"}))
    live = cluster.objects[f"{MAPS}/web"]
    live["data"]["added"] = "by somebody"
    live["metadata"]["labels"]["x"] = "changed"
    refreshed = provider.read(CONFIG_MAP, "shop/web", outputs, config_map(labels={"x": "y"}))
    assert unmarshal(refreshed.inputs)["data"] == {"a": "1"}
    difference = provider.diff(CONFIG_MAP, unmarshal(refreshed.properties), config_map(labels={"x": "y"}))
    assert {path: kind.kind for path, kind in difference.detailedDiff.items()} == {"metadata.labels.x": UPDATE_KIND}
    assert list(difference.replaces) == []


def test_a_replaced_object_with_a_fixed_name_must_go_first(provider: Provider) -> None:
    _, outputs = provider.create(CONFIG_MAP, config_map())
    difference = provider.diff(CONFIG_MAP, outputs, config_map({"a": "2"}))
    assert difference.detailedDiff["data.a"].kind == UPDATE_REPLACE
    assert list(difference.replaces) == ["data.a"]
    assert difference.deleteBeforeReplace


def test_a_replaced_object_with_a_made_up_name_goes_last(provider: Provider) -> None:
    annotations = {"pulumi.com/autonamed": "true"}
    _, outputs = provider.create(CONFIG_MAP, config_map(annotations=annotations))
    difference = provider.diff(CONFIG_MAP, outputs, config_map({"a": "2"}, annotations=annotations))
    assert list(difference.replaces) == ["data.a"]
    assert not difference.deleteBeforeReplace


def test_ignored_changes_are_no_difference(provider: Provider) -> None:
    _, outputs = provider.create(CONFIG_MAP, config_map())
    difference = provider.diff(CONFIG_MAP, outputs, config_map({"a": "2"}), ("data",))
    assert difference.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_an_object_that_is_gone_has_no_id(provider: Provider) -> None:
    assert provider.read(CONFIG_MAP, "shop/web", {}, config_map()).id == ""


def test_an_import_takes_the_object_without_what_the_server_writes(provider: Provider, cluster: FakeApiServer) -> None:
    cluster.objects[f"{MAPS}/web"] = config_map() | {"status": {}}
    cluster.objects[f"{MAPS}/web"]["metadata"]["uid"] = "u"
    reply = provider.read(CONFIG_MAP, "shop/web", {}, {})
    assert reply.id == "shop/web"
    assert unmarshal(reply.inputs) == config_map()


def test_a_conflict_names_the_other_manager_and_the_help(provider: Provider, cluster: FakeApiServer) -> None:
    _, outputs = provider.create(CONFIG_MAP, config_map())
    message = 'Apply failed with 1 conflict: conflict with "kubectl" using v1: .data.a'
    cluster.refusals = lambda call: refuse(409, "Conflict", message) if call.query.get("force") == "false" else None
    with pytest.raises(grpc.RpcError) as caught:
        provider.update(CONFIG_MAP, outputs, config_map({"a": "2"}))
    told = half_done(caught.value)
    assert "Server-Side Apply field conflict detected" in told.message
    assert f'field manager "{outputs["__fieldManager"]}"' in told.message
    assert message in told.message
    assert told.outputs["data"] == {"a": "1"}


@pytest.mark.parametrize(
    ("variables", "annotations"), [({"enablePatchForce": "true"}, {}), ({}, {"pulumi.com/patchForce": "true"})]
)
def test_a_conflict_is_overridden_when_asked(
    cluster: FakeApiServer, variables: dict[str, str], annotations: dict[str, str]
) -> None:
    with running_provider(cluster, variables) as provider:
        _, outputs = provider.create(CONFIG_MAP, config_map())
        provider.update(CONFIG_MAP, outputs, config_map({"a": "2"}, annotations=annotations))
    assert cluster.changing_calls()[-1].query["force"] == "true"


def test_the_field_manager_stays_unless_the_annotation_names_another(provider: Provider) -> None:
    _, outputs = provider.create(CONFIG_MAP, config_map())
    updated = provider.update(CONFIG_MAP, outputs, config_map({"a": "2"}))
    assert updated["__fieldManager"] == outputs["__fieldManager"]
    annotations = {"pulumi.com/patchFieldManager": "release"}
    assert provider.update(CONFIG_MAP, updated, config_map(annotations=annotations))["__fieldManager"] == "release"


def job(**annotations: str) -> dict[str, Any]:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "web", "namespace": "shop", "annotations": annotations},
        "spec": {},
    }


def fail_the_job(item: dict[str, Any]) -> None:
    failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "gave up"}
    item["status"] = {"startTime": "2026-01-01T00:00:00Z", "conditions": [failed]}


def test_a_job_that_failed_stays_in_state_with_its_reasons(cluster: FakeApiServer) -> None:
    cluster.on_read = fail_the_job
    with running_provider(cluster) as provider, pytest.raises(grpc.RpcError) as caught:
        provider.create(JOB, job())
    told = half_done(caught.value)
    assert told.identifier == "shop/web"
    assert "failed to fully initialize or become live" in told.message
    assert "[BackoffLimitExceeded] gave up" in told.reasons
    assert told.outputs["metadata"]["uid"] == "uid-1"


def test_a_failed_job_is_replaced_when_asked(cluster: FakeApiServer) -> None:
    asked = job(**{"pulumi.com/replaceUnready": "true", "pulumi.com/skipAwait": "true"})
    with running_provider(cluster) as provider:
        _, outputs = provider.create(JOB, asked)
        cluster.on_read = fail_the_job
        difference = provider.diff(JOB, outputs, asked)
    assert difference.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert list(difference.replaces) == ['.metadata.annotations["pulumi.com/replaceUnready"]']
    assert difference.deleteBeforeReplace


def test_skip_await_returns_without_asking_for_readiness(provider: Provider) -> None:
    assert provider.create(JOB, job(**{"pulumi.com/skipAwait": "true"}))[0] == "shop/web"


def test_a_cancelled_wait_stops_and_keeps_the_object(cluster: FakeApiServer) -> None:
    with running_provider(cluster, cancelled=True) as provider, pytest.raises(grpc.RpcError) as caught:
        provider.create(JOB, job())
    assert "Resource operation was cancelled" in half_done(caught.value).message


def test_a_delete_of_what_is_gone_is_fine_and_one_that_lingers_is_waited_for(cluster: FakeApiServer) -> None:
    reads = itertools.count(1)

    def linger(call: Call) -> httpx.Response | None:
        if call.method == "DELETE":
            return httpx.Response(200, json={})
        if call.method == "GET" and call.path.endswith("/web") and next(reads) > 3:
            return refuse(404, "NotFound", "gone")
        return None

    with running_provider(cluster) as provider:
        provider.delete(CONFIG_MAP, "shop/never", config_map())
        _, outputs = provider.create(CONFIG_MAP, config_map())
        cluster.refusals = linger
        provider.delete(CONFIG_MAP, "shop/web", outputs)
    assert next(reads) == 5
    assert cluster.changing_calls()[-1].body["propagationPolicy"] == "Foreground"


def test_without_a_cluster_a_preview_works_and_an_update_says_why_it_cannot() -> None:
    with running_provider(None) as provider:
        assert provider.check(CONFIG_MAP, config_map()) == config_map()
        assert provider.create(CONFIG_MAP, config_map(), preview=True) == ("", config_map())
        with pytest.raises(grpc.RpcError, match=r"cluster is unreachable.*connection refused"):
            provider.create(CONFIG_MAP, config_map())
        with pytest.raises(grpc.RpcError, match="PULUMI_K8S_DELETE_UNREACHABLE"):
            provider.read(CONFIG_MAP, "shop/web", {}, config_map())


def test_without_a_cluster_objects_are_forgotten_only_when_asked() -> None:
    with running_provider(None, {"deleteUnreachable": "true"}) as provider:
        assert provider.read(CONFIG_MAP, "shop/web", {}, config_map()).id == ""
        assert "unreachable" in provider.messages.warnings[0]


def test_a_setting_that_it_cannot_honour_is_refused(cluster: FakeApiServer) -> None:
    with (
        pytest.raises(grpc.RpcError, match="renderYamlToDirectory"),
        running_provider(cluster, {"renderYamlToDirectory": "/nowhere"}),
    ):
        pass
