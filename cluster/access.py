"""A connection to the cluster that the configuration names, and never to any other."""

from __future__ import annotations

from pathlib import Path

import httpx
import yaml
from lightkube.config.client_adapter import Client, ConnectionParams
from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.exceptions import ConfigError

from cluster.api import Cluster
from cluster.errors import ClusterError

TIMEOUT_SECONDS = 10.0
EXEC_V1 = "client.authentication.k8s.io/v1"
EXEC_V1BETA1 = "client.authentication.k8s.io/v1beta1"


def connect(kubeconfig: str, context: str, namespace: str, *, transport: httpx.BaseTransport | None = None) -> Cluster:
    """Return the cluster of `context` in file `kubeconfig`, seen from `namespace`.

    Opens no connection yet. Raises ClusterError where the file or the context does not exist. The current context of
    the file is never used.
    """
    file = Path(kubeconfig).expanduser()
    try:
        config = KubeConfig.from_file(file)
    except (ConfigError, OSError, ValueError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise ClusterError(
            f"the kubeconfig {file} cannot be read ({type(error).__name__})",
            mend="set cluster.kubeconfig in the stack's settings to a readable kubeconfig",
        ) from error
    if context not in config.contexts:
        known = ", ".join(sorted(config.contexts)) or "none"
        raise ClusterError(
            f"the kubeconfig {file} has no context '{context}' (it has: {known})",
            mend="set cluster.context in the stack's settings to one of them",
        )
    parameters = ConnectionParams(timeout=httpx.Timeout(TIMEOUT_SECONDS), transport=transport)
    try:
        single = config.get(context_name=context)
        if single is None or single.user is None:
            raise ClusterError(
                f"context '{context}' of {file} names no user",
                mend=f"kubectl --kubeconfig {file} config set-context {context} --user=...",
            )
        if single.user.exec is not None and single.user.exec.apiVersion == EXEC_V1:
            # lightkube knows only the version before, whose answer is of the same form.
            single.user.exec.apiVersion = EXEC_V1BETA1
        return Cluster(Client(single, parameters), namespace)
    except (ConfigError, OSError, ValueError, KeyError) as error:
        raise ClusterError(
            f"context '{context}' of {file} names a cluster, user or certificate that cannot be used"
            f" ({type(error).__name__})",
            mend=f"kubectl --kubeconfig {file} --context {context} get pods, and complete what it misses",
        ) from error
