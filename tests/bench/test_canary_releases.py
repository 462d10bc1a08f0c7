"""What the bench takes for a rollback, for a Prometheus that hangs, and for a plain Deployment."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from bench.canary_hung import HungServer
from bench.canary_rolling import NAME, Document, plain
from bench.canary_stack import taken_back_at


@pytest.mark.parametrize(
    ("error", "step"),
    [
        ("release v2 was taken back in production at step 10 %: FAIL: 3 of 20; 3 requests were hurt", "10 %"),
        ("release v2 was taken back in production at step 100 %: FAIL: pod x crashed", "100 %"),
        ("release v2 is held in production at step 10 %: TOO_FEW: nothing was changed back", None),
        ("release v2 failed in production at step 10 %: FAIL: x. THE ROLLBACK FAILED TOO: y", None),
        ("", None),
    ],
)
def test_only_a_release_that_was_taken_back_counts_as_found(error: str, step: str | None) -> None:
    assert taken_back_at(error) == step


def test_a_server_that_hangs_takes_a_connection_and_never_answers() -> None:
    with HungServer() as server, pytest.raises(httpx.ReadTimeout):
        httpx.get(server.url, timeout=0.2)


def test_a_server_that_hung_is_gone_afterwards() -> None:
    with HungServer() as server:
        port = urlsplit(server.url).port or 0

    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0


def test_a_plain_deployment_has_the_image_and_probes_of_production_and_none_of_its_labels() -> None:
    container: Document = {
        "image": "registry/app@sha256:1",
        "env": [{"name": "RELEASE_VERSION", "value": "v1"}, {"name": "PORT", "value": "8080"}],
        "readinessProbe": {"httpGet": {"path": "/readyz"}},
    }
    labels = {"app": "release-manager", "track": "stable", "serving": "yes"}
    template: Document = {
        "metadata": {"labels": labels, "annotations": {"a": "b"}},
        "spec": {"containers": [container], "topologySpreadConstraints": [{"labelSelector": {"matchLabels": labels}}]},
    }

    made = plain(template, "plain-bad", {"FAULT_ERROR_RATE": "1"})

    assert made["metadata"] == {"labels": {"app": NAME}}
    assert "release-manager" not in str(made)
    assert made["spec"]["containers"][0]["readinessProbe"] == container["readinessProbe"]
    environment = {each["name"]: each["value"] for each in made["spec"]["containers"][0]["env"]}
    assert environment == {"RELEASE_VERSION": "plain-bad", "PORT": "8080", "FAULT_ERROR_RATE": "1"}
    assert template["metadata"]["labels"] == labels
    assert container["env"][0]["value"] == "v1"
