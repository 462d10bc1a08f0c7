"""Whichever engine, plug-ins and cluster are there.

With PULUMI_HOME set, `pulumi` from PATH runs with the plug-ins that are installed there; otherwise the sandbox's own
serve. RELEASE_MANAGER_SANDBOX_KUBECONFIG names the cluster; otherwise it is the sandbox's.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from lightkube.config.client_adapter import Client, ConnectionParams
from lightkube.config.kubeconfig import KubeConfig

from sandbox.paths import Paths
from sandbox.plugins.install import PluginInstaller
from sandbox.toolchain.build import Toolchain
from sandbox.toolchain.downloads import Downloads
from sandbox.toolchain.pulumi_cli import PulumiFinder
from tests.plugins.conformance import ClusterApi, Objects, Stack, make_stack

KUBECONFIG_VARIABLE = "RELEASE_MANAGER_SANDBOX_KUBECONFIG"
MakeStack = Callable[[str], Stack]


@pytest.fixture(scope="session")
def pulumi(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Mapping[str, str]]:
    """The engine's program and the environment in which it finds its plug-ins."""
    if os.environ.get("PULUMI_HOME"):
        return shutil.which("pulumi") or "pulumi", dict(os.environ)
    paths = Paths.default()
    cli = PulumiFinder(paths, Toolchain(paths), Downloads(paths)).find(lambda _: None)
    own = Paths(paths.cache, tmp_path_factory.mktemp("plugins"), paths.run)
    environment = PluginInstaller(own, cli, Downloads(own)).install(lambda _: None)
    return str(cli.program), environment.over(os.environ)


@pytest.fixture
def stack_of(pulumi: tuple[str, Mapping[str, str]], tmp_path: Path) -> MakeStack:
    command, environment = pulumi
    return lambda program: make_stack(program, tmp_path / program, command, environment, sys.prefix)


@pytest.fixture(scope="session")
def kubeconfig() -> str:
    path = os.environ.get(KUBECONFIG_VARIABLE) or str(Paths.default().kubeconfig)
    assert Path(path).is_file(), f"no cluster: {path} does not exist; run `make up`, or set {KUBECONFIG_VARIABLE}"
    return path


@pytest.fixture
def api(kubeconfig: str) -> Iterator[ClusterApi]:
    single = KubeConfig.from_file(kubeconfig).get()
    assert single is not None
    namespace = f"conformance-{secrets.token_hex(4)}"
    with Client(single, ConnectionParams(trust_env=False)) as client:
        client.post("/api/v1/namespaces", json={"metadata": {"name": namespace}}).raise_for_status()
        yield ClusterApi(client, namespace, kubeconfig)
        client.delete(f"/api/v1/namespaces/{namespace}").raise_for_status()


@pytest.fixture
def objects(stack_of: MakeStack, api: ClusterApi) -> Objects:
    return Objects(stack_of("objects"), {"kubeconfig": api.kubeconfig, "namespace": api.namespace})
