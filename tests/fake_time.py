"""Time that passes only when somebody sleeps, and a reporter that remembers what it was told."""

from __future__ import annotations

from dataclasses import dataclass, field

from checks.waiting import Clock, Reporter

MOST_SLEEPS = 20_000


@dataclass
class FakeTime:
    seconds: float = 1000.0
    slept: list[float] = field(default_factory=list)

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.seconds, sleep=self._sleep)

    @property
    def passed(self) -> float:
        return self.seconds - 1000.0

    def _sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.slept.append(seconds)
        self.seconds += seconds
        assert len(self.slept) < MOST_SLEEPS, "this wait never ends"


@dataclass
class Told:
    lines: list[str] = field(default_factory=list)
    live: list[str] = field(default_factory=list)

    @property
    def reporter(self) -> Reporter:
        return Reporter(line=self.lines.append, live=self.live.append)
