"""The parts that the backing services' objects have in common."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.services.model import Document

MANAGED_BY = "release-manager-sandbox"
ACCOUNT = "backing-services"
SECRET = "backing-services"  # noqa: S105 - an object's name
SECRET_DIRECTORY = "/run/backing-services"  # noqa: S105 - a directory's name

SCRATCH = "/tmp"  # noqa: S108 - the pod's own
CONFINED: Document = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def labels(name: str) -> dict[str, str]:
    """Return the labels of a service's objects and pods."""
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/managed-by": MANAGED_BY}


def metadata(name: str, namespace: str, service: str | None = None) -> Document:
    """Return an object's metadata; `service` is the name in its labels where that differs."""
    return {"name": name, "namespace": namespace, "labels": labels(service or name)}


def secret(name: str, namespace: str, values: Mapping[str, str]) -> Document:
    """Return a Secret."""
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata(name, namespace), "type": "Opaque", "data": data}


def service(name: str, namespace: str, port: int, *, node_port: int | None = None) -> Document:
    """Return a Service for the pods of `name`, on a port of every node too where `node_port` is given."""
    entry = {"name": name, "port": port, "targetPort": port, "protocol": "TCP"}
    kind = "ClusterIP"
    if node_port is not None:
        kind = "NodePort"
        entry["nodePort"] = node_port
    spec = {"type": kind, "selector": labels(name), "ports": [entry]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata(name, namespace), "spec": spec}


def container(
    name: str,
    image: str,
    *,
    command: Sequence[str],
    port: int,
    mounts: Mapping[str, str],
    resources: tuple[str, str, str],
    environment: Mapping[str, str] | None = None,
    startup: Document | None = None,
    probe: Document | None = None,
    before_stop: Sequence[str] = (),
) -> Document:
    """Return a container that passes the restricted Pod Security standard.

    `mounts` maps directories to volumes; `resources` are requested CPU, requested memory and the most memory.
    `startup` is asked once a second until it passes, `probe` from then on; both default to a TCP connection.
    """
    cpu, memory, most = resources
    ask: Document = probe or {"tcpSocket": {"port": port}}
    result: dict[str, Any] = {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(command),
        "env": [{"name": key, "value": value} for key, value in (environment or {}).items()],
        "ports": [{"name": name, "containerPort": port, "protocol": "TCP"}],
        "volumeMounts": [{"name": volume, "mountPath": directory} for directory, volume in mounts.items()],
        "resources": {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": most}},
        "startupProbe": {**(startup or ask), "periodSeconds": 1, "failureThreshold": 120, "timeoutSeconds": 3},
        "readinessProbe": {**ask, "periodSeconds": 5, "failureThreshold": 2, "timeoutSeconds": 3},
        "livenessProbe": {**ask, "periodSeconds": 20, "failureThreshold": 3, "timeoutSeconds": 5},
        "securityContext": CONFINED,
    }
    if before_stop:
        result["lifecycle"] = {"preStop": {"exec": {"command": list(before_stop)}}}
    return result


def pod(
    service_name: str,
    *containers: Document,
    user: int,
    volumes: Sequence[Document],
    configuration: str,
    account: str = ACCOUNT,
    token: bool = False,
) -> Document:
    """Return a pod template that passes the restricted Pod Security standard.

    `configuration` is what the pod reads at its start only; a change of it makes new pods. `token` gives it an
    account's access to the API server.
    """
    fingerprint = hashlib.sha256(configuration.encode()).hexdigest()[:12]
    return {
        "metadata": {
            "labels": labels(service_name),
            "annotations": {"release-manager-sandbox/configuration": fingerprint},
        },
        "spec": {
            "serviceAccountName": account,
            "automountServiceAccountToken": token,
            # Variables made from Services' names would be read as settings: RABBITMQ_PORT is one.
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 10,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": user,
                "runAsGroup": user,
                "fsGroup": user,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": list(containers),
            "volumes": list(volumes),
        },
    }


def stateful_set(name: str, namespace: str, template: Document) -> Document:
    """Return a StatefulSet of one pod."""
    spec = {"replicas": 1, "serviceName": name, "selector": {"matchLabels": labels(name)}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata(name, namespace), "spec": spec}


def deployment(name: str, namespace: str, template: Document) -> Document:
    """Return a Deployment of one pod, whose next one starts when it is gone."""
    spec = {
        "replicas": 1,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": labels(name)},
        "template": template,
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(name, namespace), "spec": spec}


def config_map(name: str, namespace: str, service_name: str, files: Mapping[str, str]) -> Document:
    """Return a ConfigMap of a service's files."""
    found = metadata(name, namespace, service_name)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": found, "data": dict(files)}


def empty(name: str) -> Document:
    """Return a volume that begins empty and ends with its pod."""
    return {"name": name, "emptyDir": {}}


def secret_files(name: str, key: str) -> Document:
    """Return a volume that holds one key of the services' Secret as a file."""
    return {"name": name, "secret": {"secretName": SECRET, "items": [{"key": key, "path": key}], "defaultMode": 0o440}}
