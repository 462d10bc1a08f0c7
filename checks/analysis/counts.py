"""Requests of one kind that the canary and stable answered in the same stretch of time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Counts:
    """How many requests, and how many of them were bad: with an error, or slower than some bound."""

    canary_requests: int = 0
    canary_bad: int = 0
    stable_requests: int = 0
    stable_bad: int = 0

    @property
    def canary_share(self) -> float:
        """The share of the canary's requests that were bad; 0 where it has answered none."""
        return self.canary_bad / self.canary_requests if self.canary_requests else 0.0

    @property
    def stable_share(self) -> float:
        """The same of stable."""
        return self.stable_bad / self.stable_requests if self.stable_requests else 0.0

    def since(self, earlier: Counts) -> Counts | None:
        """Return what came after `earlier`, or None where that cannot be yet.

        Two counters of one pod are not read at exactly one moment, so a bad request may show a look before or after
        the request itself: then the next look, which has both, takes in the two stretches as one.
        """
        later = Counts(
            self.canary_requests - earlier.canary_requests,
            self.canary_bad - earlier.canary_bad,
            self.stable_requests - earlier.stable_requests,
            self.stable_bad - earlier.stable_bad,
        )
        possible = 0 <= later.canary_bad <= later.canary_requests and 0 <= later.stable_bad <= later.stable_requests
        return later if possible else None
