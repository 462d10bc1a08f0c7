"""etcd: the store behind the API server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sandbox.cluster.certificates import ADMINISTRATOR, ETCD, Certificates
from sandbox.cluster.layout import ETCD_PEER_PORT, ETCD_PORT, LOOPBACK, Layout
from sandbox.cluster.probes import serves, trusting
from sandbox.processes import Process

URL = f"https://{LOOPBACK}:{ETCD_PORT}"
PEER_URL = f"http://{LOOPBACK}:{ETCD_PEER_PORT}"


@dataclass(frozen=True)
class Etcd:
    """One member that only the API server may read: clients show a certificate of the cluster's authority."""

    layout: Layout
    certificates: Certificates
    program: Path

    def process(self) -> Process:
        """Return how etcd is run."""
        own = self.certificates.of(ETCD)
        authority = self.certificates.authority
        trust = trusting(authority, self.certificates.of(ADMINISTRATOR))
        command = [
            str(self.program),
            "--name=sandbox",
            f"--data-dir={self.layout.etcd}",
            f"--listen-client-urls={URL}",
            f"--advertise-client-urls={URL}",
            f"--listen-peer-urls={PEER_URL}",
            f"--initial-advertise-peer-urls={PEER_URL}",
            f"--initial-cluster=sandbox={PEER_URL}",
            f"--cert-file={own.certificate}",
            f"--key-file={own.key}",
            "--client-cert-auth",
            f"--trusted-ca-file={authority.certificate}",
            "--auto-compaction-mode=periodic",
            "--auto-compaction-retention=1h",
            "--logger=zap",
            "--log-level=warn",
        ]
        return Process("etcd", command, serves(f"{URL}/health", trust))
