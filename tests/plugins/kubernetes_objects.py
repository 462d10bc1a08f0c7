"""Objects as a real API server returned them, cut to what the tests look at."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


def deployment(*, generation: int = 1, observed: int = 1, replicas: int = 2, available: bool = True) -> Object:
    progressing = {
        "type": "Progressing",
        "status": "True",
        "reason": "NewReplicaSetAvailable" if available else "ReplicaSetUpdated",
        "message": 'ReplicaSet "web-1" has successfully progressed.',
    }
    minimum = {
        "type": "Available",
        "status": "True" if available else "False",
        "reason": "MinimumReplicasAvailable" if available else "MinimumReplicasUnavailable",
        "message": "Deployment has minimum availability."
        if available
        else "Deployment does not have minimum availability.",
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "uid": "deployment-uid",
            "generation": generation,
            "annotations": {"deployment.kubernetes.io/revision": str(generation)},
        },
        "spec": {"replicas": replicas, "template": {"spec": {"containers": [{"name": "c", "image": "a:1"}]}}},
        "status": {"observedGeneration": observed, "conditions": [minimum, progressing]},
    }


def replica_set(*, revision: int = 1, replicas: int = 2, ready: int | None = 2) -> Object:
    status = {"replicas": replicas} | ({} if ready is None else {"readyReplicas": ready})
    return {
        "metadata": {
            "name": f"web-{revision}",
            "namespace": "shop",
            "uid": f"replica-set-uid-{revision}",
            "annotations": {"deployment.kubernetes.io/revision": str(revision)},
            "ownerReferences": [{"kind": "Deployment", "name": "web", "uid": "deployment-uid"}],
        },
        "spec": {"replicas": replicas},
        "status": status,
    }


def crashing_pod(owner: str) -> Object:
    return {
        "metadata": {"name": "web-1-abc", "namespace": "shop", "ownerReferences": [{"uid": owner}]},
        "status": {
            "phase": "Running",
            "conditions": [
                {"type": "PodScheduled", "status": "True"},
                {"type": "Initialized", "status": "True"},
                {
                    "type": "Ready",
                    "status": "False",
                    "reason": "ContainersNotReady",
                    "message": "containers with unready status: [c]",
                },
            ],
            "containerStatuses": [
                {
                    "name": "c",
                    "ready": False,
                    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting"}},
                    "lastState": {
                        "terminated": {"reason": "Error", "exitCode": 3, "finishedAt": "2026-01-01T00:00:00Z"}
                    },
                }
            ],
        },
    }


def job(*conditions: Object, started: bool = True) -> Object:
    status: Object = {"active": 0, "succeeded": 0, "failed": 1, "conditions": list(conditions)}
    if started:
        status["startTime"] = "2026-01-01T00:00:00Z"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "migrate", "namespace": "shop", "uid": "job-uid"},
        "status": status,
    }


def service(**spec: Any) -> Object:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"}, "spec": spec}


def endpoints(*addresses: str) -> Object:
    subsets = [{"addresses": [{"ip": address} for address in addresses]}] if addresses else []
    return {"metadata": {"name": "web", "namespace": "shop"}, "subsets": subsets}
