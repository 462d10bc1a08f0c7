"""API server, controller manager and scheduler."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sandbox.cluster import etcd
from sandbox.cluster.authority import Identity
from sandbox.cluster.certificates import (
    ADMINISTRATOR,
    API_SERVER,
    API_SERVER_CLIENT,
    CONTROLLER_MANAGER,
    ETCD,
    SCHEDULER,
    Certificates,
)
from sandbox.cluster.layout import (
    API_PORT,
    API_URL,
    CONTROLLER_MANAGER_PORT,
    DNS_DOMAIN,
    LOOPBACK,
    SCHEDULER_PORT,
    SERVICE_RANGE,
    Layout,
)
from sandbox.cluster.probes import serves, trusting
from sandbox.processes import Process


@dataclass(frozen=True)
class ControlPlane:
    """The three processes that decide. `kubernetes` is the binary whose first argument picks the part."""

    layout: Layout
    certificates: Certificates
    kubernetes: Path

    def api_server(self) -> Process:
        """Return how the API server is run."""
        authority = self.certificates.authority.certificate
        own, client = self.certificates.of(API_SERVER), self.certificates.of(API_SERVER_CLIENT)
        store, tokens = self.certificates.of(ETCD), self.certificates.service_accounts
        flags = {
            "bind-address": LOOPBACK,
            "advertise-address": LOOPBACK,
            "secure-port": API_PORT,
            # A loopback address is no valid endpoint; the network's own rule leads pods here instead.
            "endpoint-reconciler-type": "none",
            "authorization-mode": "Node,RBAC",
            "allow-privileged": "true",
            "client-ca-file": authority,
            "tls-cert-file": own.certificate,
            "tls-private-key-file": own.key,
            "etcd-servers": etcd.URL,
            "etcd-cafile": authority,
            "etcd-certfile": store.certificate,
            "etcd-keyfile": store.key,
            "kubelet-certificate-authority": authority,
            "kubelet-client-certificate": client.certificate,
            "kubelet-client-key": client.key,
            "kubelet-preferred-address-types": "InternalIP",
            "service-account-issuer": f"https://kubernetes.default.svc.{DNS_DOMAIN}",
            "service-account-signing-key-file": tokens.key,
            "service-account-key-file": tokens.certificate,
            "service-cluster-ip-range": SERVICE_RANGE,
            "profiling": "false",
            "max-requests-inflight": 800,
            "max-mutating-requests-inflight": 400,
        }
        return self._process("kube-apiserver", flags, f"{API_URL}/readyz")

    def controller_manager(self) -> Process:
        """Return how the controller manager is run."""
        flags = {
            **self._common(CONTROLLER_MANAGER, CONTROLLER_MANAGER_PORT),
            "use-service-account-credentials": "true",
            "service-account-private-key-file": self.certificates.service_accounts.key,
            "root-ca-file": self.certificates.authority.certificate,
            # Traffic follows readiness at once: a canary is taken off its Service in a fraction of a second.
            "endpoint-updates-batch-period": "0s",
            "endpointslice-updates-batch-period": "0s",
            "node-monitor-period": "2s",
            "node-monitor-grace-period": "40s",
            "kube-api-qps": 200,
            "kube-api-burst": 400,
        }
        return self._process("kube-controller-manager", flags, f"https://{LOOPBACK}:{CONTROLLER_MANAGER_PORT}/healthz")

    def scheduler(self) -> Process:
        """Return how the scheduler is run."""
        flags = {
            **self._common(SCHEDULER, SCHEDULER_PORT),
            "kube-api-qps": 200,
            "kube-api-burst": 400,
        }
        return self._process("kube-scheduler", flags, f"https://{LOOPBACK}:{SCHEDULER_PORT}/healthz")

    def _common(self, identity: Identity, port: int) -> dict[str, object]:
        own = self.certificates.of(identity)
        kubeconfig = self.layout.kubeconfig_of(identity.name)
        return {
            "kubeconfig": kubeconfig,
            "authentication-kubeconfig": kubeconfig,
            "authorization-kubeconfig": kubeconfig,
            "authentication-skip-lookup": "true",
            "bind-address": LOOPBACK,
            "secure-port": port,
            "tls-cert-file": own.certificate,
            "tls-private-key-file": own.key,
            "leader-elect": "false",
            "profiling": "false",
        }

    def _process(self, name: str, flags: dict[str, object], health: str) -> Process:
        trust = trusting(self.certificates.authority, self.certificates.of(ADMINISTRATOR))
        command = [str(self.kubernetes), name, *(f"--{flag}={value}" for flag, value in flags.items())]
        return Process(name, command, serves(health, trust), timeout_seconds=90.0)
