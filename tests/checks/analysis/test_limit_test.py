"""A good canary is aborted in at most so many of a hundred gates, however often it is looked at; a bad one soon."""

from __future__ import annotations

import math

import pytest

from checks.analysis.incomplete_beta import log_beta
from checks.analysis.limit_test import is_above, log_evidence_above
from checks.analysis.limits import Limits
from tests.checks.analysis.exact_walk import median_look, stopped_by_look

LIMIT = Limits().error_share
CHANCE = Limits().false_abort_for_errors


def aborts(requests: int, bad: int) -> bool:
    return is_above(requests, bad, LIMIT, CHANCE)


@pytest.mark.parametrize("rate", [LIMIT / 2, LIMIT])
@pytest.mark.parametrize(("looks", "each"), [(3000, 1), (600, 20)])
def test_a_canary_within_the_limit_is_aborted_at_most_as_often_as_promised(rate: float, looks: int, each: int) -> None:
    assert stopped_by_look(aborts, rate=rate, looks=looks, each=each)[-1] <= CHANCE


def test_the_promise_holds_for_coarse_limits_and_chances_too() -> None:
    stopped = stopped_by_look(lambda n, k: is_above(n, k, 0.05, 0.2), rate=0.05, looks=400, each=1)
    assert 0.02 < stopped[-1] <= 0.2


@pytest.mark.parametrize(("rate", "within_looks"), [(1.0, 1), (0.05, 2), (0.01, 25), (0.005, 90)])
def test_a_bad_canary_is_found_in_time(rate: float, within_looks: int) -> None:
    stopped = stopped_by_look(aborts, rate=rate, looks=within_looks, each=20)
    assert median_look(stopped) <= within_looks


@pytest.mark.parametrize(("rate", "most_bad"), [(0.05, 4), (0.01, 8)])
def test_a_bad_canary_costs_few_bad_answers(rate: float, most_bad: int) -> None:
    def costs_more(_requests: int, bad: int) -> bool:
        return bad > most_bad

    still_there = stopped_by_look(lambda n, k: aborts(n, k) or costs_more(n, k), rate=rate, looks=60, each=20)
    within = stopped_by_look(lambda n, k: aborts(n, k) and not costs_more(n, k), rate=rate, looks=60, each=20)
    assert still_there[-1] > 0.9
    assert median_look(within) <= 60


def test_evidence_is_the_average_likelihood_ratio_over_the_rates_above_the_limit() -> None:
    requests, bad, limit, steps = 50, 2, 0.1, 100_000
    width = (1 - limit) / steps
    rates = [limit + width * (step + 0.5) for step in range(steps)]
    prior = [rate**-0.5 * (1 - rate) ** 19 for rate in rates]
    ratios = [(rate / limit) ** bad * ((1 - rate) / (1 - limit)) ** (requests - bad) for rate in rates]
    average = sum(weight * ratio for weight, ratio in zip(prior, ratios, strict=True)) / sum(prior)
    assert log_evidence_above(requests, bad, limit) == pytest.approx(math.log(average), abs=1e-6)


@pytest.mark.parametrize("limit", [0.001, 0.01, 0.3])
@pytest.mark.parametrize(("requests", "bad"), [(1, 0), (20, 3), (5_000, 4), (1_000_000, 1_200)])
def test_a_bad_request_adds_evidence_and_a_good_one_takes_some(limit: float, requests: int, bad: int) -> None:
    here = log_evidence_above(requests, bad, limit)
    assert log_evidence_above(requests + 1, bad + 1, limit) > here
    assert log_evidence_above(requests + 1, bad, limit) < here


def test_nothing_counted_is_no_evidence() -> None:
    assert log_evidence_above(0, 0, LIMIT) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("limit", [1e-6, 0.001, 0.5, 0.99])
@pytest.mark.parametrize("requests", [1, 10**3, 10**7])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 1.0])
def test_ten_million_requests_are_not_too_many(limit: float, requests: int, share: float) -> None:
    assert math.isfinite(log_evidence_above(requests, int(requests * share), limit))


def test_evidence_of_many_requests_equals_its_closed_form() -> None:
    # With 2 % bad of ten million the whole posterior lies above 0.1 %, so the cut is felt by the prior alone.
    requests, bad, limit = 10**7, 2 * 10**5, 0.001
    mixture = log_beta(0.5 + bad, 20.0 + requests - bad)
    prior = log_beta(0.5, 20.0) + math.log(math.erfc(math.sqrt(limit * 19.75)))
    expected = mixture - prior - bad * math.log(limit) - (requests - bad) * math.log1p(-limit)
    assert log_evidence_above(requests, bad, limit) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(("requests", "bad", "limit"), [(1, 2, 0.1), (1, -1, 0.1), (-1, 0, 0.1), (1, 0, 0), (1, 0, 1)])
def test_what_cannot_be_is_refused(requests: int, bad: int, limit: float) -> None:
    with pytest.raises(ValueError, match="allowed is"):
        log_evidence_above(requests, bad, limit)
