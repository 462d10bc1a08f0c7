"""A canary that is no worse than stable is blamed in at most so many of a hundred gates; a worse one is found."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable

import pytest

from checks.analysis.counts import Counts
from checks.analysis.two_samples import WorseThanStable, gain, nearest_allowed

Rates = Callable[[int], tuple[float, float]]


def binomial(dice: random.Random, requests: int, rate: float) -> int:
    return sum(dice.random() < rate for _ in range(requests))


def found_after(rates: Rates, *, seed: int, looks: int, margin: float = 0.0, chance: float = 0.01) -> int | None:
    """Return the look at which the canary is found worse, with 10 canary and 30 stable requests a look."""
    dice, test = random.Random(seed), WorseThanStable(margin)  # noqa: S311
    for look in range(looks):
        canary, stable = rates(look)
        test.add(Counts(10, binomial(dice, 10, canary), 30, binomial(dice, 30, stable)))
        if test.is_worse(chance):
            return look + 1
    return None


def binomial_chance(requests: int, bad: int, rate: float) -> float:
    return math.comb(requests, bad) * rate**bad * (1 - rate) ** (requests - bad)


@pytest.mark.parametrize("margin", [0.0, 0.1])
@pytest.mark.parametrize(("canary", "stable"), [(3, 5), (6, 1), (1, 8)])
@pytest.mark.parametrize(("guess", "excess"), [(0.02, 0.1), (0.3, 0.5), (0.05, 0.8)])
def test_a_bet_gains_nothing_on_average_whatever_the_rates_are_that_are_allowed(
    margin: float, canary: int, stable: int, guess: float, excess: float
) -> None:
    def expected(canary_rate: float, stable_rate: float) -> float:
        return sum(
            binomial_chance(canary, a, canary_rate)
            * binomial_chance(stable, b, stable_rate)
            * gain(Counts(canary, a, stable, b), guess, excess, margin)
            for a, b in itertools.product(range(canary + 1), range(stable + 1))
        )

    shares = [step / 20 for step in range(21)]
    allowed = [(c, s) for c, s in itertools.product(shares, shares) if c <= s + margin + 1e-12]
    assert max(expected(c, s) for c, s in allowed) <= 1 + 1e-9
    wanted = guess + margin + (1 - guess - margin) * excess
    nearest = nearest_allowed(canary, wanted, stable, guess, margin)
    assert expected(nearest + margin, nearest) == pytest.approx(1.0, abs=1e-9)
    assert expected(wanted, guess) > 1.05


@pytest.mark.parametrize("margin", [0.0, 0.1, 0.3])
def test_the_nearest_allowed_pair_is_the_one_of_least_divergence(margin: float) -> None:
    def divergence(rate: float, other: float) -> float:
        return rate * math.log(rate / other) + (1 - rate) * math.log((1 - rate) / (1 - other))

    def cost(stable: float) -> float:
        return 20 * divergence(0.7, stable + margin) + 180 * divergence(0.1, stable)

    nearest = nearest_allowed(20, 0.7, 180, 0.1, margin)
    assert cost(nearest) <= min(cost(nearest - 1e-4), cost(nearest + 1e-4))


@pytest.mark.parametrize(
    ("rates", "margin"),
    [
        (lambda _: (0.3, 0.3), 0.0),
        (lambda _: (0.01, 0.01), 0.0),
        (lambda _: (0.2, 0.1), 0.1),
        (lambda look: (0.6, 0.6) if 10 < look < 30 else (0.02, 0.02), 0.0),
        (lambda look: (0.9, 0.9) if look > 20 else (0.1, 0.1), 0.1),
    ],
)
def test_a_canary_like_stable_is_blamed_no_more_often_than_promised(rates: Rates, margin: float) -> None:
    blamed = sum(found_after(rates, seed=seed, looks=50, margin=margin, chance=0.1) is not None for seed in range(60))
    assert blamed <= 60 * 0.1


@pytest.mark.parametrize(
    ("rates", "margin", "looks"),
    [
        (lambda _: (1.0, 0.3), 0.0, 6),
        (lambda _: (0.6, 0.2), 0.0, 12),
        (lambda _: (0.7, 0.1), 0.1, 10),
        (lambda look: (0.9 if look > 100 else 0.1, 0.1), 0.0, 108),
        (lambda look: (1.0, 0.4) if look > 20 else (0.01, 0.01), 0.0, 60),
    ],
)
def test_a_worse_canary_is_found(rates: Rates, margin: float, looks: int) -> None:
    found = [found_after(rates, seed=seed, looks=looks, margin=margin) for seed in range(20)]
    assert sum(look is not None for look in found) >= 18


def test_a_better_canary_is_never_blamed() -> None:
    assert all(found_after(lambda _: (0.05, 0.4), seed=seed, looks=50, chance=0.2) is None for seed in range(20))


def test_a_canary_within_the_margin_is_not_blamed_and_the_same_one_is_without() -> None:
    rates: Rates = lambda _: (0.28, 0.2)  # noqa: E731
    assert all(found_after(rates, seed=seed, looks=200, margin=0.1) is None for seed in range(5))
    assert all(found_after(rates, seed=seed, looks=2000) is not None for seed in range(3))


def test_without_stable_or_without_canary_there_is_no_evidence() -> None:
    test = WorseThanStable()
    test.add(Counts(0, 0, 500, 5))
    test.add(Counts(100, 100, 0, 0))
    test.add(Counts(0, 0, 100, 0))
    assert test.log_evidence == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.6])
def test_the_guesses_come_from_the_looks_before_alone_so_that_a_look_gains_nothing_on_average(rate: float) -> None:
    def capital(canary_bad: int, stable_bad: int) -> float:
        test = WorseThanStable()
        test.add(Counts(0, 0, 25, 1))
        test.add(Counts(4, canary_bad, 40, stable_bad))
        return math.exp(test.log_evidence)

    outcomes = itertools.product(range(5), range(41))
    average = sum(binomial_chance(4, a, rate) * binomial_chance(40, b, rate) * capital(a, b) for a, b in outcomes)
    assert average <= 1 + 1e-9


def test_a_long_good_past_does_not_hide_a_canary_that_an_outage_hits_harder() -> None:
    test = WorseThanStable()
    test.add(Counts(10**5, 10, 10**6, 100))
    for _ in range(12):
        test.add(Counts(20, 20, 180, 90))
    assert test.is_worse(0.01)


def test_bets_that_bring_nothing_leave_the_capital_as_it_was() -> None:
    test = WorseThanStable(margin=0.5)
    for _ in range(50):
        test.add(Counts(10, 10, 1000, 1000))  # no rate is half higher than stable's, so nothing can be won
    assert test.log_evidence == pytest.approx(0.0, abs=1e-9)


def test_nothing_is_wagered_before_stable_was_seen() -> None:
    test = WorseThanStable()
    test.add(Counts(1000, 1000, 1000, 0))
    assert test.log_evidence == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("block", [Counts(10**6, 10**6, 10**6, 0), Counts(10**6, 0, 10**6, 10**6)])
def test_millions_of_requests_leave_the_evidence_finite(block: Counts) -> None:
    for margin in (0.0, 0.1):
        test = WorseThanStable(margin)
        for _ in range(20):
            test.add(block)
            assert math.isfinite(test.log_evidence)
        for _ in range(3):
            test.add(Counts(10**6, 10**6, 10**6, 0))
        assert math.isfinite(test.log_evidence)


@pytest.mark.parametrize("margin", [-0.1, 1.0])
def test_a_margin_that_cannot_be_is_refused(margin: float) -> None:
    with pytest.raises(ValueError, match="allowed is 0 to below 1"):
        WorseThanStable(margin)
