"""The control groups that all pods of the sandbox live in, on hosts with version 1 and version 2."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError

WANTED = ("cpuset", "cpu", "io", "memory", "pids", "hugetlb")
NEEDED = ("cpuset", "cpu", "memory", "pids")
SECONDS = 10.0


def hierarchies(mounts: str) -> tuple[list[Path], list[Path]]:
    """Read /proc/mounts: where version 1 hierarchies are mounted, and where version 2 is."""
    rows = [line.split() for line in mounts.splitlines()]
    first = [Path(row[1]) for row in rows if row[2] == "cgroup"]
    second = [Path(row[1]) for row in rows if row[2] == "cgroup2"]
    return first, second


@dataclass(frozen=True)
class Cgroups:
    """The group `name` in every hierarchy."""

    name: str
    mounts: Path = Path("/proc/mounts")
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def create(self) -> None:
        """Make the group with every controller that pods need. Raises SandboxError where one is kept from us."""
        first, second = hierarchies(self.mounts.read_text(encoding="utf-8"))
        for root in first:
            group = root / self.name
            group.mkdir(exist_ok=True)
            # In version 1 a cpuset starts empty, and nothing can run in it.
            for file in ("cpuset.cpus", "cpuset.mems"):
                if (root / file).exists() and not (group / file).read_text(encoding="ascii").strip():
                    (group / file).write_text((root / file).read_text(encoding="ascii"), encoding="ascii")
        for root in second if not first else []:
            for controller in WANTED:
                with contextlib.suppress(OSError):
                    (root / "cgroup.subtree_control").write_text(f"+{controller}", encoding="ascii")
            (root / self.name).mkdir(exist_ok=True)
            given = (root / self.name / "cgroup.controllers").read_text(encoding="ascii").split()
            missing = [controller for controller in NEEDED if controller not in given]
            if missing:
                raise SandboxError(
                    f"control group {root / self.name} lacks the controllers {', '.join(missing)}, which pods need",
                    mend=f"run on a host, not inside a container, where {root}/cgroup.subtree_control can be written",
                )

    def remove(self) -> None:
        """Kill what still runs in the group and remove it from every hierarchy."""
        deadline = self.clock() + SECONDS
        while (groups := list(self._groups())) and self.clock() < deadline:
            for pid in {pid for group in groups for pid in _processes(group)}:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for group in groups:
                with contextlib.suppress(OSError):
                    group.rmdir()
            if any(group.exists() for group in groups):
                self.sleep(0.05)

    def exists(self) -> bool:
        """Tell whether the group is there in some hierarchy."""
        return next(self._groups(), None) is not None

    def _groups(self) -> Iterator[Path]:
        first, second = hierarchies(self.mounts.read_text(encoding="utf-8"))
        for root in [*first, *second]:
            for directory, _, _ in os.walk(root / self.name, topdown=False):
                yield Path(directory)


def _processes(group: Path) -> list[int]:
    try:
        return [int(pid) for pid in (group / "cgroup.procs").read_text(encoding="ascii").split() if pid != "0"]
    except OSError:
        return []
