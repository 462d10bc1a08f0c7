"""The Python processes that a host starts: they end when their call ends, and when the host ends."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

# Long enough for a program's `finally` blocks, short enough that a cancelled update does not hang.
INTERRUPT_GRACE_SECONDS = 5.0
CHUNK_BYTES = 65536


@dataclass(frozen=True)
class Command:
    """What to run: arguments, working directory and additions to the environment."""

    arguments: Sequence[str]
    directory: str
    environment: Mapping[str, str]

    def full_environment(self) -> dict[str, str]:
        """Return the host's environment with this command's additions."""
        return {**os.environ, **self.environment}


@dataclass(frozen=True)
class Chunk:
    """A piece of a child's output."""

    data: bytes
    is_error: bool


class Children:
    """Starts processes, each in a process group of its own, and remembers those that still run."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    def start(self, command: Command, *, captured: bool) -> subprocess.Popen[bytes]:
        """Start a process; its output goes to this process's own unless it is captured."""
        target = subprocess.PIPE if captured else None
        child = subprocess.Popen(
            command.arguments,
            cwd=command.directory,
            env=command.full_environment(),
            stdin=subprocess.DEVNULL,
            stdout=target,
            stderr=target,
            start_new_session=True,
        )
        with self._lock:
            self._running.add(child)
        return child

    def wait(self, child: subprocess.Popen[bytes]) -> int:
        """Wait for a process and forget it; return its exit status (negative for a signal)."""
        status = child.wait()
        with self._lock:
            self._running.discard(child)
        return status

    def end(self, child: subprocess.Popen[bytes]) -> None:
        """Interrupt a process and its descendants, and kill them if that takes too long."""
        if child.poll() is not None:
            return
        _signal_group(child, signal.SIGINT)
        try:
            child.wait(INTERRUPT_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            _signal_group(child, signal.SIGKILL)

    def end_all(self) -> None:
        """End every process that still runs, all at the same time."""
        with self._lock:
            running = list(self._running)
        threads = [threading.Thread(target=self.end, args=(child,)) for child in running]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(INTERRUPT_GRACE_SECONDS * 2)


def output_of(child: subprocess.Popen[bytes]) -> Iterator[Chunk]:
    """Yield what a captured process writes, as it comes, until both of its streams are closed."""
    chunks: queue.Queue[Chunk | None] = queue.Queue()

    def read(stream: IO[bytes], *, is_error: bool) -> None:
        while data := os.read(stream.fileno(), CHUNK_BYTES):
            chunks.put(Chunk(data, is_error))
        chunks.put(None)

    open_streams = 0
    for stream, is_error in ((child.stdout, False), (child.stderr, True)):
        if stream is not None:
            open_streams += 1
            threading.Thread(target=read, args=(stream,), kwargs={"is_error": is_error}, daemon=True).start()
    while open_streams:
        chunk = chunks.get()
        if chunk is None:
            open_streams -= 1
        else:
            yield chunk


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)
