"""What a killed cluster leaves on a machine: processes, mounts, interfaces, rules, control groups; and its removal.

Everything is known by a name that is the sandbox's alone: its containerd socket, its directories, its interfaces, its
control group. Data on disk stays.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sandbox.cluster.cgroups import Cgroups
from sandbox.cluster.layout import BRIDGE, CGROUP, NODE_INTERFACE, Layout
from sandbox.cluster.network import INTERFACES, Network
from sandbox.commands import run
from sandbox.processes import start_time

CONTAINER_LOG_LINKS = Path("/var/log/containers")
# Fixed paths of kubelet, containerd and CNI, which others may be using too: removed only where they are empty.
DEVICE_PLUGINS = Path("/var/lib/kubelet/device-plugins")
EMPTY_AFTERWARDS = (
    DEVICE_PLUGINS,
    DEVICE_PLUGINS.parent,
    Path("/run/containerd/s"),
    Path("/run/containerd"),
    Path("/var/lib/cni/results"),
    Path("/var/lib/cni"),
    CONTAINER_LOG_LINKS,
)
SECONDS = 10.0
OCTAL = re.compile(r"\\([0-7]{3})")


def is_shim_of(command: bytes, socket: Path) -> bool:
    """Tell whether a process with `command` (as in /proc/<pid>/cmdline) is a shim of the containerd at `socket`."""
    words = command.split(b"\0")
    return words[0].rpartition(b"/")[2].startswith(b"containerd-shim") and str(socket).encode() in words


def mounts_below(mounts: str, directories: Iterable[Path]) -> list[str]:
    """Read /proc/mounts: what is mounted at or below `directories`, in the order in which it can be unmounted."""
    roots = [str(directory) for directory in directories]
    targets = [OCTAL.sub(lambda code: chr(int(code[1], 8)), line.split()[1]) for line in mounts.splitlines()]
    ours = [target for target in targets if any(target == root or target.startswith(f"{root}/") for root in roots)]
    return ours[::-1]


@dataclass(frozen=True)
class Leftovers:
    """What is left of the cluster of `layout` on this machine."""

    layout: Layout
    network: Network
    proc: Path = Path("/proc")
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def found(self) -> list[str]:
        """Name what is left, one line for each kind."""
        kinds = {
            "container shims": len(self._shims()),
            "mounts": len(self._mounts()),
            "network interfaces": sum((INTERFACES / name).exists() for name in (BRIDGE, NODE_INTERFACE)),
            "control groups": int(self._cgroups.exists()),
        }
        return [f"{count} {kind}" for kind, count in kinds.items() if count]

    def remove(self) -> None:
        """Remove all of it. Nothing of the cluster may be starting meanwhile."""
        self._end_shims()
        self._cgroups.remove()
        mounts = self._mounts()
        if mounts:
            run(["umount", "--lazy", *mounts], mend="run the same command again")
        self.network.stop()
        self._remove_state()

    def _shims(self) -> list[int]:
        found = []
        for directory in self.proc.glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if is_shim_of((directory / "cmdline").read_bytes(), self.layout.containerd_socket):
                    found.append(int(directory.name))
        return found

    def _end_shims(self) -> None:
        shims = {pid: start_time(pid) for pid in self._shims()}
        for pid in shims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        deadline = self.clock() + SECONDS
        while any(start_time(pid) == started for pid, started in shims.items()) and self.clock() < deadline:
            self.sleep(0.05)

    def _mounts(self) -> list[str]:
        mounts = (self.proc / "mounts").read_text(encoding="utf-8")
        return mounts_below(mounts, (self.layout.data, self.layout.containerd_state, self.layout.runc))

    def _remove_state(self) -> None:
        for address in self.layout.containerd_state.glob("io.containerd.runtime.v2.task/*/*/address"):
            Path(address.read_text(encoding="utf-8").strip().removeprefix("unix://")).unlink(missing_ok=True)
        # A mount that could not be taken away holds pods' files, which a removal would reach into.
        if not self._mounts():
            for directory in (self.layout.containerd_state, self.layout.runc):
                shutil.rmtree(directory, ignore_errors=True)
        for socket in (self.layout.containerd_socket, DEVICE_PLUGINS / "kubelet.sock"):
            socket.unlink(missing_ok=True)
        for link in CONTAINER_LOG_LINKS.glob("*"):
            if link.is_symlink() and link.readlink().is_relative_to(self.layout.pod_logs):
                link.unlink()
        for directory in EMPTY_AFTERWARDS:
            with contextlib.suppress(OSError):
                directory.rmdir()

    @property
    def _cgroups(self) -> Cgroups:
        return Cgroups(CGROUP, self.proc / "mounts")
