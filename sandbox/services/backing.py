"""Puts the backing services of an environment on a cluster and waits for them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sandbox.errors import SandboxError
from sandbox.paths import Paths
from sandbox.services import log_store, manifests, postgresql, prometheus
from sandbox.services.credentials import Credentials
from sandbox.services.model import USER_ID, Document, ServiceImages, Storage

READY_SECONDS = 180.0
VOLUME_SECONDS = 10.0
POLL_SECONDS = 0.5
SETTLED = ("Available", "Bound")
KINDS = ("StatefulSet", "Deployment")


class Cluster(Protocol):
    """The commands to a cluster that are needed here, as `sandbox.cluster.kubectl.Kubectl` has them."""

    def apply(self, documents: list[Document]) -> str:
        """Apply server-side."""

    def get_json(self, *arguments: str, namespace: str | None = None) -> dict[str, Any]:
        """Return the object or list that `kubectl get <arguments>` finds."""

    def delete(self, *arguments: str, namespace: str | None = None) -> None:
        """Delete and wait until it is gone."""


def ready(workload: Document) -> bool:
    """Tell whether a StatefulSet or Deployment has all its pods ready in their newest form."""
    status = workload.get("status", {})
    wanted: int = workload["spec"]["replicas"]
    if status.get("observedGeneration", 0) < workload["metadata"]["generation"]:
        return False
    return all(status.get(count, 0) >= wanted for count in ("readyReplicas", "updatedReplicas"))


def trouble(pods: Iterable[Document]) -> str:
    """Return, for each pod whose container waits or ended, why it does; empty where none does."""
    found = []
    for one in pods:
        for container in one.get("status", {}).get("containerStatuses", []):
            waiting = container["state"].get("waiting") or container["state"].get("terminated")
            if waiting:
                reason = f"{waiting.get('reason', '')} {waiting.get('message', '')}".strip()
                found.append(f"{one['metadata']['name']}: {reason}")
    return "; ".join(found)


@dataclass(frozen=True)
class BackingServices:
    """PostgreSQL, Redis and RabbitMQ of an environment, the cluster's Prometheus and, by its image, the log store.

    `image` is the sandbox's own for all of them; without it the official images are used and the database's data end
    with its pod, as it has to be on a cluster whose nodes are not this machine. `scraped` is false for an environment
    that another Prometheus scrapes. `give` hands a directory to a user.
    """

    paths: Paths
    cluster: Cluster
    image: str | None
    log_store: str | None = None
    scraped: bool = True
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    give: Callable[[Path, int, int], None] = os.chown

    @property
    def images(self) -> ServiceImages:
        """The image of each service."""
        return ServiceImages.single(self.image) if self.image else ServiceImages.official()

    @property
    def storage(self) -> Storage:
        """Where the database keeps its data."""
        return Storage(self.paths.data / "volumes" if self.image else None)

    def ensure(self, namespace: str, progress: Callable[[str], None]) -> str:
        """Apply what `namespace` needs and wait until it is ready; return one closing line.

        Raises SandboxError if the cluster refuses it or it is not ready within three minutes.
        """
        credentials = Credentials.kept(self.paths.data / "credentials" / f"{namespace}.json")
        self._prepare_volume(namespace)
        documents = manifests.environment(namespace, self.images, self.storage, credentials)
        if self.image:
            documents += manifests.monitoring(self.images, self.log_store, scraped=self.scraped)
        progress("applying")
        self.cluster.apply(documents)
        self._wait(documents, namespace, progress)
        scraped = self.image and self.scraped
        monitoring = f"; Prometheus at http://127.0.0.1:{prometheus.NODE_PORT}" if scraped else ""
        logs = f"; log store at http://127.0.0.1:{log_store.NODE_PORT}" if self.log_store else ""
        return f"PostgreSQL, Redis and RabbitMQ in {namespace}{monitoring}{logs}"

    def _prepare_volume(self, namespace: str) -> None:
        directory = self.storage.of(namespace, postgresql.NAME)
        if directory is None:
            return
        if not directory.exists():
            directory.mkdir(parents=True)
            directory.chmod(0o700)
            self.give(directory, USER_ID, USER_ID)
        # A volume whose claim was deleted with its namespace takes no new claim; the data are the directory's.
        name = postgresql.volume_name(namespace)
        phase = self._phase(name)
        if phase == "Released":
            self.cluster.delete("persistentvolume", name)
        elif phase in SETTLED:
            return
        # A claim that the cluster sees before its volume is looked at again a quarter of a minute later.
        self.cluster.apply(postgresql.volumes(namespace, self.storage))
        deadline = self.clock() + VOLUME_SECONDS
        while self._phase(name) not in SETTLED and self.clock() < deadline:
            self.sleep(POLL_SECONDS)

    def _phase(self, volume: str) -> str:
        found = self.cluster.get_json("persistentvolume", f"--field-selector=metadata.name={volume}")["items"]
        return next((str(one.get("status", {}).get("phase", "")) for one in found), "")

    def _wait(self, documents: list[Document], namespace: str, progress: Callable[[str], None]) -> None:
        wanted = {_identity(document) for document in documents if document["kind"] in KINDS}
        deadline = self.clock() + READY_SECONDS
        while True:
            items = self.cluster.get_json("statefulsets,deployments", "--all-namespaces")["items"]
            missing = sorted(name for _, _, name in wanted - {_identity(item) for item in items if ready(item)})
            if not missing:
                return
            if self.clock() > deadline:
                raise self._late(missing, namespace)
            progress(f"waiting for {', '.join(missing)}")
            self.sleep(POLL_SECONDS)

    def _late(self, missing: list[str], namespace: str) -> SandboxError:
        pods = [
            pod
            for place in (namespace, prometheus.NAMESPACE)
            for pod in self.cluster.get_json("pods", namespace=place)["items"]
        ]
        reason = trouble(pods) or "no container says why"
        return SandboxError(
            f"{', '.join(missing)} not ready after {READY_SECONDS:.0f} s ({reason})",
            mend=f"kubectl describe pods --namespace {namespace}, then run the same command again",
        )


def _identity(document: Document) -> tuple[str, str, str]:
    return document["kind"], document["metadata"]["namespace"], document["metadata"]["name"]
