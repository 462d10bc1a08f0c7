"""Processes that the sandbox starts, and only those: known by process id and start time."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.paths import Paths

LOG_LINES_IN_AN_ERROR = 5


@dataclass(frozen=True)
class Process:
    """A process that runs in the background.

    `ready` answers whether it serves; it is asked until `timeout_seconds` are over. `stop_seconds` is how long it may
    take to end after SIGTERM before it is killed.
    """

    name: str
    command: Sequence[str]
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float = 60.0
    stop_seconds: float = 20.0


def start_time(pid: int) -> str | None:
    """Return the kernel's start time of process `pid` in clock ticks since boot, or None where none runs."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]


@dataclass
class Processes:
    """Starts and stops background processes and remembers them in pid files.

    A pid file holds the process id and its start time, so that a recycled id is never taken for ours. Nothing is ever
    ended by name.
    """

    paths: Paths
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def pid_file(self, name: str) -> Path:
        """Where the id of process `name` is kept."""
        return self.paths.run / f"{name}.pid"

    def log_file(self, name: str) -> Path:
        """Where process `name` writes."""
        return self.paths.logs / f"{name}.log"

    def running(self, name: str) -> int | None:
        """Return the process id of `name` if the process that we started still runs."""
        try:
            pid_text, _, started = self.pid_file(name).read_text(encoding="ascii").strip().partition(" ")
        except OSError:
            return None
        # A kill in the middle of writing the file leaves it empty.
        if not (pid_text.isdecimal() and started):
            return None
        return int(pid_text) if start_time(int(pid_text)) == started else None

    def names(self) -> list[str]:
        """Names of all processes that a pid file is kept of, in the order they were started."""
        files = sorted(self.paths.run.glob("*.pid"), key=lambda file: file.stat().st_mtime_ns)
        return [file.stem for file in files]

    def start(self, process: Process, progress: Callable[[str], None]) -> bool:
        """Start `process` unless it runs, and wait until it is ready. Return whether it had to be started.

        Raises SandboxError with the last log lines if it ends early or is not ready in time.
        """
        started = self.launch(process)
        self.wait(process, progress)
        return started

    def launch(self, process: Process) -> bool:
        """Start `process` unless it runs, without waiting. Return whether it had to be started.

        Raises SandboxError if its program is missing or cannot be run.
        """
        if self.running(process.name) is not None:
            return False
        self.paths.run.mkdir(parents=True, exist_ok=True)
        self.paths.logs.mkdir(parents=True, exist_ok=True)
        with self.log_file(process.name).open("wb") as log:
            try:
                child = subprocess.Popen(
                    list(process.command),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **process.environment},
                    start_new_session=True,
                )
            except OSError as error:
                raise SandboxError(
                    f"{process.name} cannot be run from {process.command[0]}: {error.strerror}",
                    mend="run the same command again; it makes programs that are missing",
                ) from error
        self.pid_file(process.name).write_text(f"{child.pid} {start_time(child.pid)}", encoding="ascii")
        return True

    def wait(self, process: Process, progress: Callable[[str], None]) -> None:
        """Wait until `process` is ready; raises SandboxError if it ends early or time runs out."""
        deadline = self.clock() + process.timeout_seconds
        while not process.ready():
            if self.running(process.name) is None:
                raise self._failure(process, "ended before it was ready")
            if self.clock() > deadline:
                raise self._failure(process, f"was not ready after {process.timeout_seconds:.0f} s")
            progress(f"waiting for {process.name}")
            self.sleep(0.1)

    def stop(self, name: str, *, seconds: float = 20.0, keep_children: bool = False) -> None:
        """End process `name` with its process group: SIGTERM, then SIGKILL after `seconds`. Unknown is fine.

        `keep_children` signals only the process itself.
        """
        pid = self.running(name)
        if pid is not None:
            send = os.kill if keep_children else os.killpg
            self._signal(send, pid, signal.SIGTERM)
            deadline = self.clock() + seconds
            while self.running(name) is not None and self.clock() < deadline:
                self.sleep(0.05)
            if self.running(name) is not None:
                self._signal(send, pid, signal.SIGKILL)
                while self.running(name) is not None and self.clock() < deadline + 5:
                    self.sleep(0.05)
        self.pid_file(name).unlink(missing_ok=True)

    @staticmethod
    def _signal(send: Callable[[int, int], None], pid: int, number: int) -> None:
        try:
            send(pid, number)
        except ProcessLookupError:
            return

    def _failure(self, process: Process, problem: str) -> SandboxError:
        log = self.log_file(process.name)
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES_IN_AN_ERROR:]
        last = "\n  ".join(["", *tail])
        return SandboxError(
            f"{process.name} {problem}; its last lines:{last}\n",
            mend=f"read {log}, then run the same command again",
        )
