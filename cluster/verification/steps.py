"""The steps of a verification as they are taken, and who may look on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from checks.verdict import Verdict
from cluster.release import Release

Step = tuple[str, Callable[[], Verdict]]
FurtherStep = tuple[str, Callable[[Release], Verdict]]


@dataclass(frozen=True)
class StepEnd:
    """How one step ended: its verdict, when it began, and after how many seconds it was there."""

    name: str
    verdict: Verdict
    began: datetime
    seconds: float

    @property
    def ended(self) -> datetime:
        """When its verdict was there."""
        return self.began + timedelta(seconds=self.seconds)


class Onlooker(Protocol):
    """Is told how a verification goes on. Decides nothing, and raises nothing."""

    def begins(self, release: Release, steps: Sequence[str]) -> None:
        """Hear which steps will be taken, in their order."""

    def step_begins(self, name: str) -> None:
        """Hear that a step begins."""

    def step_ends(self, step: StepEnd) -> None:
        """Hear how a step ended."""

    def ends(self, outcome: str, text: str) -> None:
        """Hear how all of it ended (verified, failed, held, as the release's record says) and what a person reads."""


class Nobody:
    """The onlooker of a verification that nobody looks on."""

    def begins(self, release: Release, steps: Sequence[str]) -> None:
        """Hear nothing."""

    def step_begins(self, name: str) -> None:
        """Hear nothing."""

    def step_ends(self, step: StepEnd) -> None:
        """Hear nothing."""

    def ends(self, outcome: str, text: str) -> None:
        """Hear nothing."""
