"""From a kubeconfig to an HTTP client of its cluster."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import yaml
from lightkube.config.client_adapter import Client, ConnectionParams
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.config.models import User
from lightkube.core.exceptions import ConfigError

REQUEST_SECONDS: Final = 60.0
DEFAULT_PATH: Final = "~/.kube/config"
EXEC_V1: Final = "client.authentication.k8s.io/v1"
EXEC_V1BETA1: Final = "client.authentication.k8s.io/v1beta1"


class KubeconfigError(Exception):
    """The configuration names no usable cluster."""


@dataclass(frozen=True)
class Connection:
    """A cluster to talk to: its client, address and the namespace of the chosen context."""

    client: httpx.Client
    server: str
    namespace: str


@dataclass(frozen=True)
class Selection:
    """What to take from a kubeconfig.

    `source` is a path or the contents of a file; empty means the environment's `KUBECONFIG`, then `~/.kube/config`.
    """

    source: str = ""
    context: str = ""
    cluster: str = ""
    namespace: str = ""


def connect(selection: Selection) -> Connection:
    """Return a client for the chosen cluster; raises KubeconfigError. Nothing is sent yet."""
    try:
        single = _select(_load(selection.source), selection)
        parameters = ConnectionParams(
            timeout=httpx.Timeout(REQUEST_SECONDS), trust_env=not _is_loopback(single.cluster.server)
        )
        client = Client(single, parameters)
    except (ConfigError, KeyError, TypeError, ValueError, OSError, yaml.YAMLError) as error:
        raise KubeconfigError(f"{type(error).__name__}: {error}") from error
    return Connection(client, single.cluster.server, selection.namespace or single.namespace)


def active_cluster(source: str, context: str, cluster: str) -> Mapping[str, Any] | None:
    """Return the settings of the cluster that a kubeconfig and its overrides choose; None where they choose none."""
    try:
        content = _parse(source)
    except (KubeconfigError, OSError, yaml.YAMLError):
        return None
    clusters = {entry["name"]: entry.get("cluster") for entry in content.get("clusters") or []}
    if not clusters:
        return {}
    contexts = {entry["name"]: entry.get("context") or {} for entry in content.get("contexts") or []}
    chosen = contexts.get(context or content.get("current-context") or "")
    if chosen is None:
        return None
    found = clusters.get(cluster or chosen.get("cluster"))
    return found if isinstance(found, Mapping) else None


def _parse(source: str) -> dict[str, Any]:
    if not source:
        return {}
    path = Path(source).expanduser()
    is_path = "\n" not in source and path.is_file()
    content = yaml.safe_load(path.read_text(encoding="utf-8") if is_path else source)
    if not isinstance(content, dict):
        raise KubeconfigError("the kubeconfig is neither a file that exists nor the contents of one")
    return content


def _load(source: str) -> KubeConfig:
    if source:
        path = Path(source).expanduser()
        is_path = "\n" not in source and path.is_file()
        return KubeConfig.from_dict(_parse(source), fname=path if is_path else None)
    for name in os.environ.get("KUBECONFIG", "").split(os.pathsep):
        if name and Path(name).expanduser().is_file():
            return KubeConfig.from_file(name)
    if Path(DEFAULT_PATH).expanduser().is_file():
        return KubeConfig.from_file(DEFAULT_PATH)
    return KubeConfig.from_service_account()


def _select(config: KubeConfig, selection: Selection) -> SingleConfig:
    single = config.get(selection.context or None)
    if single is None:
        raise KubeconfigError("the kubeconfig has no current context")
    if single.user is not None and single.user.exec is not None and single.user.exec.apiVersion == EXEC_V1:
        # lightkube knows only the version before, whose answer is of the same form.
        single.user.exec.apiVersion = EXEC_V1BETA1
    if selection.cluster:
        single = single._replace(cluster=config.clusters[selection.cluster])
    return single._replace(user=single.user or User())


def _is_loopback(server: str) -> bool:
    """Tell whether a cluster is on this machine: those are never reached through a proxy."""
    host = urlsplit(server).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
