"""The two parts into which a point cuts the beta integral, as logarithms.

In logarithms throughout, because with a million requests the parts themselves are far below the smallest float. The
continued fraction is the usual one (Abramowitz and Stegun 26.5.8, DLMF 8.17.22), evaluated by Lentz's method.
"""

from __future__ import annotations

import math

_ENOUGH = 1e-14
_TINY = 1e-300
_MOST_TERMS = 100_000


def log_beta(a: float, b: float) -> float:
    """Return the logarithm of the beta function of `a` and `b` (both above 0)."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def log_beta_below(x: float, a: float, b: float) -> float:
    """Return the logarithm of the integral of t^(a-1) (1-t)^(b-1) for t from 0 to `x`, with 0 < x < 1."""
    if x < (a + 1) / (a + b + 2):
        return _log_tail(math.log(x), math.log1p(-x), x, a, b)
    return _rest(log_beta(a, b), _log_tail(math.log1p(-x), math.log(x), 1 - x, b, a))


def log_beta_above(x: float, a: float, b: float) -> float:
    """Return the logarithm of the same integral for t from `x` to 1, with 0 < x < 1."""
    if x < (a + 1) / (a + b + 2):
        return _rest(log_beta(a, b), _log_tail(math.log(x), math.log1p(-x), x, a, b))
    return _log_tail(math.log1p(-x), math.log(x), 1 - x, b, a)


def _rest(log_whole: float, log_part: float) -> float:
    return log_whole + math.log1p(-math.exp(min(log_part - log_whole, -1e-15)))


def _log_tail(log_x: float, log_rest: float, x: float, a: float, b: float) -> float:
    return a * log_x + b * log_rest - math.log(a) + math.log(_fraction(x, a, b))


def _fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction; it converges fast where x < (a + 1) / (a + b + 2)."""
    c, d = 1.0, 1.0 / (1.0 - (a + b) * x / (a + 1.0) or _TINY)
    value = d
    for m in range(1, _MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        d = 1.0 / (1.0 + even * d or _TINY)
        c = 1.0 + even / c or _TINY
        value *= c * d
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        d = 1.0 / (1.0 + odd * d or _TINY)
        c = 1.0 + odd / c or _TINY
        step = c * d
        value *= step
        if abs(step - 1.0) < _ENOUGH:
            return value
    raise ArithmeticError(f"the incomplete beta function does not converge at x={x}, a={a}, b={b}")
