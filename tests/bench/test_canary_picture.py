"""The picture of how a step decides is what the gate's own tests say, and its file is as it is drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.canary_picture import FILE, RULE_OUT, Ended, most_bad_to_promote, picture, simulate
from bench.canary_simulation import CANARY_A_LOOK
from checks.analysis.bounds import required_sample, rules_out
from checks.analysis.limits import Limits

ROOT = Path(__file__).resolve().parents[2]
LIMITS = Limits()


@pytest.fixture(scope="module")
def ended() -> dict[float, Ended]:
    return {each.rate: each for each in simulate(LIMITS, runs=500)}


def test_the_file_is_as_it_is_drawn() -> None:
    drawn = picture()
    assert (ROOT / FILE).read_text(encoding="utf-8") == drawn, "run: make canary-picture"


def test_the_line_of_promotion_is_that_of_the_test_that_promotes() -> None:
    most = most_bad_to_promote(LIMITS)
    assert most[0] == -1
    first = next(look for look, bad in enumerate(most, 1) if bad >= 0)
    assert (first - 1) * CANARY_A_LOOK < required_sample(RULE_OUT, LIMITS.promote_level) <= first * CANARY_A_LOOK
    requests = len(most) * CANARY_A_LOOK
    assert rules_out(requests, int(most[-1]), RULE_OUT, LIMITS.promote_level)
    assert not rules_out(requests, int(most[-1]) + 1, RULE_OUT, LIMITS.promote_level)


def test_good_canaries_are_promoted_and_bad_ones_taken_back(ended: dict[float, Ended]) -> None:
    assert ended[0.0].share(ended[0.0].promoted) == 1
    assert ended[0.001].share(ended[0.001].failed) <= 0.01
    assert ended[0.05].share(ended[0.05].failed) == 1
    assert ended[1.0].requests(ended[1.0].failed) == CANARY_A_LOOK


def test_at_the_rate_to_rule_out_no_more_are_promoted_than_was_promised(ended: dict[float, Ended]) -> None:
    assert ended[RULE_OUT].share(ended[RULE_OUT].promoted) <= LIMITS.promote_level
