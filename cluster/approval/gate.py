"""The gate before everything else: a release begins only with its approval, and in its window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from checks.waiting import Reporter
from cluster.approval.approvals import Approvals
from cluster.errors import GateFailed
from concerns.window import WindowSettings


@dataclass(frozen=True)
class ReleaseApprovalGate:
    """Lets exactly the approved version go on, and only while `window`, where there is one, is open."""

    approvals: Approvals
    stack: str
    approvers: tuple[str, ...]
    window: WindowSettings | None
    reporter: Reporter
    wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def run(self, version: str) -> None:
        """Return if `version` may begin now. Raises GateFailed with the command, or the time, that it waits for."""
        found = self.approvals.find("release", version)
        if found is None:
            raise GateFailed(
                f"release {version} is not approved for {self.stack}; nothing was changed. One of"
                f" {', '.join(self.approvers)} approves it with: "
                f"make approve STACK={self.stack} RELEASE={version} BY={self.approvers[0]};"
                " then run the same command again"
            )
        self.reporter.line(f"release {version} was approved by {found.by} at {found.at:%Y-%m-%d %H:%M:%S %Z}")
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
