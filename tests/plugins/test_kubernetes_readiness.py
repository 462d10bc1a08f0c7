"""Promise: what the provider takes for ready, for failed and for not yet is what the official one does."""

from __future__ import annotations

import pytest

from sandbox.plugins.kubernetes.awaiting import (
    daemon_set,
    deployment,
    generic,
    ingress,
    job,
    pod,
    service,
    stateful_set,
    storage,
    wait_for,
)
from sandbox.plugins.kubernetes.awaiting.core import Snapshot
from sandbox.plugins.kubernetes.awaiting.registry import awaiter_after_change, awaiter_on_read, delete_seconds
from sandbox.plugins.kubernetes.errors import ProviderError
from tests.plugins import kubernetes_objects as recorded
from tests.plugins.kubernetes_objects import Object

FAILED = {"type": "Failed", "status": "True", "message": "Job has reached the specified backoff limit"}


def _deployment(item: Object, *replica_sets: Object, pods: tuple[Object, ...] = ()) -> Snapshot:
    return Snapshot(item, {"ReplicaSet": replica_sets, "Pod": pods})


def test_a_deployment_is_ready_when_the_pods_of_its_revision_are() -> None:
    assert deployment.assess(_deployment(recorded.deployment(), recorded.replica_set())).ready


def test_a_deployment_is_not_ready_before_its_controller_saw_the_change() -> None:
    item = recorded.deployment(generation=2, observed=1)
    assert not deployment.assess(_deployment(item, recorded.replica_set(revision=2))).ready


def test_old_pods_do_not_make_a_new_revision_ready() -> None:
    item = recorded.deployment(generation=2, observed=2)
    old, new = recorded.replica_set(revision=1), recorded.replica_set(revision=2, ready=1)
    assert not deployment.assess(_deployment(item, old, new)).ready


def test_a_deployment_scaled_to_nothing_is_ready_and_warns() -> None:
    item, empty = recorded.deployment(replicas=0), recorded.replica_set(replicas=0, ready=None)
    assessment = deployment.assess(_deployment(item, empty))
    assert assessment.ready
    assert "Replicas scaled to 0" in assessment.warnings[0]


def test_a_crash_loop_is_told_but_does_not_fail_a_deployment() -> None:
    item, replicas = recorded.deployment(available=False), recorded.replica_set(ready=None)
    crashing = recorded.crashing_pod("replica-set-uid-1")
    assessment = deployment.assess(_deployment(item, replicas, pods=(crashing,)))
    assert not assessment.ready
    assert not assessment.failed
    assert any("CrashLoopBackOff" in reason and "exit code 3" in reason for reason in assessment.reasons)
    assert "Minimum number of live Pods was not attained" in assessment.reasons


def test_pods_of_others_are_not_blamed() -> None:
    item, replicas = recorded.deployment(available=False), recorded.replica_set(ready=None)
    assessment = deployment.assess(_deployment(item, replicas, pods=(recorded.crashing_pod("somebody else"),)))
    assert not any("CrashLoopBackOff" in reason for reason in assessment.reasons)


@pytest.mark.parametrize("reason", ["BackoffLimitExceeded", "DeadlineExceeded"])
def test_a_job_that_can_never_complete_fails_at_once_and_says_why(reason: str) -> None:
    assessment = job.assess(Snapshot(recorded.job(FAILED | {"reason": reason})))
    assert assessment.failed
    assert assessment.reasons[0] == f"[{reason}] Job has reached the specified backoff limit"


def test_a_job_is_ready_when_complete_and_not_before_it_started() -> None:
    complete = {"type": "Complete", "status": "True"}
    assert job.assess(Snapshot(recorded.job(complete))).ready
    assert not job.assess(Snapshot(recorded.job())).ready
    assert not job.assess(Snapshot(recorded.job(complete, started=False))).ready


def test_a_service_needs_endpoints_that_have_settled() -> None:
    item = recorded.service(type="ClusterIP", clusterIP="198.19.0.9")
    some = {"Endpoints": [recorded.endpoints("198.18.0.2")]}
    assert service.assess(Snapshot(item, some, settled=True)).ready
    assert not service.assess(Snapshot(item, some, settled=False)).ready
    none = service.assess(Snapshot(item, {"Endpoints": [recorded.endpoints()]}, settled=True))
    assert not none.ready
    assert none.reasons == (service.NO_PODS,)


@pytest.mark.parametrize("spec", [{"clusterIP": "None"}, {"type": "ExternalName", "externalName": "db.internal"}])
def test_a_service_without_an_address_of_its_own_is_ready_at_once(spec: Object) -> None:
    assert service.assess(Snapshot(recorded.service(**spec), settled=False)).ready


def test_a_load_balancer_needs_an_address() -> None:
    item = recorded.service(type="LoadBalancer", clusterIP="198.19.0.9")
    assessment = service.assess(Snapshot(item, {"Endpoints": [recorded.endpoints("198.18.0.2")]}))
    assert not assessment.ready
    assert assessment.reasons == (service.NO_ADDRESS,)


def test_an_ingress_needs_an_address_and_names_services_that_do_not_exist() -> None:
    rule = {"host": "api.internal", "http": {"paths": [{"path": "/", "backend": {"service": {"name": "web"}}}]}}
    item: Object = {"spec": {"rules": [rule]}, "status": {}}
    waiting = ingress.assess(Snapshot(item, {"Endpoints": []}))
    assert not waiting.ready
    assert len(waiting.reasons) == 2
    item["status"] = {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}}
    assert ingress.assess(Snapshot(item, {"Endpoints": [recorded.endpoints()]})).ready


def test_a_stateful_set_needs_all_replicas_on_the_latest_revision() -> None:
    status = {"replicas": 2, "readyReplicas": 2, "currentReplicas": 2, "observedGeneration": 2}
    revisions = {"currentRevision": "a", "updateRevision": "a"}
    item: Object = {"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": status | revisions}
    assert stateful_set.assess(Snapshot(item)).ready
    item["status"] = status | revisions | {"updateRevision": "b"}
    assert not stateful_set.assess(Snapshot(item)).ready
    item["status"] = status | revisions | {"readyReplicas": 1}
    assert stateful_set.assess(Snapshot(item)).reasons[0] == "1 out of 2 replicas succeeded readiness checks"


def test_a_daemon_set_needs_an_available_pod_on_each_node() -> None:
    counts = dict.fromkeys(("currentNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady"), 3)
    status = {"observedGeneration": 1, "desiredNumberScheduled": 3} | counts
    item: Object = {"metadata": {"generation": 1}, "status": status}
    assert daemon_set.assess(Snapshot(item)).ready
    item["status"] = status | {"numberAvailable": 2}
    assert daemon_set.assess(Snapshot(item)).reasons == ("Available: 2/3",)


def test_a_pod_is_ready_when_ready_or_completed() -> None:
    scheduled = [{"type": name, "status": "True"} for name in ("PodScheduled", "Initialized")]
    item: Object = {
        "metadata": {"name": "p"},
        "status": {"conditions": [*scheduled, {"type": "Ready", "status": "False"}]},
    }
    assert not pod.assess(Snapshot(item)).ready
    item["status"]["phase"] = "Succeeded"
    assert pod.assess(Snapshot(item)).ready


def test_a_claim_waits_for_its_first_pod_where_its_class_says_so() -> None:
    claim = {"spec": {"storageClassName": "local"}, "status": {"phase": "Pending"}}
    late = {"metadata": {"name": "local"}, "volumeBindingMode": "WaitForFirstConsumer"}
    assert not storage.assess_claim(Snapshot(claim)).ready
    assert storage.assess_claim(Snapshot(claim, {"StorageClass": [late]})).ready


def test_any_kind_is_ready_unless_its_conditions_say_otherwise() -> None:
    item: Object = {"metadata": {"generation": 2}, "status": {"observedGeneration": 1}}
    assert not generic.assess(Snapshot(item)).ready
    item["status"] = {"conditions": [{"type": "Ready", "status": "False", "reason": "R", "message": "m"}]}
    assert generic.assess(Snapshot(item)).reasons == ("[R] m",)
    item["status"] = {"conditions": [{"type": "Stalled", "status": "True"}]}
    assert generic.assess(Snapshot(item)).failed
    assert generic.assess(Snapshot({"metadata": {}})).ready


@pytest.mark.parametrize(
    ("annotation", "status", "ready"),
    [
        ("condition=Synced", {"conditions": [{"type": "Synced", "status": "True"}]}, True),
        ("condition=Synced=False", {"conditions": [{"type": "Synced", "status": "True"}]}, False),
        ("jsonpath={.status.phase}=Running", {"phase": "Running"}, True),
        ("jsonpath={.status.phase}=Running", {"phase": "Pending"}, False),
        ("jsonpath={.status.address}", {"address": "x"}, True),
        ("jsonpath={.status.address}", {}, False),
        ('jsonpath={.status.list[?(@.type=="A")].value}=1', {"list": [{"type": "A", "value": 1}]}, True),
        ('["jsonpath={.status.a}", "jsonpath={.status.b}"]', {"a": 1}, False),
    ],
)
def test_the_annotation_wait_for_is_understood(annotation: str, status: Object, ready: bool) -> None:  # noqa: FBT001
    assert wait_for.awaiter_for(annotation).assess(Snapshot({"status": status})).ready is ready


@pytest.mark.parametrize("annotation", ["phase=Running", "jsonpath=.status", "jsonpath={.a|b}", "[]"])
def test_a_wait_that_cannot_be_understood_is_refused(annotation: str) -> None:
    with pytest.raises(ProviderError, match=r"pulumi\.com/waitFor"):
        wait_for.awaiter_for(annotation)


def test_skip_await_skips_every_wait_but_not_the_delete_of_a_config_map() -> None:
    item = recorded.deployment()
    assert awaiter_after_change(item, await_all=False) is deployment.AWAITER
    assert awaiter_on_read(item) is deployment.AWAITER
    item["metadata"]["annotations"]["pulumi.com/skipAwait"] = "true"
    assert awaiter_after_change(item, await_all=True) is None
    assert awaiter_on_read(item) is None
    assert delete_seconds(item) is None
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": item["metadata"]}
    assert delete_seconds(config_map) == 300.0


def test_other_kinds_wait_only_when_asked() -> None:
    widget: Object = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {}}
    assert awaiter_after_change(widget, await_all=False) is None
    assert awaiter_after_change(widget, await_all=True) is generic.AWAITER
