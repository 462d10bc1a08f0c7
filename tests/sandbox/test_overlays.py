"""An overlay holds what differs on one machine, for every stack and for one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from sandbox.overlays.render import render
from sandbox.paths import Paths

VALUES = {
    "kubeconfig": "/kube",
    "base_image": "localhost:5000/base",
    "ca_file": "/ca.crt",
    "tls_secret": "sandbox-tls",
    "prometheus": "http://127.0.0.1:1",
    "log_store": "http://127.0.0.1:2",
    "prometheus_for_pods": "http://prometheus.monitoring:9090",
    "log_store_for_pods": "http://log-store.monitoring:9200",
    "watch_image": "localhost:5000/release-manager-watch:1",
    "receiver": "http://receiver.monitoring.svc:8080",
    "context": "kind",
    "repository": "registry.example/app",
    "ingress_class": "nginx",
    "address": "",
}


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(cache=tmp_path / "cache", data=tmp_path / "data", run=tmp_path / "run")


def test_every_stack_gets_what_is_for_all_and_what_is_its_own(paths: Paths) -> None:
    files = {stack: render(paths, "sandbox", stack, VALUES) for stack in ("dev", "staging", "prod")}
    found = {stack: yaml.safe_load(file.read_text(encoding="utf-8")) for stack, file in files.items()}
    assert len(set(files.values())) == 3, "no stack reads the overlay of another"
    for overlay in found.values():
        assert overlay["cluster"] == {"kubeconfig": "/kube", "context": "release-manager-sandbox"}
        assert overlay["health"]["ca_file"] == "/ca.crt"
    assert "ingress" not in found["dev"]
    assert found["staging"]["ingress"] == {"tls_secret": "sandbox-tls"}
    assert found["prod"]["approval"]["window"]["minutes"] == 1440
    assert found["prod"]["prometheus"] == {"url": "http://127.0.0.1:1"}


def test_an_empty_address_stays_a_text(paths: Paths) -> None:
    file = render(paths, "existing", "dev", VALUES)
    assert yaml.safe_load(file.read_text(encoding="utf-8"))["health"]["connect_to"] == ""
