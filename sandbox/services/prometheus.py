"""Prometheus: one for the cluster, in a namespace of its own. It finds the pods by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from sandbox.services.access import cluster_account
from sandbox.services.model import NOBODY_ID, Document, ServiceImages
from sandbox.services.pods import CONFINED, config_map, container, deployment, empty, pod, service

NAME = "prometheus"
NAMESPACE = "monitoring"
PORT = 9090
NODE_PORT = 30090
CONFIGURATION = "prometheus-configuration"
APPLICATION = "release-manager"
SCRAPE_INTERVAL = "2s"
RETENTION = "6h"
TARGETS = "/targets/pods.json"
DISCOVERY = Path(__file__).with_name("pod_discovery.py")
POD = "__meta_kubernetes_pod"
# Labels of a pod, as its discovery writes them, and how series name them.
POD_LABELS = {"app": "app", "track": "track", "app_kubernetes_io_version": "version"}


def configuration(images: ServiceImages) -> dict[str, Any]:
    """Return Prometheus' configuration.

    A pod is scraped if it is annotated with prometheus.io/scrape "true", or if it has app=release-manager and a port
    named http and is not annotated otherwise.
    """
    scrape, port, path = (f"{POD}_annotation_prometheus_io_{name}" for name in ("scrape", "port", "path"))
    wanted = [scrape, f"{POD}_label_app", f"{POD}_container_port_name"]
    relabel: list[dict[str, Any]] = [
        {"source_labels": [f"{POD}_phase"], "regex": "Pending|Succeeded|Failed", "action": "drop"},
        {"source_labels": wanted, "regex": f"true;.*|;{APPLICATION};http", "action": "keep"},
        {"source_labels": [path], "regex": "(.+)", "target_label": "__metrics_path__"},
        {
            "source_labels": [f"{POD}_ip", port],
            "regex": "(.+);([0-9]+)",
            "replacement": "$1:$2",
            "target_label": "__address__",
        },
        *({"source_labels": [f"{POD}_label_{label}"], "target_label": name} for label, name in POD_LABELS.items()),
        {"source_labels": [f"{POD}_name"], "target_label": "pod"},
        {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
    ]
    discovery: dict[str, Any] = {"kubernetes_sd_configs": [{"role": "pod"}]}
    if images.without_discovery:
        discovery = {"file_sd_configs": [{"files": [TARGETS]}]}
    return {
        "global": {
            "scrape_interval": SCRAPE_INTERVAL,
            "scrape_timeout": SCRAPE_INTERVAL,
            "evaluation_interval": SCRAPE_INTERVAL,
        },
        "scrape_configs": [
            {
                "job_name": "pods",
                **discovery,
                "relabel_configs": relabel,
                # The pod's own word for its version is the same, and would stand there twice.
                "metric_relabel_configs": [{"regex": "exported_version", "action": "labeldrop"}],
            },
        ],
    }


def objects(images: ServiceImages) -> list[Document]:
    """Return Prometheus' objects but for the namespace."""
    text = yaml.safe_dump(configuration(images), sort_keys=False)
    content = container(
        NAME,
        images.prometheus,
        command=(
            "prometheus",
            "--config.file=/etc/prometheus/prometheus.yml",
            "--storage.tsdb.path=/prometheus",
            f"--storage.tsdb.retention.time={RETENTION}",
            f"--web.listen-address=:{PORT}",
        ),
        port=PORT,
        mounts={"/prometheus": "data", "/etc/prometheus": "configuration"},
        resources=("20m", "64Mi", "512Mi"),
        probe={"httpGet": {"path": "/-/ready", "port": PORT}},
    )
    files = {"prometheus.yml": text}
    containers = [content]
    volumes = [empty("data"), {"name": "configuration", "configMap": {"name": CONFIGURATION}}]
    if images.without_discovery:
        files["discovery.py"] = DISCOVERY.read_text(encoding="utf-8")
        content["volumeMounts"].append({"name": "targets", "mountPath": "/targets"})
        containers.append(_discovery(images))
        volumes.append(empty("targets"))
    template = pod(
        NAME, *containers, user=NOBODY_ID, volumes=volumes, configuration=repr(files), account=NAME, token=True
    )
    return [
        *cluster_account(
            NAME, NAMESPACE, [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}]
        ),
        config_map(CONFIGURATION, NAMESPACE, NAME, files),
        service(NAME, NAMESPACE, PORT, node_port=NODE_PORT),
        deployment(NAME, NAMESPACE, template),
    ]


def _discovery(images: ServiceImages) -> Document:
    return {
        "name": "discovery",
        "image": images.prometheus,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "/etc/prometheus/discovery.py", TARGETS],
        "env": [{"name": "PYTHONUNBUFFERED", "value": "1"}],
        "volumeMounts": [
            {"name": "configuration", "mountPath": "/etc/prometheus"},
            {"name": "targets", "mountPath": "/targets"},
        ],
        "resources": {"requests": {"cpu": "10m", "memory": "24Mi"}, "limits": {"memory": "128Mi"}},
        "startupProbe": {"exec": {"command": ["test", "-s", TARGETS]}, "periodSeconds": 1, "failureThreshold": 60},
        "securityContext": CONFINED,
    }
