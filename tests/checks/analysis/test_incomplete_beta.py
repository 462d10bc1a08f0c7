"""The beta integral's two parts are right where they can be known exactly, and finite where floats end."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from checks.analysis.incomplete_beta import log_beta, log_beta_above, log_beta_below


@pytest.mark.parametrize(("a", "b"), [(1, 1), (1, 20), (3, 2), (2, 98), (40, 40), (60, 3)])
@pytest.mark.parametrize("x", [0.001, 0.01, 0.3, 0.5, 0.9, 0.999])
def test_whole_parameters_give_the_binomial_tail(a: int, b: int, x: float) -> None:
    p, n = Fraction(x), a + b - 1
    tail = sum((math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(a, n + 1)), Fraction(0))

    def log(value: Fraction) -> float:
        return math.log(value.numerator) - math.log(value.denominator)

    assert log_beta_below(x, a, b) - log_beta(a, b) == pytest.approx(log(tail), rel=1e-9, abs=1e-10)
    assert log_beta_above(x, a, b) - log_beta(a, b) == pytest.approx(log(1 - tail), rel=1e-9, abs=1e-10)


@pytest.mark.parametrize(("a", "b"), [(0.5, 20.0), (3.5, 417.0), (20.5, 20.0)])
@pytest.mark.parametrize("x", [0.001, 0.01, 0.2])
def test_half_parameters_give_the_area_under_the_curve(a: float, b: float, x: float) -> None:
    steps = 50_000  # of t = u^2, which takes away the pole at 0
    top = math.sqrt(x)
    area = sum(
        2 * u ** (2 * a - 1) * (1 - u * u) ** (b - 1) for u in (top * (step + 0.5) / steps for step in range(steps))
    )
    assert log_beta_below(x, a, b) == pytest.approx(math.log(area * top / steps), abs=1e-6)


@pytest.mark.parametrize("a", [0.5, 1e3, 1e7])
@pytest.mark.parametrize("b", [20.0, 1e3, 1e7])
@pytest.mark.parametrize("x", [1e-9, 0.001, 0.5, 1 - 1e-9])
def test_both_parts_stay_finite_and_make_the_whole(a: float, b: float, x: float) -> None:
    whole, below, above = log_beta(a, b), log_beta_below(x, a, b), log_beta_above(x, a, b)
    assert math.isfinite(below)
    assert math.isfinite(above)
    assert math.exp(below - whole) + math.exp(above - whole) == pytest.approx(1.0, abs=1e-6)
