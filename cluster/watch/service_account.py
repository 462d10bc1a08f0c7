"""A connection to the cluster from one of its own pods, with the rights of the pod's account."""

from __future__ import annotations

import os
import ssl
from collections.abc import Generator, Mapping
from pathlib import Path

import httpx

from cluster.access import TIMEOUT_SECONDS
from cluster.api import Cluster
from cluster.errors import ClusterError

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class _Token(httpx.Auth):
    """Signs each request with the token as it stands in its file, which the cluster renews every hour."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the token. Raises httpx.RequestError where it cannot be read, as between two of them."""
        try:
            token = self._file.read_text(encoding="ascii").strip()
        except OSError as error:
            message = f"the token of the pod's account cannot be read ({type(error).__name__})"
            raise httpx.RequestError(message, request=request) from error
        request.headers["Authorization"] = f"Bearer {token}"
        yield request


def connect_from_pod(
    namespace: str,
    *,
    account: Path = ACCOUNT,
    environment: Mapping[str, str] = os.environ,
    transport: httpx.BaseTransport | None = None,
) -> Cluster:
    """Return the cluster that this pod runs in, seen from `namespace`. Opens no connection yet.

    Raises ClusterError where this is no pod with an account.
    """
    host, port = environment.get("KUBERNETES_SERVICE_HOST", ""), environment.get("KUBERNETES_SERVICE_PORT", "443")
    authority, token = account / "ca.crt", account / "token"
    if not host or not token.is_file():
        raise ClusterError(
            "this is no pod of a cluster, or its account has no token", mend="let the Job of the watch run it"
        )
    try:
        trust = ssl.create_default_context(cafile=str(authority))
    except (OSError, ssl.SSLError) as error:
        raise ClusterError(f"{authority} cannot be read as certificates ({type(error).__name__})") from error
    address = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    client = httpx.Client(
        base_url=address,
        verify=trust,
        auth=_Token(token),
        timeout=httpx.Timeout(TIMEOUT_SECONDS),
        transport=transport,
        # A proxy of the environment leads away from the cluster.
        trust_env=False,
    )
    return Cluster(client, namespace)
