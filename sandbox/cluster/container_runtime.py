"""containerd, with root, state and socket of its own, so that it disturbs no other on the machine."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.cluster.layout import Layout
from sandbox.cluster.pause_image import PauseImage
from sandbox.cluster.probes import accepts
from sandbox.commands import run
from sandbox.processes import Process, start_time

CNI_PLUGINS = Path("/usr/lib/cni")
RUNC = Path("/usr/sbin/runc")
REGISTRY = "localhost:5000"
REGISTRY_URL = "http://127.0.0.1:5000"
GRACE_SECONDS = 3.0
MEND = "run the same command again"


def containerd_config(layout: Layout, pause_image: str) -> str:
    """Return containerd's config.toml."""
    return f"""version = 2
root = "{layout.containerd}"
state = "{layout.containerd_state}"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.internal.v1.tracing",
]

[grpc]
address = "{layout.containerd_socket}"

[plugins."io.containerd.internal.v1.opt"]
path = "{layout.data}/opt"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause_image}"
# Without CAP_SYS_RESOURCE, as inside many virtual machines, a lower score than our own cannot be given.
restrict_oom_score_adj = true
tolerate_missing_hugetlb_controller = true
# Below the state directory a network namespace is known to be ours.
netns_mounts_under_state_dir = true
stream_server_address = "127.0.0.1"

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{CNI_PLUGINS}"
conf_dir = "{layout.config}/cni"

[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "{layout.config}/registries"

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
BinaryName = "{RUNC}"
Root = "{layout.runc}"
SystemdCgroup = false
"""


def registry_hosts() -> str:
    """Return the hosts.toml that makes containerd pull from the sandbox's registry over plain HTTP."""
    return f"""server = "{REGISTRY_URL}"

[host."{REGISTRY_URL}"]
capabilities = ["pull", "resolve"]
"""


def parse_tasks(listing: str) -> dict[str, int]:
    """Read `ctr tasks ls`: the process id of each running container."""
    rows = [line.split() for line in listing.splitlines()[1:]]
    return {row[0]: int(row[1]) for row in rows if len(row) == 3 and row[2] == "RUNNING"}


@dataclass(frozen=True)
class ContainerRuntime:
    """containerd and the containers it runs. `program` is containerd; `ctr` and its shim lie beside it."""

    layout: Layout
    program: Path
    pause: PauseImage
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def configure(self) -> None:
        """Write configuration files."""
        registry = self.layout.config / "registries" / REGISTRY
        registry.mkdir(parents=True, exist_ok=True)
        (registry / "hosts.toml").write_text(registry_hosts(), encoding="utf-8")
        config = containerd_config(self.layout, self.pause.reference)
        self._config_file.write_text(config, encoding="utf-8")

    def process(self) -> Process:
        """Return how containerd is run."""
        command = [str(self.program), f"--config={self._config_file}", "--log-level=warn"]
        return Process("containerd", command, accepts(self.layout.containerd_socket), environment=self._environment)

    def load_pause_image(self) -> None:
        """Import the pause image unless it is there."""
        if self.pause.reference in self.ctr("images", "ls", "--quiet").split():
            return
        archive = self.layout.data / "pause.tar"
        archive.write_bytes(self.pause.archive())
        self.ctr("images", "import", str(archive))
        archive.unlink()

    def stop_containers(self) -> None:
        """End every container: SIGTERM to its first process, then SIGKILL. Raises SandboxError."""
        pids = parse_tasks(self.ctr("tasks", "ls")).values()
        running = {pid: start_time(pid) for pid in pids}
        asked = {pid: started for pid, started in running.items() if not _is_pause(pid)}
        _signal(asked, signal.SIGTERM)
        self._until_ended(asked)
        _signal(running, signal.SIGKILL)
        self._until_ended(running)
        # containerd puts away by itself what has ended: its mounts, its shim.
        deadline = self.clock() + GRACE_SECONDS
        while self.ctr("tasks", "ls", "--quiet").strip() and self.clock() < deadline:
            self.sleep(0.05)

    def ctr(self, *arguments: str) -> str:
        """Run containerd's own client in the namespace of pods; return what it printed. Raises SandboxError."""
        command = [str(self.program.with_name("ctr")), f"--address={self.layout.containerd_socket}"]
        return run([*command, "--namespace=k8s.io", *arguments], mend=MEND, seconds=30.0)

    def _until_ended(self, processes: Mapping[int, str | None]) -> None:
        deadline = self.clock() + GRACE_SECONDS
        while any(start_time(pid) == started for pid, started in processes.items()) and self.clock() < deadline:
            self.sleep(0.05)

    @property
    def _config_file(self) -> Path:
        return self.layout.config / "containerd.toml"

    @property
    def _environment(self) -> Mapping[str, str]:
        return {"PATH": f"{self.program.parent}:{os.environ.get('PATH', '/usr/sbin:/usr/bin:/sbin:/bin')}"}


def _signal(processes: Mapping[int, str | None], number: int) -> None:
    for pid, started in processes.items():
        if started is not None and start_time(pid) == started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def _is_pause(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"/bin/busybox\0sleep\0")
    except OSError:
        return False
