"""What every part of the sandbox answers to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Status:
    """Whether a part runs, and one line about it (an address, a version, what is missing)."""

    name: str
    running: bool
    detail: str


class Service(Protocol):
    """A part of the sandbox: started when needed, safe to start again, stopped without leaving anything."""

    @property
    def name(self) -> str:
        """One or two words."""

    def start(self, progress: Callable[[str], None]) -> str:
        """Make it run, resuming where it was interrupted. Return one closing line. Raises SandboxError."""

    def stop(self) -> None:
        """End it and undo every mount, interface and namespace it made. Stopping what does not run is fine."""

    def status(self) -> Status:
        """Tell whether it runs, without changing anything, within a second."""
