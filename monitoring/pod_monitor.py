"""Scraping: which pods, how often, and with which labels, as a PodMonitor and as a plain scrape configuration."""

from __future__ import annotations

from typing import Any

import yaml

from cluster.names import CANARY, STABLE, VERSION
from monitoring.prometheus_rule import MADE_BY
from monitoring.rule import Document
from monitoring.subject import Watched

API_VERSION, KIND = "monitoring.coreos.com/v1", "PodMonitor"
PATH = "/metrics"
_POD = "__meta_kubernetes_pod"
# The port of pods that were made by hand need not have a name, and not every operator knows ports by number.
_PORT = f"{_POD}_container_port_number"
# The longest that Prometheus waits for a pod, however seldom it asks.
LONGEST_TIMEOUT_SECONDS = 10


def pod_monitor(watched: Watched) -> Document:
    """Return the `spec` of the PodMonitor: every pod of stable and canary, with its track and version as labels.

    Those that were adopted are among them: they were marked as stable.
    """
    seconds = watched.settings.scrape_seconds
    return {
        "selector": {"matchLabels": {"app": watched.app}, "matchExpressions": [_tracks()]},
        "podTargetLabels": ["app", "track"],
        "podMetricsEndpoints": [
            {
                "path": PATH,
                "interval": f"{seconds}s",
                "scrapeTimeout": f"{min(seconds, LONGEST_TIMEOUT_SECONDS)}s",
                "relabelings": [
                    {"action": "keep", "sourceLabels": [_PORT], "regex": str(watched.port)},
                    {
                        "action": "replace",
                        "sourceLabels": [f"{_POD}_label_{_label(VERSION)}"],
                        "targetLabel": "version",
                    },
                ],
                # The pod's own word for its version is the same, and would stand there twice.
                "metricRelabelings": [{"action": "labeldrop", "regex": "exported_version"}],
            }
        ],
    }


def scrape_file(watched: Watched) -> str:
    """Return the same for `scrape_config_files` of a Prometheus without the operator, which may list pods."""
    seconds = watched.settings.scrape_seconds
    labels = {f"{_POD}_label_{name}": name for name in ("app", "track")}
    named = {
        **labels,
        f"{_POD}_label_{_label(VERSION)}": "version",
        f"{_POD}_name": "pod",
        "__meta_kubernetes_namespace": "namespace",
    }
    keep: list[dict[str, Any]] = [
        {"action": "keep", "source_labels": [source], "regex": regex}
        for source, regex in (
            (f"{_POD}_label_app", watched.app),
            (f"{_POD}_label_track", f"{STABLE}|{CANARY}"),
            (_PORT, str(watched.port)),
        )
    ]
    # Pods that have ended keep their address in the list, and answer nothing.
    ended = {"action": "drop", "source_labels": [f"{_POD}_phase"], "regex": "(Failed|Succeeded)"}
    job = {
        "job_name": f"{watched.namespace}/{watched.names.deployment}",
        "scrape_interval": f"{seconds}s",
        "scrape_timeout": f"{min(seconds, LONGEST_TIMEOUT_SECONDS)}s",
        "metrics_path": PATH,
        "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": [watched.namespace]}}],
        "relabel_configs": [
            *keep,
            ended,
            *({"source_labels": [source], "target_label": target} for source, target in named.items()),
        ],
        "metric_relabel_configs": [{"action": "labeldrop", "regex": "exported_version"}],
    }
    return MADE_BY + yaml.safe_dump({"scrape_configs": [job]}, sort_keys=False, width=1000)


def _tracks() -> Document:
    return {"key": "track", "operator": "In", "values": [STABLE, CANARY]}


def _label(name: str) -> str:
    """Return a label of a pod as Prometheus' discovery writes it."""
    return "".join(each if each.isalnum() else "_" for each in name)
