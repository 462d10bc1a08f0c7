"""Who is who in the cluster: one identity for each part that speaks or serves."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.cluster.authority import Authority, Credentials, Identity, ensure_key_pair
from sandbox.cluster.kubeconfig import write_kubeconfig
from sandbox.cluster.layout import API_SERVICE, DNS_DOMAIN, LOOPBACK, NODE, NODE_ADDRESS, Layout

ADMINISTRATOR = Identity("admin", "sandbox:administrator", ("system:masters",))
ETCD = Identity("etcd", "sandbox:etcd", hosts=(LOOPBACK, "localhost"))
API_SERVER = Identity(
    "kube-apiserver",
    "kube-apiserver",
    hosts=(
        LOOPBACK,
        "localhost",
        API_SERVICE,
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        f"kubernetes.default.svc.{DNS_DOMAIN}",
    ),
)
API_SERVER_CLIENT = Identity("kube-apiserver-client", "sandbox:api-server", ("system:masters",))
CONTROLLER_MANAGER = Identity(
    "kube-controller-manager", "system:kube-controller-manager", hosts=(LOOPBACK, "localhost")
)
SCHEDULER = Identity("kube-scheduler", "system:kube-scheduler", hosts=(LOOPBACK, "localhost"))
KUBELET = Identity("kubelet", f"system:node:{NODE}", ("system:nodes",), hosts=(NODE_ADDRESS, NODE))
PROXY = Identity("kube-proxy", "system:kube-proxy")
DNS = Identity("coredns", "sandbox:dns")
WITH_KUBECONFIG = (CONTROLLER_MANAGER, SCHEDULER, KUBELET, PROXY, DNS)


def cluster_authority(layout: Layout) -> Authority:
    """Return the authority that the cluster's parts trust one another by."""
    return Authority(layout.pki, "release-manager-sandbox cluster")


@dataclass(frozen=True)
class Certificates:
    """The cluster's certificates on disk."""

    layout: Layout

    @property
    def authority(self) -> Authority:
        """The cluster's authority."""
        return cluster_authority(self.layout)

    def of(self, identity: Identity) -> Credentials:
        """Where the credentials of `identity` are."""
        return Credentials(self.layout.pki / f"{identity.name}.crt", self.layout.pki / f"{identity.name}.key")

    @property
    def service_accounts(self) -> Credentials:
        """The key pair that tokens of service accounts are signed with."""
        return Credentials(self.layout.pki / "service-accounts.pub", self.layout.pki / "service-accounts.key")

    def ensure(self) -> None:
        """Make or renew what is missing, and write every kubeconfig."""
        authority = self.authority
        authority.ensure()
        ensure_key_pair(self.layout.pki, "service-accounts")
        for identity in (ETCD, API_SERVER, API_SERVER_CLIENT):
            authority.issue(identity)
        for identity in WITH_KUBECONFIG:
            write_kubeconfig(self.layout.kubeconfig_of(identity.name), authority, authority.issue(identity))
        write_kubeconfig(self.layout.paths.kubeconfig, authority, authority.issue(ADMINISTRATOR))
