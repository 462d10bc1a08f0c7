"""Whether the canary receives the share of the requests that was asked for.

A canary that receives next to nothing looks healthy, and one that receives far more than its share hits more users than
the step allows. Judged are the latest looks only, so that a canary that loses its traffic is noticed, and one that got
it late is forgiven.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from checks.analysis.bounds import rules_out
from checks.analysis.limit_test import is_above

# Half to twice the odds that were asked for: connections that are kept open come in clumps, pods become ready one after
# another, and a Service picks pods at random. What matters is a share that is another order of size.
TOLERATED_FACTOR = 2.0
# The windows of successive looks overlap and each is judged: with 1 in a million for one window, a gate of ten minutes
# sees a wrong answer in fewer than 1 of 1,000 cases even for a share at the very edge of what is tolerated.
CHANCE = 1e-6
_FEWEST_LOOKS = 10
_EXPECTED_IN_WINDOW = 200.0
_EXPECTED_TO_KNOW = 50.0


class Share(Enum):
    """How the share compares with the one that was asked for."""

    UNKNOWN = "unknown"
    AS_ASKED = "as asked"
    TOO_LITTLE = "too little"
    TOO_MUCH = "too much"
    NOTHING_TO_COMPARE = "nothing to compare"


@dataclass(frozen=True)
class ShareFinding:
    """What the latest looks show: `observed` and `expected` are shares (0 to 1) of so many `requests`."""

    share: Share
    observed: float = 0.0
    expected: float = 0.0
    requests: int = 0


@dataclass(frozen=True)
class _Look:
    canary: int
    stable: int
    expected: float

    @property
    def requests(self) -> int:
        return self.canary + self.stable


@dataclass
class TrafficShare:
    """The canary's share in the latest looks: the fewest in which 200 requests to each side were to be expected."""

    _looks: deque[_Look] = field(default_factory=deque)

    def look(self, canary: int, stable: int, expected: float) -> ShareFinding:
        """Take in the requests since the last look, with the share expected in that time, and judge.

        An `expected` of 1 means that there is no stable pod, so nothing to compare; of 0, that no canary pod is ready,
        so that nothing can be known. A stable that answers nothing though it has pods makes the share too much.
        """
        if not 0.0 < expected < 1.0:
            self._looks.clear()
            return ShareFinding(Share.NOTHING_TO_COMPARE if expected else Share.UNKNOWN, expected=expected)
        self._looks.append(_Look(canary, stable, expected))
        self._forget()
        return self._judge()

    def _forget(self) -> None:
        while len(self._looks) > _FEWEST_LOOKS:
            oldest = self._looks.popleft()
            if self._fewest_expected() < _EXPECTED_IN_WINDOW:
                self._looks.appendleft(oldest)
                return

    def _fewest_expected(self) -> float:
        canary = sum(look.requests * look.expected for look in self._looks)
        return min(canary, sum(look.requests for look in self._looks) - canary)

    def _judge(self) -> ShareFinding:
        requests = sum(look.requests for look in self._looks)
        if requests == 0:
            return ShareFinding(Share.UNKNOWN, expected=self._looks[-1].expected)
        canary = sum(look.canary for look in self._looks)
        expected = sum(look.requests * look.expected for look in self._looks) / requests
        odds = expected / (1 - expected)
        share = Share.AS_ASKED if self._fewest_expected() >= _EXPECTED_TO_KNOW else Share.UNKNOWN
        if rules_out(requests, canary, _share_of(odds / TOLERATED_FACTOR), CHANCE):
            share = Share.TOO_LITTLE
        elif is_above(requests, canary, _share_of(odds * TOLERATED_FACTOR), CHANCE):
            share = Share.TOO_MUCH
        return ShareFinding(share, canary / requests, expected, requests)


def _share_of(odds: float) -> float:
    return odds / (1 + odds)
