"""A Docker engine: the machine's own where one answers, otherwise one of the sandbox.

The sandbox's engine is Debian's dockerd with its own data, sockets, bridge, firewall chains and control group, so
that it disturbs no other engine and can be removed without a trace.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import docker
from docker.errors import DockerException
from requests.exceptions import RequestException

from sandbox.debian import DebianPackages
from sandbox.docker_leftovers import Leftovers
from sandbox.docker_network import BRIDGE, MORE_RANGES, DockerNetwork
from sandbox.paths import Paths
from sandbox.processes import Process, Processes
from sandbox.service import Status

OWN_ENGINE = "RELEASE_MANAGER_OWN_ENGINE"
DEFAULT_SOCKET = "unix:///var/run/docker.sock"
CONTROL_GROUP = "rm-sandbox-docker"
PROCESS = "dockerd"
PLUGIN_DIRECTORIES = ("/run/docker/plugins", "/run/docker")
PING_SECONDS = 2
CALL_SECONDS = 300
LOCAL_NAMES = frozenset({"127.0.0.1", "::1", "localhost"})


def answers(host: str, seconds: int = PING_SECONDS) -> bool:
    """Tell whether a Docker engine answers at `host` (a DOCKER_HOST value) within `seconds`."""
    try:
        client = docker.DockerClient(base_url=host, timeout=seconds)
    except (DockerException, RequestException, ValueError):
        return False
    try:
        return bool(client.ping())
    except (DockerException, RequestException):
        return False
    finally:
        client.close()


def is_local(host: str) -> bool:
    """Tell whether the engine at `host` shares this machine's loopback, and so reaches the sandbox's registry."""
    parts = urlsplit(host)
    return parts.scheme == "unix" or (parts.scheme in {"tcp", "http"} and parts.hostname in LOCAL_NAMES)


@dataclass(frozen=True)
class DockerEngine:
    """The engine that builds images (a `Service`).

    An engine that answers at DOCKER_HOST or at the default socket is used as it is, and never stopped. Setting
    RELEASE_MANAGER_OWN_ENGINE passes it over.
    """

    paths: Paths
    debian: DebianPackages
    processes: Processes
    network: DockerNetwork = field(default_factory=DockerNetwork)
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    name: str = "docker engine"

    @property
    def own_host(self) -> str:
        """DOCKER_HOST value of the sandbox's own engine."""
        return f"unix://{self.paths.run / 'docker.sock'}"

    @property
    def host(self) -> str:
        """DOCKER_HOST value of the engine to use; an engine of ours that runs goes first, as it has the images."""
        if self.processes.running(PROCESS) is not None:
            return self.own_host
        return self.existing() or self.own_host

    @property
    def leftovers(self) -> Leftovers:
        """What the sandbox's engine leaves behind when it is killed."""
        return Leftovers(
            programs=self.debian.root,
            run=self.paths.run / "docker",
            data=self.paths.data / "docker",
            control_group=CONTROL_GROUP,
        )

    def existing(self) -> str | None:
        """Return the DOCKER_HOST value of an engine of this machine that answers, or None."""
        if self.environment.get(OWN_ENGINE):
            return None
        host = self.environment.get("DOCKER_HOST") or DEFAULT_SOCKET
        return host if host != self.own_host and is_local(host) and answers(host) else None

    def client(self) -> docker.DockerClient:
        """Return a client of the engine; a call that takes longer than five minutes fails."""
        return docker.DockerClient(base_url=self.host, timeout=CALL_SECONDS)

    def start(self, progress: Callable[[str], None]) -> str:
        """Use the machine's engine or start our own. Raises SandboxError with the last log lines."""
        running = self.processes.running(PROCESS) is not None
        if not running:
            host = self.existing()
            if host is not None:
                return f"uses the engine at {host}"
            self.leftovers.clear()
        self.network.start()
        driver = self._storage_driver()
        started = self.processes.start(self._process(driver), progress)
        return f"{'started' if started else 'runs'} at {self.own_host} ({driver})"

    def stop(self) -> None:
        """End our own engine with its containers and undo its mounts, bridge and firewall rules."""
        self.processes.stop(PROCESS)
        self.leftovers.clear()
        (self.paths.run / "docker.sock").unlink(missing_ok=True)
        self.network.stop()
        for directory in PLUGIN_DIRECTORIES:
            try:
                Path(directory).rmdir()
            except OSError:
                # Not there, or another engine's plug-ins are in it.
                continue

    def status(self) -> Status:
        """Tell which engine would be used and whether it answers."""
        if self.processes.running(PROCESS) is not None:
            return Status(self.name, answers(self.own_host), self.own_host)
        host = self.existing()
        return Status(self.name, host is not None, host or "none answers")

    def _process(self, driver: str) -> Process:
        runtime = self.leftovers.run
        data = self.leftovers.data
        data.mkdir(parents=True, exist_ok=True)
        # Debian's companions (containerd, its shim, docker-proxy) are found by PATH.
        search = f"{self.debian.root}/usr/bin:{self.debian.root}/usr/sbin:/usr/sbin:/sbin:{os.environ.get('PATH', '')}"
        command = (
            str(self.debian.program("docker.io")),
            f"--host={self.own_host}",
            f"--data-root={data}",
            f"--exec-root={runtime}",
            f"--pidfile={runtime / 'docker.pid'}",
            f"--config-file={runtime / 'daemon.json'}",
            f"--storage-driver={driver}",
            f"--bridge={BRIDGE}",
            f"--mtu={self.network.mtu()}",
            f"--default-address-pool=base={MORE_RANGES},size=26",
            "--iptables=false",
            "--ip6tables=false",
            "--ip-masq=false",
            "--live-restore=false",
            "--exec-opt=native.cgroupdriver=cgroupfs",
            f"--cgroup-parent=/{CONTROL_GROUP}",
            "--oom-score-adjust=0",
            "--shutdown-timeout=5",
        )
        runtime.mkdir(parents=True, exist_ok=True)
        (runtime / "daemon.json").write_text("{}\n", encoding="ascii")
        return Process(
            name=PROCESS, command=command, ready=lambda: answers(self.own_host), environment={"PATH": search}
        )

    def _storage_driver(self) -> str:
        """Return overlay2 where the data's file system can carry it, else vfs, which copies every layer."""
        data: Path = self.leftovers.data
        data.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=data) as directory:
            root = Path(directory)
            for part in ("lower", "upper", "work", "merged"):
                (root / part).mkdir()
            options = f"lowerdir={root / 'lower'},upperdir={root / 'upper'},workdir={root / 'work'}"
            mount = ["mount", "-t", "overlay", "overlay", "-o", options, str(root / "merged")]
            if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
                return "vfs"
            subprocess.run(["umount", str(root / "merged")], capture_output=True, check=True)
        return "overlay2"
