"""Whether a share of bad requests is above a limit: a test that may be looked at after every request.

The evidence is an e-value: how many times better the counts fit a rate above the limit than the limit itself. The rates
above are averaged by a Beta(0.5, 20) distribution cut to them (Robbins' method of mixtures: "Statistical methods
related to the law of the iterated logarithm", 1970), because nobody knows beforehand how bad a bad release is: the
prior leans to small rates, where every request counts, and leaves enough for a wholly bad one.

For each rate above the limit the likelihood ratio has expectation at most 1 after any request, whatever true rate at or
below the limit; so has the average. By Ville's inequality such a process ever reaches 1/c, over the whole gate and
however often somebody looks, with a chance of at most c. See Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform,
nonparametric, nonasymptotic confidence sequences" (2021), and Johari, Koomen, Pekelis and Walsh, "Always valid
inference" (2022), who do the same for A/B tests.
"""

from __future__ import annotations

import math
from functools import lru_cache

from checks.analysis.incomplete_beta import log_beta_above

PRIOR_BAD = 0.5
PRIOR_GOOD = 20.0


def log_evidence_above(requests: int, bad: int, limit: float) -> float:
    """Return the logarithm of the e-value for "the rate of bad requests is above `limit`" (a share, 0 < limit < 1).

    It rises with `bad` and falls with each good request; 0 where nothing was counted. Raises ValueError for counts
    that cannot be.
    """
    check_counts(requests, bad, limit)
    good = requests - bad
    mixture = log_beta_above(limit, PRIOR_BAD + bad, PRIOR_GOOD + good)
    return mixture - _log_prior_above(limit) - log_likelihood(requests, bad, limit)


@lru_cache(maxsize=256)
def _log_prior_above(limit: float) -> float:
    return log_beta_above(limit, PRIOR_BAD, PRIOR_GOOD)


def is_above(requests: int, bad: int, limit: float, chance: float) -> bool:
    """Return whether the rate is above `limit`; wrongly so, in all looks together, with at most `chance` (0 to 1)."""
    return log_evidence_above(requests, bad, limit) >= -math.log(chance)


def log_likelihood(requests: int, bad: int, rate: float) -> float:
    """Return the logarithm of the chance of one sequence with so many bad requests at this rate."""
    return bad * math.log(rate) + (requests - bad) * math.log1p(-rate)


def check_counts(requests: int, bad: int, rate: float) -> None:
    """Raise ValueError unless 0 <= bad <= requests and 0 < rate < 1."""
    if not 0 <= bad <= requests:
        raise ValueError(f"{bad} bad requests of {requests} cannot be: allowed is 0 <= bad <= requests")
    if not 0.0 < rate < 1.0:
        raise ValueError(f"a rate of {rate} cannot be tested: allowed is above 0 and below 1, such as 0.001")
