"""Whether the canary's share of bad requests is higher than stable's at the same moment, by more than a margin.

Each look gives a block: the requests since the look before, of both. A block is a bet: the gambler names, from the
looks before alone, two rates (stable's as last seen, and a higher one of the canary), and is paid the likelihood of the
block under these rates over its likelihood under the nearest pair of rates that the null hypothesis allows ("the
canary's rate is at most stable's plus the margin"). The nearest is the pair that minimises the Kullback-Leibler
divergence weighted by the numbers of requests (the reverse information projection): Turner, Ly and Gruenwald, "Generic
E-variables for exact sequential k-sample tests" (2024); Turner and Gruenwald, "Exact anytime-valid confidence intervals
for contingency tables and beyond" (2023). At a minimum over a convex set, the gain expected under any allowed pair of
rates is at most 1, by the condition of first order and the inequality of the means; and this for every block by itself.
So stable's true rate may jump from look to look (a backend that fails, a wave of slow requests): as long as the canary
does no more than that, the capital grows beyond 1/c with a chance of at most c over all looks (Ville's inequality).

The capital is spread over several guesses of the canary's rate, since nobody knows how much worse a bad one is; and
some is held back and put in little by little, so that a canary that turns bad late, or after a common outage has spoilt
every guess, is found as well. Neither costs anything of the bound: all of it is one capital, which began as 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from checks.analysis.counts import Counts

_EXCESSES = (0.003, 0.01, 0.03, 0.1, 0.3, 0.8)
_REQUESTS_REMEMBERED = 1000.0
_FIRST_INVESTED = 0.5
_LATER_INVESTED = 0.01
_NEEDED_BEFORE_A_BET = 20
_HALVINGS = 45
_LOG_CAP = 500.0
_CAP = 1e200


@dataclass
class WorseThanStable:
    """The running evidence for "the canary's rate exceeds stable's by more than `margin`" (a share, 0 to below 1)."""

    margin: float = 0.0
    _reserve: float = 1.0
    _invested: list[float] = field(default_factory=lambda: [0.0] * len(_EXCESSES))
    _stable_requests: float = 0.0
    _stable_bad: float = 0.0
    _bets: int = 0

    def __post_init__(self) -> None:
        if not 0.0 <= self.margin < 1.0:
            raise ValueError(f"a margin of {self.margin} cannot be: allowed is 0 to below 1, such as 0.1 for 10 points")

    @property
    def log_evidence(self) -> float:
        """The logarithm of the e-value: the whole capital."""
        return math.log(self._reserve + sum(self._invested))

    def is_worse(self, chance: float) -> bool:
        """Return whether the canary is worse; wrongly so, in all looks together, with at most `chance` (0 to 1)."""
        return self.log_evidence >= -math.log(chance)

    def add(self, block: Counts) -> None:
        """Take in what was counted since the last look."""
        if block.canary_requests > 0 and block.stable_requests > 0 and self._stable_requests >= _NEEDED_BEFORE_A_BET:
            self._bet(block)
        # Stable's rate is guessed from its latest thousand requests or so, in order that the guess follows an outage.
        faded = math.exp(-block.stable_requests / _REQUESTS_REMEMBERED)
        self._stable_requests = self._stable_requests * faded + block.stable_requests
        self._stable_bad = self._stable_bad * faded + block.stable_bad

    def _bet(self, block: Counts) -> None:
        fresh = self._reserve * (_LATER_INVESTED if self._bets else _FIRST_INVESTED)
        self._bets += 1
        self._reserve -= fresh
        stable_rate = (self._stable_bad + 0.5) / (self._stable_requests + 1.0)
        gains = [gain(block, stable_rate, excess, self.margin) for excess in _EXCESSES]
        each = fresh / len(gains)
        self._invested = [min(_CAP, (was + each) * gain) for was, gain in zip(self._invested, gains, strict=True)]


def gain(block: Counts, stable_rate: float, excess: float, margin: float) -> float:
    """Return what a bet of 1 on these rates becomes.

    The canary's is `stable_rate` and `margin`, and of what is left above them the share `excess`.
    """
    allowed = stable_rate + margin
    if allowed >= 1.0:
        return 1.0
    canary_rate = allowed + (1.0 - allowed) * excess
    nearest = nearest_allowed(block.canary_requests, canary_rate, block.stable_requests, stable_rate, margin)
    gained = _log_ratio(block.canary_requests, block.canary_bad, canary_rate, nearest + margin)
    gained += _log_ratio(block.stable_requests, block.stable_bad, stable_rate, nearest)
    return math.exp(min(gained, _LOG_CAP))


def _log_ratio(requests: int, bad: int, rate: float, other: float) -> float:
    return bad * math.log(rate / other) + (requests - bad) * math.log((1.0 - rate) / (1.0 - other))


def nearest_allowed(
    canary_requests: int, canary_rate: float, stable_requests: int, stable_rate: float, margin: float
) -> float:
    """Return stable's rate of the nearest pair on the edge of the null hypothesis; the canary's is that plus `margin`.

    `canary_rate` is above `stable_rate + margin`, so the nearest pair lies between the two.
    """
    if margin == 0.0:
        return (canary_requests * canary_rate + stable_requests * stable_rate) / (canary_requests + stable_requests)
    low, high = stable_rate, canary_rate - margin
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        raised = middle + margin
        pull = canary_requests * (canary_rate - raised) / (raised * (1.0 - raised))
        pull += stable_requests * (stable_rate - middle) / (middle * (1.0 - middle))
        if pull > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
