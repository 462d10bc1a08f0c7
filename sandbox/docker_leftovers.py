"""What a killed container engine leaves behind: orphaned processes, mounts, control groups, sockets.

Everything is recognised by the sandbox's own directories or control group, never by a program's name.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.processes import start_time

END_SECONDS = 10.0
OCTAL = re.compile(r"\\([0-7]{3})")
SHIM_ADDRESSES = "*/*/*/*/*/address"


@dataclass(frozen=True)
class Leftovers:
    """The remains of one engine.

    `run` and `data` are its private directories: every mount below either belongs to it, and so does a process whose
    executable lies below `programs` and whose command line names one of `run`'s files. `control_group` is the parent
    of its containers' control groups, relative to each hierarchy's root.
    """

    programs: Path
    run: Path
    data: Path
    control_group: str
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    cgroups: Path = Path("/sys/fs/cgroup")

    def clear(self) -> None:
        """End the processes, undo the mounts, remove control groups and runtime files. Data are kept."""
        self._end(self.processes())
        self._remove_shim_sockets()
        self._unmount()
        for group in self.groups():
            for directory in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
                _remove_group(directory)
            _remove_group(group)
        # A mount that could not be undone holds files of others, which a removal would reach into.
        if not any(point.is_relative_to(self.run) for point in self.mounts()):
            shutil.rmtree(self.run, ignore_errors=True)

    def processes(self) -> list[int]:
        """Ids of the processes that are left: of the engine itself first, then of its containers."""
        own = [int(process.name) for process in Path("/proc").glob("[0-9]*") if self._is_ours(process)]
        contained: set[int] = set()
        for group in self.groups():
            for file in group.rglob("cgroup.procs"):
                contained.update(_ids(file))
        return own + sorted(contained.difference(own))

    def groups(self) -> list[Path]:
        """Directories of the control group in every hierarchy that has it."""
        direct = self.cgroups / self.control_group
        found = [direct] if direct.is_dir() else []
        return found + [path for path in self.cgroups.glob(f"*/{self.control_group}") if path.is_dir()]

    def mounts(self) -> list[Path]:
        """Mount points below the private directories, the innermost first."""
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
        points = (Path(OCTAL.sub(lambda code: chr(int(code[1], 8)), line.split(" ")[4])) for line in lines)
        return [p for p in reversed(list(points)) if p.is_relative_to(self.run) or p.is_relative_to(self.data)]

    def _is_ours(self, process: Path) -> bool:
        try:
            if not (process / "exe").readlink().is_relative_to(self.programs):
                return False
            arguments = (process / "cmdline").read_text(encoding="utf-8", errors="replace").split("\0")
        except OSError:
            return False
        return any(f"{self.run}/" in argument for argument in arguments)

    def _end(self, pids: Sequence[int]) -> None:
        known = {pid: start_time(pid) for pid in pids}
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        deadline = self.clock() + END_SECONDS
        while any(began and start_time(pid) == began for pid, began in known.items()) and self.clock() < deadline:
            self.sleep(0.05)

    def _unmount(self) -> None:
        for point in self.mounts():
            plain = subprocess.run(["umount", str(point)], capture_output=True, check=False)
            if plain.returncode != 0:
                subprocess.run(["umount", "--lazy", str(point)], capture_output=True, check=False)

    def _remove_shim_sockets(self) -> None:
        # containerd 1.6 keeps the shims' sockets outside its state directory; each bundle names its own.
        for file in self.run.glob(SHIM_ADDRESSES):
            address = file.read_text(encoding="utf-8").strip().removeprefix("unix://")
            Path(address).unlink(missing_ok=True)


def _ids(file: Path) -> list[int]:
    try:
        return [int(line) for line in file.read_text(encoding="ascii").split()]
    except OSError:
        return []


def _remove_group(directory: Path) -> None:
    try:
        directory.rmdir()
    except OSError:
        return
