"""Requests that a gate sees, made without chance: rates become counts by rounding what they add up to."""

from __future__ import annotations

from dataclasses import dataclass, field

from checks.analysis.canary_analysis import Assessment, CanaryAnalysis
from checks.analysis.limits import Limits, StepDemand
from checks.analysis.tally import Tally

QUICK_SECONDS = 0.1


@dataclass(frozen=True)
class Rates:
    """What becomes of requests: shares with an error, slower than 0.1 s, and slower than 0.5 s."""

    errors: float = 0.0
    beyond_quick: float = 0.0
    slow: float = 0.0


GOOD = Rates()
DOWN = Rates(errors=1.0)


@dataclass
class _Side:
    requests: float = 0.0
    errors: float = 0.0
    beyond_quick: float = 0.0
    slow: float = 0.0

    def add(self, requests: float, rates: Rates) -> None:
        self.requests += requests
        self.errors += requests * rates.errors
        self.beyond_quick += requests * max(rates.beyond_quick, rates.slow)
        self.slow += requests * rates.slow

    def tally(self) -> Tally:
        requests = round(self.requests)
        within = {QUICK_SECONDS: requests - round(self.beyond_quick), 0.5: requests - round(self.slow), 10.0: requests}
        return Tally(requests, round(self.errors), within)


@dataclass
class Gate:
    """A gate under analysis that gets 20 requests to the canary and 180 to stable between two looks."""

    limits: Limits = field(default_factory=Limits)
    demand: StepDemand = field(default_factory=lambda: StepDemand(0.1))
    canary: _Side = field(default_factory=_Side)
    stable: _Side = field(default_factory=_Side)

    def __post_init__(self) -> None:
        self.analysis = CanaryAnalysis(self.limits, self.demand)

    def looks(
        self,
        count: int,
        canary: Rates = GOOD,
        stable: Rates = GOOD,
        *,
        each: tuple[float, float] = (20, 180),
        expected_share: float | None = None,
    ) -> list[Assessment]:
        """Look so many times, or until the verdict is certain."""
        found: list[Assessment] = []
        while len(found) < count and not (found and found[-1].verdict.certain):
            self.canary.add(each[0], canary)
            self.stable.add(each[1], stable)
            tallies = self.canary.tally(), self.stable.tally()
            found.append(self.analysis.look(*tallies, expected_share=expected_share))
        return found
