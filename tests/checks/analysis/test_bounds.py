"""The bounds hold at all looks at once, are the edge of what is ruled out, and say how many requests are missing."""

from __future__ import annotations

import math

import pytest

from checks.analysis.bounds import (
    log_evidence_below,
    lower_bound,
    requests_to_go,
    required_sample,
    rules_out,
    upper_bound,
)
from checks.analysis.limit_test import is_above
from tests.checks.analysis.exact_walk import stopped_by_look


@pytest.mark.parametrize(("rate", "looks"), [(0.01, 500), (0.05, 200), (0.3, 60)])
def test_the_upper_bound_ever_falls_below_the_truth_at_most_as_often_as_its_level_says(rate: float, looks: int) -> None:
    wrong = stopped_by_look(lambda n, k: rules_out(n, k, rate, 0.05), rate=rate, looks=looks, each=1)
    assert 0.005 < wrong[-1] <= 0.05


def test_a_rate_above_the_one_to_rule_out_is_let_through_no_more_often() -> None:
    wrong = stopped_by_look(lambda n, k: rules_out(n, k, 0.05, 0.05), rate=0.06, looks=200, each=1)
    assert wrong[-1] <= 0.05


@pytest.mark.parametrize(("rate", "looks"), [(0.01, 300), (0.2, 80)])
def test_the_lower_bound_ever_rises_above_the_truth_at_most_as_often_as_its_level_says(rate: float, looks: int) -> None:
    wrong = stopped_by_look(lambda n, k: is_above(n, k, rate, 0.05), rate=rate, looks=looks, each=1)
    assert 0.001 < wrong[-1] <= 0.05


COUNTS = [(1, 0), (20, 0), (20, 7), (412, 0), (412, 3), (100_000, 90), (10**7, 0), (10**7, 10**6)]


@pytest.mark.parametrize(("requests", "bad"), COUNTS)
@pytest.mark.parametrize("level", [0.05, 0.001])
def test_the_upper_bound_is_the_smallest_rate_that_is_ruled_out(requests: int, bad: int, level: float) -> None:
    bound = upper_bound(requests, bad, level)
    assert bad / requests < bound < 1
    assert rules_out(requests, bad, bound, level)
    assert not rules_out(requests, bad, bound - 2e-4 * min(bound, 1 - bound), level)
    assert rules_out(requests, bad, bound + (1 - bound) / 2, level)


@pytest.mark.parametrize(("requests", "bad"), [(20, 7), (20, 20), (412, 3), (100_000, 90), (10**7, 5), (10**7, 10**6)])
@pytest.mark.parametrize("level", [0.05, 0.001])
def test_the_lower_bound_is_the_largest_limit_that_is_exceeded(requests: int, bad: int, level: float) -> None:
    bound = lower_bound(requests, bad, level)
    assert 0 < bound < bad / requests
    assert is_above(requests, bad, bound, level)
    assert not is_above(requests, bad, bound + 2e-4 * min(bound, 1 - bound), level)


def test_nothing_is_known_of_nothing() -> None:
    assert upper_bound(0, 0, 0.05) == 1
    assert lower_bound(0, 0, 0.05) == 0
    assert lower_bound(10**6, 0, 0.05) == 0
    assert upper_bound(10**6, 10**6, 0.05) == 1
    assert upper_bound(20, 19, 0.05) == 1


def test_more_certainty_makes_wider_bounds() -> None:
    assert upper_bound(500, 5, 0.001) > upper_bound(500, 5, 0.05) > 0.01 > lower_bound(500, 5, 0.05)
    assert lower_bound(500, 5, 0.05) > lower_bound(500, 5, 0.001)


@pytest.mark.parametrize("rate", [0.05, 0.01, 0.003, 0.001])
def test_the_required_sample_is_just_enough_clean_requests(rate: float) -> None:
    needed = required_sample(rate, 0.05)
    assert rules_out(needed, 0, rate, 0.05)
    assert not rules_out(needed - 1, 0, rate, 0.05)
    assert 3 < needed * rate < 4


@pytest.mark.parametrize(("requests", "bad"), [(0, 0), (100, 0), (200, 1), (1000, 30)])
def test_with_the_requests_to_go_it_is_ruled_out_and_with_one_fewer_not(requests: int, bad: int) -> None:
    go = requests_to_go(requests, bad, 0.01, 0.05)
    assert go > 0
    assert rules_out(requests + go, bad, 0.01, 0.05)
    assert not rules_out(requests + go - 1, bad, 0.01, 0.05)


def test_nothing_is_to_go_once_ruled_out_and_a_hopeless_count_ends() -> None:
    assert requests_to_go(required_sample(0.01, 0.05), 0, 0.01, 0.05) == 0
    assert requests_to_go(10**7, 10**7, 1e-6, 0.05) == 10**9


@pytest.mark.parametrize(("requests", "bad"), [(20, 0), (20, 20), (10**7, 0), (10**7, 10**7)])
@pytest.mark.parametrize("rate", [1e-6, 0.001, 0.5, 0.99])
def test_evidence_below_is_finite_everywhere(requests: int, bad: int, rate: float) -> None:
    assert math.isfinite(log_evidence_below(requests, bad, rate))
