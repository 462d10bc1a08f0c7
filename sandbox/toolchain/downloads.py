"""Whether official files can be downloaded from here, found out quickly and remembered."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from sandbox.paths import Paths

CONNECT_SECONDS = 5.0
# A name that does not resolve can hold a look-up for longer than any connection's time-out.
PROBE_SECONDS = 6.0
REMEMBERED_SECONDS = 24 * 3600.0


@dataclass
class Downloads:
    """Answers whether an address can be downloaded.

    A negative answer is kept for a day in the user's cache, so that the next run does not wait; `remember_failure`
    notes a download that began and did not end well. `clock` tells seconds since the epoch.
    """

    paths: Paths
    transport: httpx.BaseTransport | None = None
    clock: Callable[[], float] = time.time
    probe_seconds: float = PROBE_SECONDS
    _reachable: dict[str, bool] = field(default_factory=dict, init=False)

    @property
    def file(self) -> Path:
        """Where negative answers are kept: addresses and the time they were given. Removing it forgets them all."""
        return self.paths.cache / "unreachable-downloads.json"

    def possible(self, address: str) -> bool:
        """Return whether `address` answers a HEAD request, within six seconds and mostly at once."""
        if address not in self._reachable:
            noted = self._read().get(address)
            # A clock that was set back must not keep an answer for ever.
            fresh = noted is not None and 0 <= self.clock() - noted < REMEMBERED_SECONDS
            self._reachable[address] = not fresh and self._probe(address)
            if not fresh and not self._reachable[address]:
                self._note(address)
        return self._reachable[address]

    def remember_failure(self, address: str) -> None:
        """Take `address` for unreachable for a day."""
        self._reachable[address] = False
        self._note(address)

    def _probe(self, address: str) -> bool:
        answers: list[bool] = []
        worker = threading.Thread(target=lambda: answers.append(self._head(address)), daemon=True)
        worker.start()
        worker.join(self.probe_seconds)
        return answers == [True]

    def _head(self, address: str) -> bool:
        try:
            with httpx.Client(transport=self.transport, timeout=CONNECT_SECONDS, follow_redirects=True) as client:
                return client.head(address).is_success
        except httpx.HTTPError:
            return False

    def _read(self) -> dict[str, float]:
        try:
            content = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(content, dict):
            return {}
        return {str(key): float(value) for key, value in content.items() if isinstance(value, (int, float))}

    def _note(self, address: str) -> None:
        content = {**self._read(), address: self.clock()}
        self.file.parent.mkdir(parents=True, exist_ok=True)
        partial = self.file.with_suffix(".partial")
        partial.write_text(json.dumps(content, indent=2), encoding="utf-8")
        partial.replace(self.file)
