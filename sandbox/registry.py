"""The sandbox's image registry on this machine's loopback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml

from sandbox.debian import DebianPackages
from sandbox.paths import Paths
from sandbox.ports import require_free
from sandbox.processes import Process, Processes
from sandbox.service import Status

ADDRESS = "127.0.0.1"
PORT = 5000
# Docker and containerd take plain HTTP without being told for this name only.
NAME = f"localhost:{PORT}"
PROCESS = "registry"
CALL_SECONDS = 5.0
MANIFEST_TYPES = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)


@dataclass(frozen=True)
class Registry:
    """The registry that images are pushed to and that the cluster pulls from (a `Service`).

    It answers on 127.0.0.1 only, and images may be deleted. `transport` replaces the network in tests.
    """

    paths: Paths
    debian: DebianPackages
    processes: Processes
    transport: httpx.BaseTransport | None = None
    proc: Path = Path("/proc")
    name: str = "registry"

    @property
    def storage(self) -> Path:
        """Where the images are kept."""
        return self.paths.data / "registry"

    @property
    def config_file(self) -> Path:
        """The configuration that the registry runs with."""
        return self.paths.run / "registry.yaml"

    def config(self) -> dict[str, object]:
        """Return the registry's configuration."""
        return {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(self.storage)},
                "delete": {"enabled": True},
                "maintenance": {"uploadpurging": {"enabled": True, "age": "24h", "interval": "24h", "dryrun": False}},
            },
            "http": {"addr": f"{ADDRESS}:{PORT}"},
        }

    def start(self, progress: Callable[[str], None]) -> str:
        """Run the registry. Raises SandboxError if its port is taken or it does not answer in time."""
        if self.processes.running(PROCESS) is None:
            require_free(ADDRESS, PORT, "the image registry", self.proc)
        self.storage.mkdir(parents=True, exist_ok=True)
        self.paths.run.mkdir(parents=True, exist_ok=True)
        self.config_file.write_text(yaml.safe_dump(self.config(), sort_keys=False), encoding="ascii")
        program = str(self.debian.program("docker-registry"))
        process = Process(PROCESS, (program, "serve", str(self.config_file)), ready=self.answers, stop_seconds=5)
        started = self.processes.start(process, progress)
        return f"{'started' if started else 'runs'} at {NAME}"

    def stop(self) -> None:
        """End it; the images stay."""
        self.processes.stop(PROCESS, seconds=5)
        self.config_file.unlink(missing_ok=True)

    def status(self) -> Status:
        """Tell whether it answers."""
        running = self.processes.running(PROCESS) is not None and self.answers()
        return Status(self.name, running, NAME if running else "does not run")

    def answers(self) -> bool:
        """Tell whether a registry answers."""
        try:
            with self._client() as client:
                return client.get("/v2/").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def digest(self, repository: str, reference: str) -> str | None:
        """Return the digest (sha256:…) of a tag or digest of `repository`, or None where there is none.

        Raises httpx.HTTPError if the registry does not answer.
        """
        with self._client() as client:
            answer = client.head(
                f"/v2/{repository}/manifests/{reference}", headers={"Accept": ", ".join(MANIFEST_TYPES)}
            )
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        answer.raise_for_status()
        return answer.headers["Docker-Content-Digest"]

    def exists(self, image: str) -> bool:
        """Tell whether `image` (localhost:5000/<repository>:<tag>) is in the registry; errors as `digest`."""
        repository, _, tag = image.removeprefix(f"{NAME}/").rpartition(":")
        return self.digest(repository, tag) is not None

    def _client(self) -> httpx.Client:
        # The machine's proxy settings must not lead calls to the loopback away.
        return httpx.Client(
            base_url=f"http://{ADDRESS}:{PORT}", transport=self.transport, timeout=CALL_SECONDS, trust_env=False
        )
