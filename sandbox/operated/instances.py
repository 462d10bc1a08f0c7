"""The Prometheus and the Alertmanager that the operator is told to run."""

from __future__ import annotations

from sandbox.operated.image import ALERTMANAGER, PROMETHEUS, RELOADER, program
from sandbox.operated.operator import PROMETHEUS_ACCOUNT
from sandbox.services.model import NOBODY_ID, Document
from sandbox.services.pods import metadata
from sandbox.services.prometheus import NAMESPACE, RETENTION

API_VERSION = "monitoring.coreos.com/v1"
NAME = "operated"
PROMETHEUS_PORT, ALERTMANAGER_PORT = 9090, 9093
PROMETHEUS_NODE_PORT, ALERTMANAGER_NODE_PORT = 30091, 30092
PROMETHEUS_FOR_PODS = f"http://{NAME}-prometheus.{NAMESPACE}:{PROMETHEUS_PORT}"
# What the label of the stack file selects: that it has to be there is part of what is tried.
SELECTED: Document = {"matchLabels": {"release": "prometheus"}}
EVERYWHERE: Document = {}
EVALUATION_INTERVAL = "5s"
# Which settings of theirs the operator may use; Debian's Alertmanager names its version so.
PROMETHEUS_VERSION, ALERTMANAGER_VERSION = "v3.7.3", "v0.25.0"
SECURITY: Document = {
    "runAsNonRoot": True,
    "runAsUser": NOBODY_ID,
    "runAsGroup": NOBODY_ID,
    "fsGroup": NOBODY_ID,
    "seccompProfile": {"type": "RuntimeDefault"},
}
PROBED_SOON: Document = {"periodSeconds": 1, "failureThreshold": 120}


def objects(image: str) -> list[Document]:
    """Return both, each with a port of every node."""
    return [
        prometheus(image),
        _node_port(PROMETHEUS_PORT, PROMETHEUS_NODE_PORT, {"prometheus": NAME}, "prometheus"),
        alertmanager(image),
        _node_port(ALERTMANAGER_PORT, ALERTMANAGER_NODE_PORT, {"alertmanager": NAME}, "alertmanager"),
    ]


def prometheus(image: str) -> Document:
    """Return the Prometheus: it takes rules and pods of every namespace that carry the label."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Prometheus",
        "metadata": metadata(NAME, NAMESPACE),
        "spec": {
            **_common(image, PROMETHEUS_VERSION, "prometheus", program(PROMETHEUS), "512Mi", startupProbe=PROBED_SOON),
            "serviceAccountName": PROMETHEUS_ACCOUNT,
            "retention": RETENTION,
            "evaluationInterval": EVALUATION_INTERVAL,
            "ruleSelector": SELECTED,
            "ruleNamespaceSelector": EVERYWHERE,
            "podMonitorSelector": SELECTED,
            "podMonitorNamespaceSelector": EVERYWHERE,
            "alerting": {"alertmanagers": [{"namespace": NAMESPACE, "name": "alertmanager-operated", "port": "web"}]},
        },
    }


def alertmanager(image: str) -> Document:
    """Return the Alertmanager: it takes routes of every namespace that carry the label."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Alertmanager",
        "metadata": metadata(NAME, NAMESPACE),
        "spec": {
            **_common(image, ALERTMANAGER_VERSION, "alertmanager", ALERTMANAGER, "128Mi"),
            "alertmanagerConfigSelector": SELECTED,
            "alertmanagerConfigNamespaceSelector": EVERYWHERE,
        },
    }


def _common(image: str, version: str, container: str, command: str, memory: str, **changes: Document) -> Document:
    return {
        "replicas": 1,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "version": version,
        "securityContext": SECURITY,
        "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": memory}},
        # Laid over what the operator makes: its programs lie elsewhere in this image.
        "containers": [
            {"name": container, "command": [command], **changes},
            {"name": "config-reloader", "command": [program(RELOADER)]},
        ],
        "initContainers": [{"name": "init-config-reloader", "command": [program(RELOADER)]}],
    }


def _node_port(port: int, node_port: int, selector: Document, what: str) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(f"{NAME}-{what}", NAMESPACE),
        "spec": {
            "type": "NodePort",
            "selector": selector,
            "ports": [{"name": "web", "port": port, "targetPort": port, "nodePort": node_port, "protocol": "TCP"}],
        },
    }
