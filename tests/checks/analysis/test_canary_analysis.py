"""A gate's verdict: bad canaries fail soon and with the reason, good ones pass, and what is not known does neither."""

from __future__ import annotations

import pytest

from checks.analysis.bounds import required_sample
from checks.analysis.canary_analysis import CanaryAnalysis
from checks.analysis.limits import Limits, StepDemand
from checks.analysis.tally import Tally
from checks.verdict import Kind
from tests.checks.analysis.gate_traffic import DOWN, Gate, Rates


def test_a_wholly_bad_canary_fails_at_the_first_look_with_numbers_limit_and_certainty() -> None:
    [found] = Gate().looks(5, DOWN)
    assert str(found.verdict) == (
        "FAIL: 20 of 20 requests to the canary ended with an error (100.0 %, limit 0.1 %; stable 0 of 180): "
        "chance of this with a good canary below 1 in 1,000,000,000"
    )
    assert found.verdict.numbers["errors_canary"] == 20


@pytest.mark.parametrize(("rate", "looks", "bad"), [(0.05, 3, 4), (0.01, 25, 8)])
def test_a_canary_with_some_errors_fails_within_the_goals(rate: float, looks: int, bad: int) -> None:
    found = Gate().looks(60, Rates(errors=rate))
    assert found[-1].verdict.kind is Kind.FAIL
    assert len(found) <= looks
    assert float(found[-1].verdict.numbers["errors_canary"]) <= bad


def test_a_canary_with_slow_requests_fails_by_the_limit_of_latency() -> None:
    found = Gate().looks(60, Rates(slow=0.1))[-1].verdict
    assert found.kind is Kind.FAIL
    assert "requests to the canary took longer than 0.5 s (10.0 %, limit 1 %; stable 0 of" in found.reason


def test_slow_requests_within_their_limit_do_not_fail_by_the_limit_of_errors() -> None:
    found = Gate(demand=StepDemand(0.1, rule_out_errors=0.001)).looks(250, Rates(slow=0.008))
    assert len(found) > 150
    assert found[-1].verdict.kind is Kind.PASS


def test_each_test_fails_a_canary_only_with_the_certainty_of_its_own_part() -> None:
    def verdict(requests: int, errors: int, slow: int) -> Kind:
        canary = Tally(requests, errors, {0.5: requests - slow})
        return CanaryAnalysis(Limits(), StepDemand(0.1)).look(canary, Tally()).verdict.kind

    # Two errors of 44 have evidence 132, of 50 they have 106: too little for the 1 in 125 of this part.
    assert (verdict(44, 2, 0), verdict(50, 2, 0)) == (Kind.FAIL, Kind.TOO_FEW)
    # Four slow ones of 14 have 1,069, of 20 they have 521: too little for 1 in 1,000.
    assert (verdict(14, 0, 4), verdict(20, 0, 4)) == (Kind.FAIL, Kind.TOO_FEW)


def test_a_good_canary_passes_with_the_first_look_that_has_enough_requests() -> None:
    found = Gate().looks(60)
    needed = required_sample(0.01, Limits().promote_level)
    assert [each.verdict.kind for each in found[:-1]] == [Kind.TOO_FEW] * (len(found) - 1)
    assert found[-1].verdict.kind is Kind.PASS
    assert 20 * (len(found) - 1) < needed <= 20 * len(found)
    assert "errors at most 0.98 % (to rule out 1 %)" in found[-1].verdict.reason


@pytest.mark.parametrize("demand", [StepDemand(0.1, rule_out_slow=0.005), StepDemand(0.1, rule_out_errors=0.005)])
def test_each_of_both_rates_has_to_be_ruled_out(demand: StepDemand) -> None:
    found = Gate(demand=demand).looks(100)
    assert 20 * len(found) >= required_sample(0.005, 0.05)
    assert found[-1].verdict.kind is Kind.PASS


def test_too_few_says_how_many_more_and_what_is_known_so_far() -> None:
    [found] = Gate().looks(1)
    assert found.verdict.reason == (
        "353 requests more to the canary without a fault are needed: errors at most 15.4 % (to rule out 1 %), "
        "slower than 0.5 s at most 15.4 % (to rule out 5 %), 95 % certain"
    )


def test_the_live_line_shows_both_sides_their_bounds_and_what_is_missing() -> None:
    found = Gate().looks(5, Rates(slow=0.004), Rates(errors=0.0006, slow=0.001))[-1]
    assert found.line == (
        "canary 100 requests, errors 0.00 % (at most 3.6 %, to rule out 1 %), slow 0.00 % (at most 3.6 %, to rule "
        "out 5 %); stable 900 requests, 0.11 %, 0.11 %; 273 requests to go"
    )


def test_the_live_line_says_why_latency_has_no_bound_before_the_pods_are_warm() -> None:
    found = CanaryAnalysis(Limits(), StepDemand(0.1)).look(Tally(100, 0, {0.5: 90}), Tally(), warm=False)
    assert "slow not judged before its pods are warm; stable no requests" in found.line


def test_a_canary_without_a_request_has_no_data_and_never_passes() -> None:
    found = Gate().looks(100, each=(0, 180))
    assert len(found) == 100
    assert {each.verdict.kind for each in found} == {Kind.NO_DATA}
    assert found[-1].verdict.reason == "the canary has answered no request yet (stable 18,000)"


# What the caller may not do.


def test_a_tally_that_goes_down_is_refused() -> None:
    analysis = CanaryAnalysis(Limits(), StepDemand(0.1))
    analysis.look(Tally(10, 1, {0.5: 10}), Tally(100, 0, {0.5: 100}))
    with pytest.raises(ValueError, match="the canary's tally went down, from 10 requests and 1 errors to 9 and 1"):
        analysis.look(Tally(9, 1, {0.5: 9}), Tally(100, 0, {0.5: 100}))
    with pytest.raises(ValueError, match="stable's tally went down"):
        analysis.look(Tally(10, 1, {0.5: 10}), Tally(99, 0, {0.5: 99}))


def test_an_error_that_is_counted_before_its_request_is_no_trouble() -> None:
    analysis = CanaryAnalysis(Limits(), StepDemand(0.1))
    assert analysis.look(Tally(0, 1), Tally(100, 0, {0.5: 100})).verdict.kind is Kind.NO_DATA
    assert analysis.look(Tally(1, 2, {0.5: 1}), Tally(200, 0, {0.5: 200})).verdict.numbers["errors_canary"] == 1


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_that_cannot_be_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="expected_share is"):
        CanaryAnalysis(Limits(), StepDemand(0.1)).look(Tally(), Tally(), expected_share=share)


@pytest.mark.parametrize("name", ["error_share", "slow_share", "false_abort", "promote_level", "slower_margin"])
@pytest.mark.parametrize("value", [0.0, 1.0, -1.0])
def test_a_limit_that_cannot_be_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        Limits(**{name: value})


def test_the_chances_of_the_three_tests_add_up_to_the_one_that_was_set() -> None:
    limits = Limits(false_abort=0.02)
    parts = limits.false_abort_for_errors + limits.false_abort_for_slow + limits.false_abort_for_slower
    assert parts == pytest.approx(0.02)
    assert min(limits.false_abort_for_errors, limits.false_abort_for_slow, limits.false_abort_for_slower) > 0


def test_the_numbers_hold_what_a_record_of_the_release_needs() -> None:
    numbers = Gate().looks(3, Rates(slow=0.05), Rates(errors=0.01))[-1].verdict.numbers
    assert numbers["canary_requests"] == 60
    assert numbers["stable_requests"] == 540
    assert numbers["errors_stable_share"] == pytest.approx(5 / 540)
    assert numbers["slow_canary"] == 3
    assert 0 < float(numbers["slow_at_least"]) < 0.05 < float(numbers["slow_at_most"]) < 0.2
    assert numbers["errors_to_rule_out"] == 0.01
    assert float(numbers["slow_evidence_above_limit"]) > 1 > float(numbers["errors_evidence_above_limit"])
    assert numbers["requests_to_go"] == 313
