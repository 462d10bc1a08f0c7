"""Kubernetes objects in the form in which an API server answers them."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

NAMESPACE = "development"
NAME = "release-manager-dev"
SELECTOR = "app=release-manager,track=stable"
NEW_HASH = "66d9f7c4b8"
OLD_HASH = "7c5b8d9f54"
DEPLOYMENT_UID = "0d5b0f4e-5f0f-4a43-9b62-9f1d4b3c7a10"
JOB = "release-manager-dev-migration-dev-abc1234"
JOB_UID = "b0b7f1de-93a5-4f43-8f6c-3f0d2d2c9e77"
IMAGE = "registry.internal/release-manager@sha256:" + "4f" * 32
STARTED = "2024-05-14T09:30:02Z"


def waiting(reason: str, message: str = "") -> Json:
    return {"waiting": {"reason": reason, "message": message} if message else {"reason": reason}}


def terminated(exit_code: int, reason: str = "Error") -> Json:
    ended = {"exitCode": exit_code, "reason": reason, "startedAt": STARTED, "finishedAt": "2024-05-14T09:30:04Z"}
    return {"terminated": {**ended, "containerID": "containerd://" + "a1" * 32}}


def running() -> Json:
    return {"running": {"startedAt": STARTED}}


def container(state: Json, *, last: Json | None = None, restarts: int = 0, ready: bool = False) -> Json:
    return {
        "name": "api",
        "image": IMAGE,
        "imageID": IMAGE,
        "containerID": "containerd://" + "b2" * 32,
        "ready": ready,
        "started": ready,
        "restartCount": restarts,
        "state": state,
        "lastState": last or {},
    }


def pod(
    name: str = "release-manager-dev-66d9f7c4b8-x2x4k",
    *statuses: Json,
    template_hash: str = NEW_HASH,
    phase: str = "Running",
    ready: bool = False,
    leaving: bool = False,
    created: str = "2024-05-14T09:30:00Z",
    **status: Any,
) -> Json:
    metadata: Json = {
        "name": name,
        "namespace": NAMESPACE,
        "uid": f"uid-of-{name}",
        "creationTimestamp": created,
        "labels": {"app": "release-manager", "track": "stable", "pod-template-hash": template_hash},
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "rs", "uid": "rs-uid"}],
    }
    if leaving:
        metadata |= {"deletionTimestamp": "2024-05-14T09:31:00Z", "deletionGracePeriodSeconds": 30}
    word = "True" if ready else "False"
    conditions = [
        {"type": "PodReadyToStartContainers", "status": "True", "lastProbeTime": None},
        {"type": "Initialized", "status": "True", "lastProbeTime": None},
        {"type": "Ready", "status": word, "lastProbeTime": None},
        {"type": "ContainersReady", "status": word, "lastProbeTime": None},
        {"type": "PodScheduled", "status": "True", "lastProbeTime": None},
    ]
    shown = list(statuses) or [container(running(), ready=ready)]
    return {
        "metadata": metadata,
        "spec": {"nodeName": "node-1", "containers": [{"name": "api", "image": IMAGE}]},
        "status": {"phase": phase, "conditions": conditions, "containerStatuses": shown, "qosClass": "Burstable"}
        | status,
    }


def unschedulable_pod() -> Json:
    message = "0/1 nodes are available: 1 Insufficient memory. preemption: 0/1 nodes are available."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return pod(phase="Pending", conditions=[condition], containerStatuses=None)


def evicted_pod(name: str = "release-manager-dev-7c5b8d9f54-ev1ct", *, template_hash: str = OLD_HASH) -> Json:
    message = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 20Mi."
    found = pod(name, template_hash=template_hash, phase="Failed", reason="Evicted", message=message)
    found["status"]["containerStatuses"] = []
    return found


def event(reason: str, message: str, *, at: str | None = STARTED, about: str = "") -> Json:
    return {
        "metadata": {"name": f"{about}.17cf", "namespace": NAMESPACE},
        "involvedObject": {"kind": "Pod", "name": about, "namespace": NAMESPACE},
        "reason": reason,
        "message": message,
        "type": "Warning",
        "source": {"component": "kubelet"},
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": None if at is None else 3,
        "eventTime": None,
    }


def deployment(
    *,
    replicas: int = 2,
    updated: int | None = None,
    available: int | None = None,
    total: int | None = None,
    generation: int = 4,
    observed: int | None = None,
    revision: str = "4",
    conditions: list[Json] | None = None,
    template: Json | None = None,
) -> Json:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": NAME,
            "namespace": NAMESPACE,
            "uid": DEPLOYMENT_UID,
            "generation": generation,
            "annotations": {"deployment.kubernetes.io/revision": revision, "pulumi.com/skipAwait": "true"},
        },
        "spec": {"replicas": replicas, "template": template or {"metadata": {}, "spec": {}}},
        "status": {
            "observedGeneration": generation if observed is None else observed,
            "replicas": replicas if total is None else total,
            "updatedReplicas": replicas if updated is None else updated,
            "readyReplicas": replicas if available is None else available,
            "availableReplicas": replicas if available is None else available,
            "conditions": conditions or [],
        },
    }


def replica_set(template_hash: str = NEW_HASH, *, revision: str = "4", owner: str = DEPLOYMENT_UID) -> Json:
    return {
        "metadata": {
            "name": f"{NAME}-{template_hash}",
            "uid": f"uid-{template_hash}",
            "labels": {"app": "release-manager", "track": "stable", "pod-template-hash": template_hash},
            "annotations": {"deployment.kubernetes.io/revision": revision},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": NAME, "uid": owner}],
        },
        "spec": {"replicas": 2},
        "status": {"replicas": 2, "readyReplicas": 2, "availableReplicas": 2, "observedGeneration": 1},
    }


def job(*conditions: Json, failed: int = 0, active: int = 0, uid: str = JOB_UID) -> Json:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": JOB, "namespace": NAMESPACE, "uid": uid},
        "spec": {"backoffLimit": 0, "activeDeadlineSeconds": 120},
        "status": {"startTime": STARTED, "conditions": list(conditions), "failed": failed, "active": active},
    }


def job_condition(kind: str, reason: str = "", status: str = "True") -> Json:
    return {"type": kind, "status": status, "reason": reason, "message": "", "lastTransitionTime": STARTED}


def job_pod(*statuses: Json, name: str = f"{JOB}-q8wzn", uid: str = JOB_UID, **fields: Any) -> Json:
    found = pod(name, *statuses, **fields)
    found["metadata"]["labels"] = {
        "batch.kubernetes.io/job-name": JOB,
        "batch.kubernetes.io/controller-uid": uid,
        "component": "migration",
    }
    return found
