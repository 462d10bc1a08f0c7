"""The cluster is the one that the settings name, and a kubeconfig that cannot be used says what mends it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from cluster.access import connect
from cluster.errors import ClusterError


def kubeconfig(directory: Path, **changes: Any) -> str:
    content: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "production",
        "clusters": [
            {"name": "near", "cluster": {"server": "https://10.0.0.1:6443", "insecure-skip-tls-verify": True}},
            {"name": "far", "cluster": {"server": "https://10.0.0.2:6443", "insecure-skip-tls-verify": True}},
        ],
        "users": [{"name": "release", "user": {"token": "t0k3n"}}],
        "contexts": [
            {"name": "development", "context": {"cluster": "near", "user": "release", "namespace": "other"}},
            {"name": "production", "context": {"cluster": "far", "user": "release"}},
        ],
    }
    file = directory / "kubeconfig"
    file.write_text(yaml.safe_dump({**content, **changes}), encoding="utf-8")
    return str(file)


def contexts(**context: str) -> list[dict[str, Any]]:
    return [{"name": "development", "context": context}]


def test_the_context_of_the_settings_is_used_never_the_current_one(tmp_path: Path) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(404, json={})

    cluster = connect(kubeconfig(tmp_path), "development", "staging", transport=httpx.MockTransport(answer))
    assert seen == []
    assert cluster.config_map("x") is None
    assert str(seen[0].url) == "https://10.0.0.1:6443/api/v1/namespaces/staging/configmaps/x"
    assert seen[0].headers["Authorization"] == "Bearer t0k3n"
    assert all(seconds == 10 for seconds in seen[0].extensions["timeout"].values())


def test_a_context_that_is_missing_names_those_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(ClusterError) as caught:
        connect(kubeconfig(tmp_path), "staging", "staging")
    assert "has no context 'staging' (it has: development, production)" in str(caught.value)
    assert "set cluster.context" in str(caught.value)


def test_a_file_without_contexts_says_none(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"\(it has: none\)"):
        connect(kubeconfig(tmp_path, contexts=[]), "staging", "staging")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "- a list",
        "just text",
        "{",
        "clusters: 1",
        "clusters: []",
        "\x00",
        "clusters: []\ncontexts: [{name: x, context: {user: x}}]",
    ],
)
def test_a_file_that_is_no_kubeconfig_is_named_with_its_mend(tmp_path: Path, content: str) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ClusterError) as caught:
        connect(str(file), "development", "development")
    assert f"the kubeconfig {file} cannot be read" in str(caught.value)
    assert "set cluster.kubeconfig" in str(caught.value)


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00\x80")
    for file in (tmp_path / "missing", tmp_path, binary):
        with pytest.raises(ClusterError, match="cannot be read"):
            connect(str(file), "development", "development")


def test_the_home_directory_is_meant_by_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    kubeconfig(tmp_path)
    assert connect("~/kubeconfig", "development", "staging").namespace == "staging"


def test_a_context_without_a_user_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="names no user"):
        connect(kubeconfig(tmp_path, contexts=contexts(cluster="near")), "development", "development")


@pytest.mark.parametrize("broken", [{"cluster": "nowhere", "user": "release"}, {"cluster": "near", "user": "nobody"}])
def test_a_context_that_points_nowhere_is_refused(tmp_path: Path, broken: dict[str, str]) -> None:
    with pytest.raises(ClusterError, match="development"):
        connect(kubeconfig(tmp_path, contexts=contexts(**broken)), "development", "development")


def test_a_certificate_that_is_not_there_is_told_without_its_content(tmp_path: Path) -> None:
    user = {"client-certificate": "missing.crt", "client-key": "missing.key"}
    file = kubeconfig(tmp_path, users=[{"name": "release", "user": user}])
    with pytest.raises(ClusterError, match="development"):
        connect(file, "development", "development")
    file = kubeconfig(tmp_path, clusters=[{"name": "near", "cluster": {"certificate-authority-data": "bm9uc2Vuc2U="}}])
    with pytest.raises(ClusterError) as caught:
        connect(file, "development", "development")
    assert "nonsense" not in str(caught.value)


def signed_in_by(directory: Path, *, answer: str, version: str) -> list[dict[str, Any]]:
    command = directory / "sign-in"
    command.write_text(f"#!/bin/sh\n{answer}\n", encoding="utf-8")
    command.chmod(0o755)
    return [{"name": "release", "user": {"exec": {"apiVersion": version, "command": str(command)}}}]


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_a_cloud_that_signs_in_by_a_command_is_reached(tmp_path: Path, version: str) -> None:
    api = f"client.authentication.k8s.io/{version}"
    credential = f'{{"apiVersion": "{api}", "kind": "ExecCredential", "status": {{"token": "fr0m-c0mmand"}}}}'
    users = signed_in_by(tmp_path, answer=f"echo '{credential}'", version=api)

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == "Bearer fr0m-c0mmand"
        return httpx.Response(200, json={})

    cluster = connect(kubeconfig(tmp_path, users=users), "development", "x", transport=httpx.MockTransport(answer))
    assert cluster.namespace_exists()


def test_a_sign_in_that_fails_is_one_line_with_a_mend(tmp_path: Path) -> None:
    users = signed_in_by(tmp_path, answer="exit 3", version="client.authentication.k8s.io/v1")
    cluster = connect(
        kubeconfig(tmp_path, users=users),
        "development",
        "x",
        transport=httpx.MockTransport(lambda _request: httpx.Response(200)),
    )
    with pytest.raises(ClusterError, match=r"signing in to the cluster at .* failed.*by hand"):
        cluster.namespace_exists()
