"""Every pod of stable and canary is scraped, and its series say which of the two it is, and which version."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from cluster.names import VERSION
from monitoring.pod_monitor import pod_monitor, scrape_file
from monitoring.queries import OF_THE_POD
from tests.monitoring.watched import APP, NAMESPACE, monitoring_of, watched

VERSION_LABEL = f"__meta_kubernetes_pod_label_{re.sub('[^a-z]', '_', VERSION)}"
POD = {
    "__meta_kubernetes_namespace": NAMESPACE,
    "__meta_kubernetes_pod_name": "release-manager-staging-5d4-abcde",
    "__meta_kubernetes_pod_phase": "Running",
    "__meta_kubernetes_pod_container_port_name": "http",
    "__meta_kubernetes_pod_container_port_number": "8080",
    "__meta_kubernetes_pod_label_app": APP,
    "__meta_kubernetes_pod_label_track": "canary",
    VERSION_LABEL: "staging-abc1234",
}


def relabelled(pod: dict[str, str], rules: list[dict[str, Any]]) -> dict[str, str] | None:
    """Return the labels that Prometheus gives a target; None where it is dropped. Knows keep, drop and replace."""
    labels: dict[str, str] = {}
    for rule in rules:
        value = ";".join(pod.get(source, "") for source in rule["source_labels"])
        action, matches = rule.get("action", "replace"), re.fullmatch(rule.get("regex", "(.*)"), value)
        if (action == "keep" and not matches) or (action == "drop" and matches):
            return None
        if action == "replace" and matches:
            labels[rule["target_label"]] = value
    return {name: value for name, value in labels.items() if value}


def plain() -> dict[str, Any]:
    [job] = yaml.safe_load(scrape_file(watched()))["scrape_configs"]
    assert isinstance(job, dict)
    return job


def test_the_pod_monitor_takes_the_pods_of_stable_and_canary() -> None:
    spec = pod_monitor(watched())
    assert spec["selector"] == {
        "matchLabels": {"app": APP},
        "matchExpressions": [{"key": "track", "operator": "In", "values": ["stable", "canary"]}],
    }
    [endpoint] = spec["podMetricsEndpoints"]
    assert (endpoint["path"], endpoint["interval"]) == ("/metrics", "15s")


def test_the_pod_monitor_labels_track_and_version() -> None:
    spec = pod_monitor(watched())
    assert spec["podTargetLabels"] == ["app", "track"]
    [endpoint] = spec["podMetricsEndpoints"]
    [_, relabeling] = endpoint["relabelings"]
    assert relabeling == {"action": "replace", "sourceLabels": [VERSION_LABEL], "targetLabel": "version"}


def test_a_port_counts_by_its_number_for_that_of_pods_made_by_hand_has_no_name() -> None:
    [endpoint] = pod_monitor(watched())["podMetricsEndpoints"]
    assert {"port", "portNumber"}.isdisjoint(endpoint), "what a port is called, and what only new operators know"
    assert endpoint["relabelings"][0] == {
        "action": "keep",
        "sourceLabels": ["__meta_kubernetes_pod_container_port_number"],
        "regex": "8080",
    }
    by_hand = {**POD, "__meta_kubernetes_pod_container_port_name": ""}
    assert relabelled(by_hand, plain()["relabel_configs"]) is not None


@pytest.mark.parametrize("seconds", [5, 15, 60])
def test_prometheus_waits_no_longer_than_it_asks_often(seconds: int) -> None:
    [endpoint] = pod_monitor(watched(monitoring_of(scrape_seconds=seconds)))["podMetricsEndpoints"]
    assert (endpoint["interval"], endpoint["scrapeTimeout"]) == (f"{seconds}s", f"{min(seconds, 10)}s")


def test_without_the_operator_a_pod_gets_the_same_labels() -> None:
    assert relabelled(POD, plain()["relabel_configs"]) == {
        "namespace": NAMESPACE,
        "app": APP,
        "track": "canary",
        "version": "staging-abc1234",
        "pod": "release-manager-staging-5d4-abcde",
    }
    assert set(relabelled(POD, plain()["relabel_configs"]) or {}) == set(OF_THE_POD)


@pytest.mark.parametrize(
    "change",
    [
        {"__meta_kubernetes_pod_label_app": "other"},
        {"__meta_kubernetes_pod_label_track": ""},
        {"__meta_kubernetes_pod_container_port_number": "8081"},
        {"__meta_kubernetes_pod_phase": "Succeeded"},
    ],
)
def test_without_the_operator_no_other_pod_is_scraped(change: dict[str, str]) -> None:
    assert relabelled({**POD, **change}, plain()["relabel_configs"]) is None
