"""kubelet and kube-proxy: the one node."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sandbox.cluster.certificates import KUBELET, PROXY, Certificates
from sandbox.cluster.layout import (
    CGROUP,
    DNS_DOMAIN,
    DNS_SERVICE,
    KUBELET_HEALTH_PORT,
    KUBELET_PORT,
    LOOPBACK,
    NODE,
    NODE_ADDRESS,
    POD_RANGE,
    PROXY_HEALTH_PORT,
    PROXY_METRICS_PORT,
    Layout,
)
from sandbox.cluster.probes import serves
from sandbox.errors import SandboxError
from sandbox.processes import Process

LONGEST_SOCKET_PATH = 107


def kubelet_config(layout: Layout, certificates: Certificates) -> dict[str, Any]:
    """Return kubelet's configuration: quick to start pods, and never evicting for want of disk."""
    own = certificates.of(KUBELET)
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_ADDRESS,
        "port": KUBELET_PORT,
        "healthzBindAddress": LOOPBACK,
        "healthzPort": KUBELET_HEALTH_PORT,
        "tlsCertFile": str(own.certificate),
        "tlsPrivateKeyFile": str(own.key),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(certificates.authority.certificate)},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": f"unix://{layout.containerd_socket}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{CGROUP}",
        "clusterDNS": [DNS_SERVICE],
        "clusterDomain": DNS_DOMAIN,
        "resolvConf": str(layout.config / "resolv.conf"),
        "podLogsDir": str(layout.pod_logs),
        "volumePluginDir": str(layout.kubelet / "volume-plugins"),
        "failSwapOn": False,
        "serializeImagePulls": False,
        "registryPullQPS": 0,
        "eventRecordQPS": 0,
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
        # A percentage of 0 turns a threshold off: a full disk is the machine's business, not the pods'.
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
            "imagefs.inodesFree": "0%",
        },
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "containerLogMaxSize": "20Mi",
        "containerLogMaxFiles": 3,
        "podPidsLimit": 4096,
        "maxPods": 110,
        "syncFrequency": "10s",
        "nodeStatusUpdateFrequency": "5s",
        "configMapAndSecretChangeDetectionStrategy": "Watch",
        "shutdownGracePeriod": "0s",
        "logging": {"verbosity": 0},
    }


def proxy_config(layout: Layout) -> dict[str, Any]:
    """Return kube-proxy's configuration: node ports answer on this machine alone."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(layout.kubeconfig_of(PROXY.name)), "qps": 200, "burst": 400},
        "bindAddress": NODE_ADDRESS,
        "hostnameOverride": NODE,
        "mode": "iptables",
        "clusterCIDR": POD_RANGE,
        "healthzBindAddress": f"{LOOPBACK}:{PROXY_HEALTH_PORT}",
        "metricsBindAddress": f"{LOOPBACK}:{PROXY_METRICS_PORT}",
        "nodePortAddresses": [f"{LOOPBACK}/8", f"{NODE_ADDRESS}/32"],
        "iptables": {"minSyncPeriod": "100ms", "syncPeriod": "30s", "localhostNodePorts": True},
        # 0 leaves the machine's own limits as they are.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }


def node_problem(node: dict[str, Any], since: datetime | None) -> str | None:
    """Return why `node` (a Node object) cannot take pods yet, or None.

    A Ready condition that is older than `since` was written before the kubelet was started and says nothing.
    """
    conditions = {one["type"]: one for one in node.get("status", {}).get("conditions", [])}
    ready = conditions.get("Ready")
    if ready is None:
        return "the node has not reported yet"
    if since is not None and datetime.fromisoformat(ready["lastHeartbeatTime"]) < since.replace(microsecond=0):
        return "the node has not reported since it was started"
    if ready["status"] != "True":
        return f"the node is not ready: {ready.get('message', ready.get('reason', 'no reason given'))}"
    taints = [taint["key"] for taint in node.get("spec", {}).get("taints", [])]
    return f"the node is tainted: {', '.join(taints)}" if taints else None


@dataclass(frozen=True)
class Node:
    """The node's two processes. `kubernetes` is the binary whose first argument picks the part."""

    layout: Layout
    certificates: Certificates
    kubernetes: Path

    def configure(self) -> None:
        """Write configuration files. Raises SandboxError where the data directory's path is too long for sockets."""
        socket = self.layout.kubelet / "pod-resources" / "kubelet.sock"
        if len(str(socket)) > LONGEST_SOCKET_PATH:
            raise SandboxError(
                f"the path {socket} has {len(str(socket))} characters; a socket's may have {LONGEST_SOCKET_PATH}",
                mend="set XDG_DATA_HOME to a shorter directory",
            )
        config = self.layout.config
        for file, document in (
            (self._kubelet_file, kubelet_config(self.layout, self.certificates)),
            (self._proxy_file, proxy_config(self.layout)),
        ):
            file.write_text(json.dumps(document, indent=2), encoding="utf-8")
        (config / "resolv.conf").write_text(f"nameserver {DNS_SERVICE}\n", encoding="utf-8")
        self.layout.pod_logs.mkdir(parents=True, exist_ok=True)

    def kubelet(self) -> Process:
        """Return how kubelet is run."""
        flags: dict[str, object] = {
            "config": self._kubelet_file,
            "kubeconfig": self.layout.kubeconfig_of(KUBELET.name),
            "root-dir": self.layout.kubelet,
            "hostname-override": NODE,
            "node-ip": NODE_ADDRESS,
        }
        return self._process("kubelet", flags, f"http://{LOOPBACK}:{KUBELET_HEALTH_PORT}/healthz")

    def proxy(self) -> Process:
        """Return how kube-proxy is run."""
        return self._process(
            "kube-proxy", {"config": self._proxy_file}, f"http://{LOOPBACK}:{PROXY_HEALTH_PORT}/healthz"
        )

    def _process(self, name: str, flags: dict[str, object], health: str) -> Process:
        command = [str(self.kubernetes), name, *(f"--{flag}={value}" for flag, value in flags.items())]
        return Process(name, command, serves(health))

    @property
    def _kubelet_file(self) -> Path:
        return self.layout.config / "kubelet.json"

    @property
    def _proxy_file(self) -> Path:
        return self.layout.config / "kube-proxy.json"
