"""Whether the canary is slower than stable is at the same moment, though both are within the limit.

A bound is chosen that few of stable's requests exceed; then the shares beyond it are compared (two_samples.py). It is
chosen from stable's requests alone and before the first request that is compared, as the test demands. What a histogram
does not show cannot be found: a latency that doubles within one bucket.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from checks.analysis.counts import Counts
from checks.analysis.tally import Tally
from checks.analysis.two_samples import WorseThanStable

_STABLE_REQUESTS_TO_CHOOSE = 100
_STABLE_SHARE_BEYOND = 0.2


@dataclass(frozen=True)
class SlowerFinding:
    """What one look says: requests slower than `bound_seconds` since it was chosen; None before that."""

    failed: bool
    log_evidence: float
    bound_seconds: float | None = None
    counts: Counts = field(default_factory=Counts)


@dataclass
class SlowerThanStable:
    """The running comparison; `false_abort` is the chance of calling a canary slower that is not, at any look."""

    margin: float
    false_abort: float
    _bound: float | None = None
    _start: Counts = field(default_factory=Counts)
    _taken_in: Counts = field(default_factory=Counts)
    _worse: WorseThanStable = field(init=False)

    def __post_init__(self) -> None:
        self._worse = WorseThanStable(self.margin)

    def look(self, canary: Tally, stable: Tally) -> SlowerFinding:
        """Judge the tallies since the gate began."""
        if self._bound is None:
            self._choose(canary, stable)
            return SlowerFinding(failed=False, log_evidence=0.0, bound_seconds=self._bound)
        counts = _beyond(self._bound, canary, stable)
        later = counts.since(self._taken_in) if counts else None
        if counts and later:
            self._worse.add(later)
            self._taken_in = counts
        return SlowerFinding(
            failed=self._worse.is_worse(self.false_abort),
            log_evidence=self._worse.log_evidence,
            bound_seconds=self._bound,
            counts=self._taken_in.since(self._start) or Counts(),
        )

    def _choose(self, canary: Tally, stable: Tally) -> None:
        if stable.requests < _STABLE_REQUESTS_TO_CHOOSE:
            return
        for bound in sorted(stable.within):
            counts = _beyond(bound, canary, stable)
            if counts and counts.stable_share <= _STABLE_SHARE_BEYOND:
                self._bound, self._start, self._taken_in = bound, counts, counts
                return


def _beyond(bound: float, canary: Tally, stable: Tally) -> Counts | None:
    """Return the requests slower than `bound` seconds, or None where a histogram has no such bucket."""
    canary_slow = canary.slower_than(bound) if canary.requests else 0
    stable_slow = stable.slower_than(bound) if stable.requests else 0
    if canary_slow is None or stable_slow is None:
        return None
    return Counts(canary.requests, canary_slow, stable.requests, stable_slow)
