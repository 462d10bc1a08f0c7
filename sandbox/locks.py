"""Locks that an update left behind when it was killed."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from pathlib import Path

from sandbox.processes import start_time

PROJECT = "release-manager"


@dataclass(frozen=True)
class Locks:
    """The locks of the sandbox's own backend, which lie in `state` as files that name machine and process."""

    state: Path
    hostname: str = socket.gethostname()

    def stale(self, stack: str) -> list[int]:
        """Return the process ids of locks on `stack` whose process has ended; none while one of them still runs.

        A lock of another machine, or one that cannot be read, is never taken for stale.
        """
        folder = self.state / ".pulumi" / "locks" / "organization" / PROJECT / stack
        holders = [self._holder(file) for file in sorted(folder.glob("*.json"))]
        gone = [pid for pid in holders if pid is not None and start_time(pid) is None]
        return gone if len(gone) == len(holders) else []

    def _holder(self, file: Path) -> int | None:
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
            return int(found["pid"]) if found["hostname"] == self.hostname else None
        except (OSError, ValueError, KeyError, TypeError):
            return None
