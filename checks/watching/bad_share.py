"""Whether too many requests are bad, for longer than a moment, in a stream that is watched for an hour.

The test is that of a canary's gate (checks/analysis/limit_test.py). Alone it would be too slow for an hour: 50 good
minutes outweigh a release that turns bad in the 51st. So a fresh test begins every few minutes beside those that run,
and each may be wrong with its part of the chance; together they are wrong with no more than all of it (Boole). A test
has to find the share too high also without the worst stretch of `sustained_seconds`, and what it finds has to go on:
a database that was away for half a minute proves nothing of the release, nor does one that was away twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from checks.analysis.limit_test import is_above
from checks.analysis.wording import limit_percent, of, percent
from checks.verdict import Kind, Verdict

STRETCH_SECONDS = 300.0
# So what lasted for less than half of the sustained seconds never goes on; in more of them a rare error would not show.
PARTS = 4
QUERY = "/metrics of the pods, counted since the watch began to look"


@dataclass(frozen=True)
class _Look:
    """Requests that were answered since the look before, and how many of them were bad; `at` in seconds."""

    at: float
    requests: int
    bad: int


@dataclass
class BadShare:
    """Judges one kind of bad request. `what` says what they did, as in "ended with an error".

    `limit` is the share (0 to 1) that may be bad, `false_alarm` the chance that a release at the limit fails at any
    look of a watch of `watched_seconds`.
    """

    what: str
    limit: float
    false_alarm: float
    sustained_seconds: float
    watched_seconds: float
    _looks: list[_Look] = field(default_factory=list, init=False)
    _counted: tuple[int, int] = field(default=(0, 0), init=False)
    _began: float | None = field(default=None, init=False)

    def look(self, at: float, requests: int, bad: int) -> Verdict:
        """Judge what was counted up to now, since the first look; `at` is the time in seconds.

        FAIL: too many, certainly, for longer than a moment, and it goes on. TOO_FEW: too many at this moment.
        NO_DATA: no request was answered for `sustained_seconds`.
        """
        if self._began is None:
            self._began = at
        whole = max(0, requests - self._counted[0])
        new = _Look(at, whole, min(whole, max(0, bad - self._counted[1])))
        self._counted = (requests, bad)
        self._looks.append(new)
        recent = _sum([each for each in self._looks if at - each.at < self.sustained_seconds])
        if not recent.requests:
            reason = f"no request was answered for {min(self.sustained_seconds, at - self._began):.0f} s"
            return Verdict(Kind.NO_DATA, reason, {"requests": requests, "bad": bad}, QUERY)
        return self._judged(recent)

    def _judged(self, recent: _Look) -> Verdict:
        whole, share = _sum(self._looks), recent.bad / recent.requests
        numbers = {"requests": whole.requests, "bad": whole.bad, "share_now": share, "limit": self.limit}
        said = f"{of(recent.bad, recent.requests)} requests of the last {self.sustained_seconds:.0f} s {self.what}"
        said += f" ({percent(share)}, limit {limit_percent(self.limit)})"
        if share <= self.limit:
            return Verdict(Kind.PASS, said, numbers, QUERY)
        if self._goes_on() and any(self._too_many(stretch) for stretch in self._stretches()):
            return Verdict(Kind.FAIL, f"{said}; {of(whole.bad, whole.requests)} in all", numbers, QUERY)
        reason = f"{said}; not certain, or not for longer than {self.sustained_seconds:.0f} s"
        return Verdict(Kind.TOO_FEW, reason, numbers, QUERY)

    def _goes_on(self) -> bool:
        """Whether the share was too high all along the last `sustained_seconds`, and is."""
        now, part = self._looks[-1].at, self.sustained_seconds / PARTS
        parts = [
            _sum([each for each in self._looks if number * part <= now - each.at < (number + 1) * part])
            for number in range(PARTS)
        ]
        return all(each.bad > self.limit * each.requests for each in parts)

    def _stretches(self) -> list[list[_Look]]:
        """Return the looks from the beginning of each test on."""
        began = self._began or 0.0
        count = self._tests
        starts = [began + number * STRETCH_SECONDS for number in range(count)]
        found = [[each for each in self._looks if each.at >= start] for start in starts]
        return [stretch for stretch in found if stretch]

    @property
    def _tests(self) -> int:
        return max(1, math.ceil(self.watched_seconds / STRETCH_SECONDS))

    def _too_many(self, looks: Sequence[_Look]) -> bool:
        chance = self.false_alarm / self._tests
        whole = _sum(looks)
        # Both, so that leaving the worst out can never make a failure.
        if not is_above(whole.requests, whole.bad, self.limit, chance):
            return False
        worst = self._worst(looks)
        left = whole.requests - worst.requests, whole.bad - worst.bad
        return left[0] > 0 and is_above(*left, self.limit, chance)

    def _worst(self, looks: Sequence[_Look]) -> _Look:
        """Return the sum of those `sustained_seconds` that have the most bad requests."""
        worst, first, requests, bad = _Look(0.0, 0, 0), 0, 0, 0
        for each in looks:
            requests, bad = requests + each.requests, bad + each.bad
            while each.at - looks[first].at >= self.sustained_seconds:
                requests, bad = requests - looks[first].requests, bad - looks[first].bad
                first += 1
            if bad > worst.bad:
                worst = _Look(each.at, requests, bad)
        return worst


def _sum(looks: Sequence[_Look]) -> _Look:
    return _Look(0.0, sum(each.requests for each in looks), sum(each.bad for each in looks))
