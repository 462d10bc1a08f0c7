"""`make up`: from whatever is there to a verified release."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sandbox.cluster.layout import LOOPBACK
from sandbox.errors import SandboxError
from sandbox.existing import Existing, ExistingKubectl
from sandbox.ingress.ingress import TLS_SECRET
from sandbox.operated import instances, receiver
from sandbox.overlays.render import render
from sandbox.ownership import Ownership
from sandbox.phases import Phases
from sandbox.plugins.install import PluginInstaller
from sandbox.pulumi_runner import PulumiRunner
from sandbox.service import Service
from sandbox.services import log_store
from sandbox.services.backing import BackingServices
from sandbox.update import Updater, health, summary
from sandbox.world import World

OVERLAY = "RELEASE_MANAGER_OVERLAY"
NAMESPACES = {"dev": "development", "staging": "staging", "prod": "production"}
# Whose monitoring is declared for the Prometheus Operator: no other stack needs it.
OPERATED = frozenset({"prod"})
NEEDED_BYTES = 3 * 1024**3


@dataclass(frozen=True)
class Up:
    """Brings everything up phase by phase and runs the update. Every phase is safe to repeat."""

    world: World
    phases: Phases
    stack: str
    existing: Existing | None = None
    user_id: Callable[[], int] = os.geteuid
    free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free

    def run(self) -> None:
        """Bring up the environment, update the stack, and print what it came to."""
        runner = self.environment()
        updater = Updater(runner, self.stack)
        with self.phases.phase("update", prints=True) as phase:
            updater.up()
            phase.summary = f"pulumi up --stack {self.stack} --policy-pack policies --yes"
        outputs = updater.outputs()
        address = self.existing.address if self.existing else "127.0.0.1"
        url = str(outputs["health"])
        host = url.split("/")[2]
        port = 443 if url.startswith("https:") else 80
        trusting = f"--cacert {self.world.paths.authority} " if port == 443 and self.existing is None else ""
        summary(
            {
                "version": str(outputs["version"]),
                "digest": str(outputs["image"]),
                "pods": self._pods(),
                "health": health(url, address),
                "try it": f"curl {trusting}--resolve {host}:{port}:{address or '<address>'} {url}",
            },
            self.phases.timings,
            self.phases.console,
        )

    def environment(self) -> PulumiRunner:
        """Make everything ready that an update needs, and return how to run `pulumi` in it."""
        if self.stack not in NAMESPACES:
            raise SandboxError(f"there is no stack '{self.stack}'", mend=f"make up STACK=<{'|'.join(NAMESPACES)}>")
        self._require_room()
        self.world.paths.make()
        if self.existing is None:
            self._sandbox()
            overlay = self._sandbox_overlay()
        else:
            overlay = self._use_existing(self.existing)
        return self.engine(overlay)

    def engine(self, overlay: Path) -> PulumiRunner:
        """Return how to run `pulumi` with the settings in `overlay`."""
        world = self.world
        with self.phases.phase("pulumi") as phase:
            cli = world.pulumi.find(phase.progress)
            phase.summary = cli.origin
        with self.phases.phase("plug-ins") as phase:
            environment = PluginInstaller(world.paths, cli, world.downloads).install(phase.progress)
            phase.summary = "; ".join(environment.lines)
        return PulumiRunner(cli, environment, variables={OVERLAY: str(overlay), "DOCKER_HOST": world.engine.host})

    def watch_image(self) -> None:
        """Make the image of the Job that watches production's releases, and what it is made with."""
        self.world.paths.make()
        self._images()
        self._watch_image()

    def _watch_image(self) -> None:
        with self.phases.phase("watch image") as phase:
            phase.summary = self.world.watch_image.ensure(phase.progress)

    def _sandbox(self) -> None:
        self._images()
        world = self.world
        if self.stack == "prod":
            self._watch_image()
        self._start(world.cluster)
        self._start(world.ingress)
        with self.phases.phase("backing services") as phase:
            logs = world.images.log_store if self._with_log_store else None
            scraped = self.stack not in OPERATED
            backing = BackingServices(world.paths, world.kubectl, world.images.services, logs, scraped=scraped)
            phase.summary = backing.ensure(NAMESPACES[self.stack], phase.progress)
            world.ingress.publish_certificate(NAMESPACES[self.stack])
        if self.stack in OPERATED:
            with self.phases.phase("prometheus operator") as phase:
                phase.summary = world.operated.ensure(NAMESPACES[self.stack], phase.progress)

    def _images(self) -> None:
        world = self.world
        if self.user_id() != 0:
            raise SandboxError(
                "the sandbox needs root: it makes network interfaces, mounts and containers",
                mend="run it as root (sudo make up), or use an existing cluster: make up CONTEXT=<kube context>",
            )
        Ownership(world.paths, world.processes).take()
        with self.phases.phase("debian packages") as phase:
            phase.summary = world.debian.ensure(phase.progress, with_maven=self._with_log_store)
        with self.phases.phase("toolchain") as phase:
            phase.summary = world.build(phase.progress)
        self._start(world.registry)
        self._start(world.engine)
        with self.phases.phase("images") as phase:
            phase.summary = world.images.ensure(phase.progress, with_log_store=self._with_log_store)

    @property
    def _with_log_store(self) -> bool:
        # No other stack asks for its logs anywhere else than in the cluster.
        return self.stack == "prod"

    def _start(self, service: Service) -> None:
        with self.phases.phase(service.name) as phase:
            phase.summary = service.start(phase.progress)

    def _sandbox_overlay(self) -> Path:
        paths = self.world.paths
        values = {
            "kubeconfig": str(paths.kubeconfig),
            "base_image": self.world.images.base,
            "ca_file": str(paths.authority),
            "tls_secret": TLS_SECRET,
            "prometheus": f"http://{LOOPBACK}:{instances.PROMETHEUS_NODE_PORT}",
            "log_store": f"http://{LOOPBACK}:{log_store.NODE_PORT}",
            "prometheus_for_pods": instances.PROMETHEUS_FOR_PODS,
            "log_store_for_pods": f"http://{log_store.NAME}.{log_store.NAMESPACE}:{log_store.PORT}",
            "watch_image": self.world.watch_image.reference,
            "receiver": receiver.ADDRESS,
        }
        return render(paths, "sandbox", self.stack, values)

    def _use_existing(self, existing: Existing) -> Path:
        paths, namespace = self.world.paths, NAMESPACES[self.stack]
        with self.phases.phase("existing cluster") as phase:
            if not self.world.engine.status().running:
                raise SandboxError(
                    "no Docker engine answers, and the image is built with one",
                    mend="start Docker, or set DOCKER_HOST to an engine that runs",
                )
            phase.summary = existing.prepare(paths, namespace, phase.progress)
        return render(paths, "existing", self.stack, {**vars(existing)})

    def _pods(self) -> str:
        kubectl = self.world.kubectl if self.existing is None else ExistingKubectl.of(self.world.paths, self.existing)
        found = kubectl.get_json("pods", "-l", "app=release-manager", namespace=NAMESPACES[self.stack])
        ready = [
            condition["status"] == "True"
            for pod in found["items"]
            for condition in pod["status"].get("conditions", [])
            if condition["type"] == "Ready"
        ]
        return f"{sum(ready)} of {len(found['items'])} ready in namespace {NAMESPACES[self.stack]}"

    def _require_room(self) -> None:
        place = self.world.paths.cache
        while not place.exists():
            place = place.parent
        free = self.free_bytes(place)
        if free < NEEDED_BYTES:
            raise SandboxError(
                f"the disk of {place} has {free / 1024**3:.1f} GiB free, and the sandbox needs "
                f"{NEEDED_BYTES / 1024**3:.0f} GiB",
                mend="make room, or set XDG_CACHE_HOME and XDG_DATA_HOME to a larger disk",
            )
