"""All parts of the sandbox, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sandbox.cluster.cluster import Cluster
from sandbox.cluster.kubectl import Kubectl
from sandbox.debian import DebianPackages
from sandbox.docker_engine import DockerEngine
from sandbox.images.debootstrap import Debootstrap
from sandbox.images.images import Images
from sandbox.images.maven import Maven
from sandbox.images.watch_image import WatchImage
from sandbox.ingress.ingress import Ingress
from sandbox.operated.operated import Operated
from sandbox.paths import Paths
from sandbox.processes import Processes
from sandbox.registry import Registry
from sandbox.service import Service
from sandbox.toolchain.build import Built, Toolchain
from sandbox.toolchain.downloads import Downloads
from sandbox.toolchain.gateway_api import GatewayApi
from sandbox.toolchain.operator_kinds import OperatorKinds
from sandbox.toolchain.pulumi_cli import PulumiFinder

CLUSTER_TOOLS = ("kubernetes", "coredns", "traefik")


@dataclass
class World:
    """The sandbox of this machine. Nothing runs or is built before it is asked for."""

    paths: Paths = field(default_factory=Paths.default)
    _programs: dict[str, Path] = field(default_factory=dict, init=False)

    @cached_property
    def processes(self) -> Processes:
        """The processes that the sandbox started."""
        return Processes(self.paths)

    @cached_property
    def debian(self) -> DebianPackages:
        """Programs from Debian's packages."""
        return DebianPackages(self.paths)

    @cached_property
    def toolchain(self) -> Toolchain:
        """Programs built from Go modules."""
        return Toolchain(self.paths)

    @cached_property
    def downloads(self) -> Downloads:
        """What can be downloaded from here."""
        return Downloads(self.paths)

    @cached_property
    def pulumi(self) -> PulumiFinder:
        """The Pulumi command line."""
        return PulumiFinder(self.paths, self.toolchain, self.downloads)

    @cached_property
    def registry(self) -> Registry:
        """The image registry."""
        return Registry(self.paths, self.debian, self.processes)

    @cached_property
    def engine(self) -> DockerEngine:
        """The Docker engine."""
        return DockerEngine(self.paths, self.debian, self.processes)

    @cached_property
    def images(self) -> Images:
        """Base images."""
        return Images(Debootstrap(self.paths), self.engine, self.registry, Maven(self.paths))

    @cached_property
    def watch_image(self) -> WatchImage:
        """The image of the Job that watches a release."""
        return WatchImage(self.engine, self.registry, self.images.base)

    @cached_property
    def cluster(self) -> Cluster:
        """The cluster."""
        return Cluster(self.paths, self.processes, self.debian, self._tool("kubernetes"), self._tool("coredns"))

    @cached_property
    def ingress(self) -> Ingress:
        """What listens on 127.0.0.1 for the names of the environments."""
        return Ingress(self.paths, self.processes, self._tool("traefik"), self.gateway_api)

    @cached_property
    def gateway_api(self) -> GatewayApi:
        """The definitions of the Gateway API."""
        return GatewayApi(self.paths)

    @cached_property
    def operated(self) -> Operated:
        """The Prometheus Operator and what it operates."""
        return Operated(self.toolchain, OperatorKinds(self.paths), self.images, self.kubectl)

    @cached_property
    def kubectl(self) -> Kubectl:
        """Commands to the cluster."""
        return Kubectl(self.paths)

    def services(self) -> tuple[Service, ...]:
        """Return what runs in the background, in the order in which it is started."""
        return (self.registry, self.engine, self.cluster, self.ingress)

    def build(self, progress: Callable[[str], None]) -> str:
        """Build what the cluster is made of; return one closing line."""
        built = self.toolchain.ensure(CLUSTER_TOOLS, progress)
        self.gateway_api.ensure()
        self._programs.update({tool.name: tool.program for tool in built})
        fresh = [tool.name for tool in built if tool.fresh]
        versions = ", ".join(f"{tool.name} {tool.version}" for tool in built)
        return f"{versions} ({'built ' + ', '.join(fresh) if fresh else 'already built'})"

    def vegeta(self, progress: Callable[[str], None]) -> Built:
        """Return the load generator, built where it is missing. `make up` does without."""
        return self.toolchain.ensure(["vegeta"], progress)[0]

    def _tool(self, name: str) -> Path:
        return self._programs.get(name, self.paths.tools / name)
