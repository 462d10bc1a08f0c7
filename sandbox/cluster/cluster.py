"""The whole cluster as one service."""

from __future__ import annotations

import contextlib
import os
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sandbox.cluster import dns
from sandbox.cluster.authority import now_utc
from sandbox.cluster.certificates import ADMINISTRATOR, Certificates
from sandbox.cluster.cgroups import Cgroups
from sandbox.cluster.container_runtime import ContainerRuntime
from sandbox.cluster.control_plane import ControlPlane
from sandbox.cluster.dns import Dns
from sandbox.cluster.etcd import Etcd
from sandbox.cluster.kubectl import Kubectl
from sandbox.cluster.layout import (
    API_PORT,
    API_URL,
    CGROUP,
    CONTEXT,
    CONTROLLER_MANAGER_PORT,
    DNS_HEALTH_PORT,
    DNS_PORT,
    ETCD_PEER_PORT,
    ETCD_PORT,
    KUBELET_HEALTH_PORT,
    KUBELET_PORT,
    LOOPBACK,
    NODE,
    NODE_ADDRESS,
    PROXY_HEALTH_PORT,
    PROXY_METRICS_PORT,
    SCHEDULER_PORT,
    Layout,
)
from sandbox.cluster.leftovers import Leftovers
from sandbox.cluster.network import Network
from sandbox.cluster.node import Node, node_problem
from sandbox.cluster.pause_image import PauseImage
from sandbox.cluster.probes import fetch, serves, trusting
from sandbox.debian import DebianPackages
from sandbox.errors import SandboxError
from sandbox.paths import Paths
from sandbox.ports import require_free
from sandbox.processes import Processes
from sandbox.service import Status

NODE_SECONDS = 60.0
STOPPED = "stopped"
# Each part with the addresses that it listens on.
PARTS: dict[str, tuple[tuple[str, int], ...]] = {
    "etcd": ((LOOPBACK, ETCD_PORT), (LOOPBACK, ETCD_PEER_PORT)),
    "containerd": (),
    "kube-apiserver": ((LOOPBACK, API_PORT),),
    "kube-controller-manager": ((LOOPBACK, CONTROLLER_MANAGER_PORT),),
    "kube-scheduler": ((LOOPBACK, SCHEDULER_PORT),),
    "kubelet": ((NODE_ADDRESS, KUBELET_PORT), (LOOPBACK, KUBELET_HEALTH_PORT)),
    "kube-proxy": ((LOOPBACK, PROXY_HEALTH_PORT), (LOOPBACK, PROXY_METRICS_PORT)),
    "coredns": ((NODE_ADDRESS, DNS_PORT), (LOOPBACK, DNS_HEALTH_PORT)),
}


@dataclass(frozen=True)
class Cluster:
    """A cluster of one node. `kubernetes` and `coredns` are built binaries; the rest comes from `packages`."""

    paths: Paths
    processes: Processes
    packages: DebianPackages
    kubernetes: Path
    coredns: Path
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = now_utc

    @property
    def name(self) -> str:
        """One word."""
        return "cluster"

    def start(self, progress: Callable[[str], None]) -> str:
        """Bring the cluster up to a Ready node. Raises SandboxError."""
        started = self.clock()
        self._require_root()
        self.paths.make()
        if not any(self.processes.running(name) for name in ("containerd", "kubelet")):
            progress("removing what an earlier run left")
            self._leftovers.remove()
        self._require_free_ports()
        self._configure()
        etcd, api_server = self._etcd.process(), self._control_plane.api_server()
        containerd = self._runtime.process()
        for process in (etcd, api_server, containerd):
            self.processes.launch(process)
        self._network.start()
        Cgroups(CGROUP).create()
        self.processes.wait(containerd, progress)
        self._runtime.load_pause_image()
        self.processes.wait(etcd, progress)
        self.processes.wait(api_server, progress)
        rest = [
            self._control_plane.controller_manager(),
            self._node.kubelet(),
            self._control_plane.scheduler(),
            self._node.proxy(),
            self._dns.process(),
        ]
        launched_at = self.now()
        launched = {process.name for process in rest if self.processes.launch(process)}
        Kubectl(self.paths, self.kubernetes).apply(dns.documents())
        for process in rest:
            self.processes.wait(process, progress)
        self._wait_for_node(launched_at if "kubelet" in launched else None, progress)
        return f"node {NODE} is ready at {API_URL} after {self.clock() - started:.1f} s; context {CONTEXT}"

    def stop(self) -> None:
        """End pods and parts and leave nothing but data on disk. Raises SandboxError where there is no right to."""
        if os.geteuid() != 0 and self.status().detail == STOPPED:
            return
        self._require_root()
        with ThreadPoolExecutor() as pool:
            list(pool.map(self.processes.stop, ("kubelet", "kube-proxy", "coredns")))
            deciders = ("kube-scheduler", "kube-controller-manager", "kube-apiserver")
            ending = [pool.submit(self.processes.stop, name) for name in deciders]
            if self.processes.running("containerd") is not None:
                # What a containerd in trouble cannot end, the removal of leftovers does.
                with contextlib.suppress(SandboxError):
                    self._runtime.stop_containers()
            for one in ending:
                one.result()
        self.processes.stop("etcd")
        self.processes.stop("containerd")
        self._leftovers.remove()

    def status(self) -> Status:
        """Tell which parts do not run, or whether the API server answers."""
        missing = [name for name in PARTS if self.processes.running(name) is None]
        if len(missing) == len(PARTS):
            left = self._leftovers.found()
            return Status(
                self.name, running=False, detail=f"stopped; left over: {', '.join(left)}" if left else STOPPED
            )
        if missing:
            return Status(self.name, running=False, detail=f"not running: {', '.join(missing)}")
        if not serves(f"{API_URL}/readyz", self._trust, seconds=0.5)():
            return Status(self.name, running=False, detail=f"the API server at {API_URL} is not ready")
        return Status(self.name, running=True, detail=f"{API_URL}, context {CONTEXT} in {self.paths.kubeconfig}")

    def _require_root(self) -> None:
        if os.geteuid() != 0:
            raise SandboxError(
                f"the sandbox cluster makes mounts and network interfaces, which user id {os.geteuid()} may not",
                mend="run the same command with sudo, or use a cluster that you have: make up CONTEXT=<kube context>",
            )

    def _require_free_ports(self) -> None:
        for name, addresses in PARTS.items():
            if self.processes.running(name) is None:
                for address, port in addresses:
                    require_free(address, port, name)

    def _configure(self) -> None:
        self._layout.config.mkdir(parents=True, exist_ok=True)
        self._certificates.ensure()
        self._runtime.configure()
        self._node.configure()
        self._dns.configure()
        Kubectl(self.paths, self.kubernetes).write_wrapper()

    def _wait_for_node(self, since: datetime | None, progress: Callable[[str], None]) -> None:
        deadline = self.clock() + NODE_SECONDS
        while True:
            node = fetch(f"{API_URL}/api/v1/nodes/{NODE}", self._trust)
            problem = "the node has not registered yet" if node is None else node_problem(node, since)
            if problem is None:
                return
            if self.clock() > deadline:
                raise SandboxError(
                    f"no Ready node after {NODE_SECONDS:.0f} s: {problem}",
                    mend=f"read {self.processes.log_file('kubelet')}, then run the same command again",
                )
            progress(f"waiting for the node: {problem}")
            self.sleep(0.1)

    @property
    def _layout(self) -> Layout:
        return Layout(self.paths)

    @property
    def _certificates(self) -> Certificates:
        return Certificates(self._layout)

    @property
    def _trust(self) -> Callable[[], ssl.SSLContext]:
        return trusting(self._certificates.authority, self._certificates.of(ADMINISTRATOR))

    @property
    def _etcd(self) -> Etcd:
        return Etcd(self._layout, self._certificates, self.packages.program("etcd-server"))

    @property
    def _control_plane(self) -> ControlPlane:
        return ControlPlane(self._layout, self._certificates, self.kubernetes)

    @property
    def _runtime(self) -> ContainerRuntime:
        pause = PauseImage(self.packages.program("busybox-static"))
        return ContainerRuntime(self._layout, self.packages.program("containerd"), pause)

    @property
    def _network(self) -> Network:
        return Network(self._layout)

    @property
    def _node(self) -> Node:
        return Node(self._layout, self._certificates, self.kubernetes)

    @property
    def _dns(self) -> Dns:
        return Dns(self._layout, self.coredns)

    @property
    def _leftovers(self) -> Leftovers:
        return Leftovers(self._layout, self._network)
