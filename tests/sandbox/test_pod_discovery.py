"""Prometheus is told of pods as its own discovery would tell it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.services.pod_discovery import follow, groups, write


def pod(uid: str = "1", *, address: str = "198.18.0.5", ports: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    labels = {"app": "release-manager", "app.kubernetes.io/name": "x"}
    annotations = {"prometheus.io/scrape": "true"}
    metadata = {"uid": uid, "name": f"pod-{uid}", "namespace": "development", "labels": labels}
    containers = [{"name": "main", "ports": [{"name": "http", "containerPort": 8080}] if ports is None else ports}]
    return {
        "metadata": {**metadata, "annotations": annotations},
        "spec": {"containers": containers},
        "status": {"podIP": address, "phase": "Running"},
    }


def test_a_port_is_a_target_with_prometheus_own_label_names() -> None:
    assert groups([pod()]) == [
        {
            "targets": ["198.18.0.5:8080"],
            "labels": {
                "__meta_kubernetes_namespace": "development",
                "__meta_kubernetes_pod_name": "pod-1",
                "__meta_kubernetes_pod_ip": "198.18.0.5",
                "__meta_kubernetes_pod_phase": "Running",
                "__meta_kubernetes_pod_label_app": "release-manager",
                "__meta_kubernetes_pod_label_app_kubernetes_io_name": "x",
                "__meta_kubernetes_pod_annotation_prometheus_io_scrape": "true",
                "__meta_kubernetes_pod_container_name": "main",
                "__meta_kubernetes_pod_container_port_name": "http",
            },
        }
    ]


def test_a_pod_without_ports_is_one_target_and_one_without_address_is_none() -> None:
    assert [group["targets"] for group in groups([pod(ports=[]), pod("2", address="")])] == [["198.18.0.5"]]


def test_a_watch_adds_changes_and_removes() -> None:
    pods = {"1": pod()}
    moved = pod(address="198.18.0.9")
    events = [
        {"type": "ADDED", "object": pod("2")},
        {"type": "MODIFIED", "object": moved},
        {"type": "DELETED", "object": pod("2")},
    ]
    assert [sorted(pods) for _ in follow(pods, events)] == [["1", "2"], ["1", "2"], ["1"]]
    assert pods == {"1": moved}


def test_a_watch_that_is_too_old_is_begun_again() -> None:
    with pytest.raises(ValueError, match="too old resource version"):
        list(follow({}, [{"type": "ERROR", "object": {"message": "too old resource version"}}]))


def test_the_file_is_written_in_one_step_and_only_on_change(tmp_path: Path) -> None:
    file = tmp_path / "pods.json"
    write(file, [pod()])
    before = file.stat().st_ino
    write(file, [pod()])
    assert file.stat().st_ino == before
    write(file, [])
    assert json.loads(file.read_text(encoding="utf-8")) == []
    assert [one.name for one in tmp_path.iterdir()] == ["pods.json"]
