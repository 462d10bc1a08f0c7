"""Promise: the provider finds the cluster that the program names, and only a change of that one replaces objects."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from sandbox.plugins.kubernetes.kubeconfig import KubeconfigError, Selection, connect
from sandbox.plugins.kubernetes.provider_config import diff_config
from sandbox.plugins.kubernetes.settings import Settings, SettingsError, read_settings
from sandbox.plugins.protocol.properties import UNKNOWN, Secret

PREFIX = "kubernetes:config:"


def kubeconfig(server: str = "http://127.0.0.1:1", **context: str) -> str:
    return yaml.safe_dump(
        {
            "clusters": [
                {"name": "one", "cluster": {"server": server}},
                {"name": "two", "cluster": {"server": "http://127.0.0.1:2"}},
            ],
            "users": [{"name": "me", "user": {"token": "t"}}],
            "contexts": [
                {"name": "first", "context": {"cluster": "one", "user": "me", **context}},
                {"name": "second", "context": {"cluster": "two"}},
            ],
            "current-context": "first",
        }
    )


def test_a_kubeconfig_may_be_contents_or_a_path(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(kubeconfig(namespace="shop"))
    for source in (kubeconfig(namespace="shop"), str(path)):
        connection = connect(Selection(source))
        assert (connection.server, connection.namespace) == ("http://127.0.0.1:1", "shop")


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_a_cluster_that_signs_in_by_a_command_is_reached(tmp_path: Path, version: str) -> None:
    api = f"client.authentication.k8s.io/{version}"
    command = tmp_path / "sign-in"
    credential = f'{{"apiVersion": "{api}", "kind": "ExecCredential", "status": {{"token": "fr0m-c0mmand"}}}}'
    command.write_text(f"#!/bin/sh\necho '{credential}'\n", encoding="utf-8")
    command.chmod(0o755)
    config = yaml.safe_load(kubeconfig())
    config["users"][0]["user"] = {"exec": {"apiVersion": api, "command": str(command)}}

    client = connect(Selection(yaml.safe_dump(config))).client

    assert client.auth is not None
    request = next(client.auth.sync_auth_flow(client.build_request("GET", "/api")))
    assert request.headers["Authorization"] == "Bearer fr0m-c0mmand"


def test_context_cluster_and_namespace_can_be_chosen() -> None:
    assert connect(Selection(kubeconfig(), context="second")).server == "http://127.0.0.1:2"
    assert connect(Selection(kubeconfig(), cluster="two")).server == "http://127.0.0.1:2"
    assert connect(Selection(kubeconfig(namespace="shop"), namespace="other")).namespace == "other"
    assert connect(Selection(kubeconfig())).namespace == "default"


def test_the_environment_names_the_kubeconfig_when_the_program_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config"
    path.write_text(kubeconfig())
    monkeypatch.setenv("KUBECONFIG", str(path))
    assert connect(Selection()).server == "http://127.0.0.1:1"


@pytest.mark.parametrize(
    "selection",
    [
        Selection("/does/not/exist"),
        Selection("just: {a: mapping}"),
        Selection(kubeconfig(), context="third"),
        Selection(kubeconfig(), cluster="three"),
    ],
)
def test_a_kubeconfig_that_names_no_cluster_is_an_error_in_words(selection: Selection) -> None:
    with pytest.raises(KubeconfigError):
        connect(selection)


def test_settings_come_from_the_program_then_from_the_environment_then_from_defaults() -> None:
    assert read_settings({}, {}) == Settings()
    assert read_settings({}, {"PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}).patch_force
    overruled = {PREFIX + "enablePatchForce": "false"}
    assert not read_settings(overruled, {"PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}).patch_force


@pytest.mark.parametrize(("name", "value"), [("helmReleaseSettings", "{}"), ("enableServerSideApply", "false")])
def test_a_setting_of_a_part_that_is_missing_is_refused_not_ignored(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        read_settings({PREFIX + name: value}, {})


def test_another_server_replaces_and_another_token_does_not() -> None:
    old = {"kubeconfig": kubeconfig()}
    assert diff_config(old, {"kubeconfig": kubeconfig("http://127.0.0.1:9")}).replaces == ("kubeconfig",)
    renewed = diff_config(old, {"kubeconfig": Secret(kubeconfig().replace("token: t", "token: u"))})
    assert renewed.changed == ("kubeconfig",)
    assert renewed.replaces == ()
    assert diff_config(old, dict(old)).changed == ()


def test_a_kubeconfig_that_is_not_known_yet_may_be_another_cluster() -> None:
    assert diff_config({"kubeconfig": kubeconfig()}, {"kubeconfig": UNKNOWN}).replaces == ("kubeconfig",)


def test_an_identifier_decides_alone() -> None:
    old = {"kubeconfig": kubeconfig(), "clusterIdentifier": "a"}
    moved = {"kubeconfig": kubeconfig("http://127.0.0.1:9"), "clusterIdentifier": "a"}
    assert diff_config(old, moved).replaces == ()
    assert diff_config(old, moved | {"clusterIdentifier": "b"}).replaces == ("clusterIdentifier",)
