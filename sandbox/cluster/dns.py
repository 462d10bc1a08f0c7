"""CoreDNS as a process of this machine, and the Service that leads pods to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.cluster.certificates import DNS
from sandbox.cluster.layout import (
    CONTEXT,
    DNS_DOMAIN,
    DNS_HEALTH_PORT,
    DNS_PORT,
    DNS_SERVICE,
    LOOPBACK,
    NODE_ADDRESS,
    Layout,
)
from sandbox.cluster.probes import serves
from sandbox.processes import Process

RESOLV_CONF = Path("/etc/resolv.conf")
SERVICE = "kube-dns"


def corefile(kubeconfig: Path, upstream: Path | None) -> str:
    """Return CoreDNS's configuration. Names outside the cluster go to the servers in `upstream`, if there is one."""
    forward = f"    forward . {upstream}\n" if upstream else ""
    return f""".:{DNS_PORT} {{
    bind {NODE_ADDRESS}
    errors
    ready {LOOPBACK}:{DNS_HEALTH_PORT}
    kubernetes {DNS_DOMAIN} in-addr.arpa ip6.arpa {{
        kubeconfig {kubeconfig} {CONTEXT}
        pods insecure
        ttl 5
        fallthrough in-addr.arpa ip6.arpa
    }}
{forward}}}
"""


def has_nameserver(resolv_conf: str) -> bool:
    """Tell whether the text of a resolv.conf names a server."""
    return any(line.split()[:1] == ["nameserver"] for line in resolv_conf.splitlines())


def documents() -> list[dict[str, Any]]:
    """Return what the cluster must hold: the Service, its one address, and what CoreDNS may read."""
    labels = {"k8s-app": SERVICE}
    return [
        # The API server makes it too, but only some time after it is ready.
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": SERVICE, "namespace": "kube-system", "labels": labels},
            "spec": {
                "clusterIP": DNS_SERVICE,
                "ports": [
                    {"name": "dns", "port": 53, "protocol": "UDP"},
                    {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
                ],
            },
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"{SERVICE}-host",
                "namespace": "kube-system",
                "labels": {"kubernetes.io/service-name": SERVICE},
            },
            "addressType": "IPv4",
            "endpoints": [{"addresses": [NODE_ADDRESS], "conditions": {"ready": True}}],
            "ports": [
                {"name": "dns", "port": DNS_PORT, "protocol": "UDP"},
                {"name": "dns-tcp", "port": DNS_PORT, "protocol": "TCP"},
            ],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": DNS.common_name},
            "rules": [
                {
                    "apiGroups": [""],
                    "resources": ["endpoints", "services", "pods", "namespaces"],
                    "verbs": ["list", "watch"],
                },
                {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
            ],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": DNS.common_name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": DNS.common_name},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": DNS.common_name}],
        },
    ]


@dataclass(frozen=True)
class Dns:
    """The cluster's name server. `program` is CoreDNS."""

    layout: Layout
    program: Path
    resolv_conf: Path = RESOLV_CONF

    def configure(self) -> None:
        """Write the Corefile."""
        found = self.resolv_conf.exists() and has_nameserver(self.resolv_conf.read_text(encoding="utf-8"))
        text = corefile(self.layout.kubeconfig_of(DNS.name), self.resolv_conf if found else None)
        self._corefile.write_text(text, encoding="utf-8")

    def process(self) -> Process:
        """Return how CoreDNS is run."""
        command = [str(self.program), "-conf", str(self._corefile)]
        return Process("coredns", command, serves(f"http://{LOOPBACK}:{DNS_HEALTH_PORT}/ready"))

    @property
    def _corefile(self) -> Path:
        return self.layout.config / "Corefile"
