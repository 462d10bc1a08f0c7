"""The gate before everything else: a release begins only with its approval, and in its window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from checks.waiting import Reporter
from cluster.errors import GateFailed
from concerns.window import WindowSettings


@dataclass(frozen=True)
class Look:
    """Whether a release is approved, by whom or why not, and what closes it."""

    approved: bool
    text: str
    closes: str = ""


@dataclass(frozen=True)
class ReleaseApprovalGate:
    """Lets exactly the approved release go on, and only while `window`, where there is one, is open.

    `look` finds out whether it is approved.
    """

    look: Callable[[], Look]
    stack: str
    window: WindowSettings | None
    reporter: Reporter
    wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def run(self, version: str) -> None:
        """Return if `version` may begin now. Raises GateFailed with the command, or the time, that it waits for."""
        found = self.look()
        if not found.approved:
            raise GateFailed(
                f"{found.text}; nothing was changed in {self.stack}. To approve it: {found.closes}; then run the same"
                " command again"
            )
        self.reporter.line(f"release {found.text}")
        if self.window is not None:
            self._in_window(version, self.window)

    def _in_window(self, version: str, window: WindowSettings) -> None:
        now = self.wall_clock()
        start, end = window.opening(now)
        if now < start:
            raise GateFailed(
                f"release {version} is approved, but the maintenance window of {self.stack} is closed; nothing was"
                f" changed. It opens at {start:%A %Y-%m-%d %H:%M} for {window.minutes} minutes ({window.timezone}):"
                " run the same command then"
            )
        self.reporter.line(f"the maintenance window is open until {end:%H:%M} ({window.timezone})")
