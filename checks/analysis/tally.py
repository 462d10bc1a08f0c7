"""What pods answered, counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class Tally:
    """Requests that some pods answered: how many, how many with an error, and how many within so many seconds.

    `within` maps each bound of the latency histogram, in seconds, to the requests answered within it (cumulative, as
    Prometheus' buckets are; without the infinite one).
    """

    requests: int = 0
    errors: int = 0
    within: Mapping[float, int] = field(default_factory=lambda: MappingProxyType({}))

    def slower_than(self, seconds: float) -> int | None:
        """Return how many requests took longer than `seconds`, or None where no bucket ends there."""
        found = self.within.get(seconds)
        return None if found is None else max(0, self.requests - found)

    def __add__(self, other: Tally) -> Tally:
        bounds = self.within.keys() | other.within.keys()
        return Tally(
            self.requests + other.requests,
            self.errors + other.errors,
            {bound: self.within.get(bound, 0) + other.within.get(bound, 0) for bound in sorted(bounds)},
        )

    def since(self, earlier: Tally) -> Tally:
        """Return what came after `earlier`, a tally of the same pods."""
        return Tally(
            self.requests - earlier.requests,
            self.errors - earlier.errors,
            {bound: max(0, count - earlier.within.get(bound, 0)) for bound, count in self.within.items()},
        )
