"""Between which rates the true share of bad requests lies, and how many requests it takes to rule a rate out.

Each bound is one side of a confidence sequence: it holds at every look at once, not only at the last. It parts the
rates that the test of limit_test.py, or its mirror image here, has refuted from those it has not (Darling and Robbins,
"Confidence sequences for mean, variance, and median", 1967; Howard et al., 2021). The mirror image averages over the
rates *below* the one that is tested, so that about 3.8 clean requests for each 1/rate rule it out at 5 %, where 3 would
do for somebody who knew beforehand that not one request is bad.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

from checks.analysis.incomplete_beta import log_beta_below
from checks.analysis.limit_test import PRIOR_BAD, PRIOR_GOOD, check_counts, is_above, log_evidence_above, log_likelihood

_MOST_STEPS = 100
_EXACT_TO = 1e-4  # of the bound itself
_SMALLEST_RATE = 1e-12
_MOST_REQUESTS = 10**9


def log_evidence_below(requests: int, bad: int, rate: float) -> float:
    """Return the logarithm of the e-value for "the rate of bad requests is below `rate`" (a share, 0 < rate < 1)."""
    check_counts(requests, bad, rate)
    mixture = log_beta_below(rate, PRIOR_BAD + bad, PRIOR_GOOD + requests - bad)
    return mixture - _log_prior_below(rate) - log_likelihood(requests, bad, rate)


@lru_cache(maxsize=256)
def _log_prior_below(rate: float) -> float:
    return log_beta_below(rate, PRIOR_BAD, PRIOR_GOOD)


def rules_out(requests: int, bad: int, rate: float, level: float) -> bool:
    """Return whether a rate of `rate` or more is ruled out; wrongly so, at any look, with at most `level` (0 to 1)."""
    return log_evidence_below(requests, bad, rate) >= -math.log(level)


def upper_bound(requests: int, bad: int, level: float) -> float:
    """Return the smallest rate that is ruled out, which is never below `bad / requests`; 1 where none is.

    The true rate is above it at any look with a chance of at most `level`.
    """
    check_counts(requests, bad, level)
    if requests == 0:
        return 1.0
    low, high = max(bad / requests, _SMALLEST_RATE), 1.0 - _SMALLEST_RATE
    if low >= high or not rules_out(requests, bad, high, level):
        return 1.0
    _, refuted = _enclose(lambda rate: log_evidence_below(requests, bad, rate) + math.log(level), low, high)
    return refuted


def lower_bound(requests: int, bad: int, level: float) -> float:
    """Return the largest limit that the rate is known to be above, which is never above `bad / requests`; 0 for none.

    The true rate is below it at any look with a chance of at most `level`.
    """
    check_counts(requests, bad, level)
    if bad == 0:
        return 0.0
    low, high = _SMALLEST_RATE, min(bad / requests, 1.0 - _SMALLEST_RATE)
    if not is_above(requests, bad, low, level):
        return 0.0
    refuted, _ = _enclose(lambda rate: -log_evidence_above(requests, bad, rate) - math.log(level), low, high)
    return refuted


def required_sample(rate: float, level: float) -> int:
    """Return how many requests, none of them bad, rule out a rate of `rate` or more at `level`."""
    return requests_to_go(0, 0, rate, level)


def requests_to_go(requests: int, bad: int, rate: float, level: float) -> int:
    """Return how many good requests more it takes to rule out `rate`: 0 to 10**9, which means so many or more."""
    if rules_out(requests, bad, rate, level):
        return 0
    short, enough = 0, 1
    while not rules_out(requests + enough, bad, rate, level):
        short, enough = enough, enough * 2
        if enough > _MOST_REQUESTS:
            return _MOST_REQUESTS
    while enough - short > 1:
        middle = (short + enough) // 2
        if rules_out(requests + middle, bad, rate, level):
            enough = middle
        else:
            short = middle
    return enough


def _enclose(rising: Callable[[float], float], low: float, high: float) -> tuple[float, float]:
    """Return two rates between which `rising` goes from below 0 to 0 or more, as near as a bound is shown.

    By turns the secant's root and the middle of the logarithms: a few steps where the function is smooth, and never
    more than a hundred.
    """
    below, above = rising(low), rising(high)
    for step in range(_MOST_STEPS):
        if high - low <= _EXACT_TO * min(high, 1 - low):
            break
        rate = low + (high - low) * (-below / (above - below)) if step % 3 else math.sqrt(low * high)
        rate = min(max(rate, low + _EXACT_TO / 4 * (high - low)), high - _EXACT_TO / 4 * (high - low))
        value = rising(rate)
        if value >= 0:
            high, above = rate, value
        else:
            low, below = rate, value
    return low, high
