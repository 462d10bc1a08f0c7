"""The simulation lets the product's own test decide, and shows what it promises."""

from __future__ import annotations

import numpy as np
import pytest

from bench.canary_simulation import CANARY_A_LOOK, Row, boundary, fixed_window, mann_whitney, run
from checks.analysis.limit_test import is_above
from checks.analysis.limits import Limits


@pytest.fixture(scope="module")
def rows() -> dict[tuple[str, float], Row]:
    return {(row.rule, row.rate): row for row in run(runs=60)}


def test_the_boundary_is_the_products() -> None:
    limits = Limits()
    for look, bad in enumerate(boundary(limits, looks=50), start=1):
        requests = look * CANARY_A_LOOK
        assert is_above(requests, int(bad), limits.error_share, limits.false_abort_for_errors)
        assert not is_above(requests, int(bad) - 1, limits.error_share, limits.false_abort_for_errors)


def test_good_canaries_live_and_bad_ones_do_not(rows: dict[tuple[str, float], Row]) -> None:
    assert rows["this test", 0.0].aborted == 0
    assert rows["this test", 0.0005].aborted <= 1
    assert rows["this test", 0.01].aborted == 60
    assert (rows["this test", 1.0].median_seconds, rows["this test", 1.0].median_bad) == (1, 20)
    assert rows["threshold, last 5 s", 0.001].aborted >= 55


def test_the_same_seed_gives_the_same_rows() -> None:
    assert run(runs=2, seed=7) == run(runs=2, seed=7) != run(runs=2, seed=8)


def test_the_window_forgets_what_is_older_than_five_looks() -> None:
    canary = np.zeros((1, 12), dtype=np.int32)
    canary[0, 4] = 1
    first_above_one_percent_of_five_looks = fixed_window(canary, canary, limit=0.009)
    assert first_above_one_percent_of_five_looks.tolist() == [4]
    canary[0, 4:10:5] = 1
    assert fixed_window(canary, canary, limit=0.011).tolist() == [-1]


def test_mann_whitney_agrees_with_the_formula_counted_by_hand() -> None:
    # Four seconds of each, all of the canary's above all of stable's and without ties: U = 16, mean 8, variance 12, so
    # z = 7.5 / sqrt(12) = 2.17 is not enough; five: U = 25, mean 12.5, variance 22.9, z = 12 / 4.79 = 2.51 is.
    canary = np.array([[11, 12, 13, 14, 15, 16]], dtype=np.int32)
    stable = np.array([[1, 2, 3, 4, 5, 6]], dtype=np.int32)
    assert mann_whitney(canary, stable).tolist() == [4]
    # Stable's errors are of nine times the requests: 9 x 11 = 99 is the same rate, and no evidence.
    assert mann_whitney(canary, canary * 9).tolist() == [-1]
