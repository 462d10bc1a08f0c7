"""Child processes that are followed line by line and never outlive their time."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

TIMED_OUT = -1
GRACE_SECONDS = 5.0


class Follow(Protocol):
    """Runs a command to its end; see `follow`."""

    def __call__(
        self,
        command: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],
        seconds: float,
        on_line: Callable[[str], None],
    ) -> int:
        """Return the exit status, or TIMED_OUT."""


def follow(
    command: Sequence[str],
    *,
    directory: Path,
    environment: Mapping[str, str],
    seconds: float,
    on_line: Callable[[str], None],
) -> int:
    """Run `command` in `directory`, hand on each line it prints, and return its exit status.

    The command runs in a process group of its own, which is ended as a whole after `seconds` (the answer is then
    TIMED_OUT) and when the caller is interrupted. `environment` is added to this process's own. Raises OSError if the
    command cannot be started.
    """
    child = subprocess.Popen(
        list(command),
        cwd=directory,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    late = threading.Event()

    def expire() -> None:
        late.set()
        _end(child)

    timer = threading.Timer(seconds, expire)
    timer.daemon = True
    timer.start()
    try:
        if child.stdout is not None:
            with child.stdout:
                for line in child.stdout:
                    on_line(line.rstrip("\n"))
        status = child.wait()
    finally:
        timer.cancel()
        if child.poll() is None:
            _end(child)
            child.wait()
    return TIMED_OUT if late.is_set() else status


def _end(child: subprocess.Popen[str]) -> None:
    """End the group: first politely, then for good."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, number)
            child.wait(GRACE_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
