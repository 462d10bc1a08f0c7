"""Addresses, names and directories of the sandbox cluster, each in one place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sandbox.paths import Paths

LOOPBACK = "127.0.0.1"
CONTEXT = "release-manager-sandbox"
NODE = "sandbox"

# Ranges that are set aside for benchmarks (RFC 2544), so that they meet nobody's network.
POD_RANGE = "198.18.0.0/24"
SERVICE_RANGE = "198.19.0.0/16"
API_SERVICE = "198.19.0.1"
DNS_SERVICE = "198.19.0.10"
NODE_ADDRESS = "198.18.255.1"
DNS_DOMAIN = "cluster.local"

NODE_INTERFACE = "rm-sandbox0"
BRIDGE = "rm-sandbox-cni"
NETWORK = "rm-sandbox"
CGROUP = "release-manager-sandbox"

ETCD_PORT = 12379
ETCD_PEER_PORT = 12380
API_PORT = 16443
KUBELET_PORT = 10250
KUBELET_HEALTH_PORT = 16248
PROXY_METRICS_PORT = 16249
PROXY_HEALTH_PORT = 16256
CONTROLLER_MANAGER_PORT = 16257
SCHEDULER_PORT = 16259
DNS_PORT = 10053
DNS_HEALTH_PORT = 16053

API_URL = f"https://{LOOPBACK}:{API_PORT}"


@dataclass(frozen=True)
class Layout:
    """Where each part of the cluster keeps its files."""

    paths: Paths

    @property
    def data(self) -> Path:
        """What outlives a stop and a reboot."""
        return self.paths.data / "cluster"

    @property
    def pki(self) -> Path:
        """The cluster's own authority and certificates."""
        return self.data / "pki"

    @property
    def config(self) -> Path:
        """Configuration files and kubeconfigs of the parts; written anew at every start."""
        return self.data / "config"

    @property
    def etcd(self) -> Path:
        """Everything that the API server knows."""
        return self.data / "etcd"

    @property
    def containerd(self) -> Path:
        """Images and containers' files."""
        return self.data / "containerd"

    @property
    def kubelet(self) -> Path:
        """Pods' volumes."""
        return self.data / "kubelet"

    @property
    def pod_logs(self) -> Path:
        """What containers print."""
        return self.data / "pod-logs"

    @property
    def containerd_state(self) -> Path:
        """Mounts, sockets and network namespaces of running containers."""
        return self.paths.run / "containerd"

    @property
    def containerd_socket(self) -> Path:
        """Where containerd listens."""
        return self.paths.run / "containerd.sock"

    @property
    def runc(self) -> Path:
        """The runtime's state of running containers."""
        return self.paths.run / "runc"

    @property
    def pod_addresses(self) -> Path:
        """Which pod holds which address."""
        return self.paths.run / "pod-addresses"

    @property
    def kubectl(self) -> Path:
        """A kubectl for people that knows only this cluster."""
        return self.paths.data / "bin" / "kubectl"

    def kubeconfig_of(self, part: str) -> Path:
        """Kubeconfig of one part of the cluster."""
        return self.config / f"{part}.kubeconfig"
