"""The Prometheus Operator itself, and what it and its Prometheus may do in the cluster."""

from __future__ import annotations

from sandbox.operated.image import OPERATOR, program
from sandbox.services.access import cluster_account
from sandbox.services.model import NOBODY_ID, Document
from sandbox.services.pods import container, deployment, pod
from sandbox.services.prometheus import NAMESPACE

NAME = "prometheus-operator"
PROMETHEUS_ACCOUNT = "operated-prometheus"
PORT = 8080
_KINDS = (
    "alertmanagers",
    "alertmanagerconfigs",
    "prometheuses",
    "prometheusagents",
    "thanosrulers",
    "scrapeconfigs",
    "servicemonitors",
    "podmonitors",
    "probes",
    "prometheusrules",
)
_READ = ["get", "list", "watch"]
# Of the operator: what its own example grants.
_OPERATES: tuple[Document, ...] = (
    {
        "apiGroups": ["monitoring.coreos.com"],
        "resources": [each for kind in _KINDS for each in (kind, f"{kind}/finalizers", f"{kind}/status")],
        "verbs": ["*"],
    },
    {"apiGroups": ["apps"], "resources": ["statefulsets"], "verbs": ["*"]},
    {"apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": ["*"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "delete"]},
    {
        "apiGroups": [""],
        "resources": ["services", "services/finalizers", "endpoints"],
        "verbs": ["get", "create", "update", "delete"],
    },
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list", "watch"]},
    {"apiGroups": [""], "resources": ["namespaces"], "verbs": _READ},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["patch", "create"]},
    {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["patch", "create"]},
    {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": _READ},
    {"apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"], "verbs": ["get"]},
)
# Of its Prometheus: the pods that it scrapes, and the Alertmanager that it finds behind a Service.
_DISCOVERS: tuple[Document, ...] = (
    {"apiGroups": [""], "resources": ["services", "endpoints", "pods"], "verbs": _READ},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": _READ},
)


def objects(image: str) -> list[Document]:
    """Return the objects of the operator, whose pods and those that it makes run `image`."""
    content = container(
        NAME,
        image,
        command=(
            program(OPERATOR),
            f"--prometheus-config-reloader={image}",
            "--kubelet-endpoints=false",
            "--config-reloader-cpu-request=5m",
            "--config-reloader-cpu-limit=0",
            "--config-reloader-memory-request=16Mi",
            "--config-reloader-memory-limit=64Mi",
        ),
        port=PORT,
        mounts={},
        resources=("20m", "48Mi", "256Mi"),
        probe={"httpGet": {"path": "/healthz", "port": PORT}},
    )
    # The name of a port has at most 15 characters.
    content["ports"] = [{"name": "http", "containerPort": PORT, "protocol": "TCP"}]
    template = pod(NAME, content, user=NOBODY_ID, volumes=[], configuration="", account=NAME, token=True)
    return [
        *cluster_account(NAME, NAMESPACE, _OPERATES),
        *cluster_account(PROMETHEUS_ACCOUNT, NAMESPACE, _DISCOVERS),
        deployment(NAME, NAMESPACE, template),
    ]
