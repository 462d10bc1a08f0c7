"""Stable beside the canary: what fails for both is not the canary's fault, and its share of the traffic is checked."""

from __future__ import annotations

import pytest

from checks.analysis.canary_analysis import CanaryAnalysis
from checks.analysis.limits import Limits, StepDemand
from checks.analysis.tally import Tally
from checks.verdict import Kind
from tests.checks.analysis.gate_traffic import DOWN, GOOD, Gate, Rates

# A backend that fails for everybody.


@pytest.mark.parametrize("rate", [1.0, 0.3, 0.05])
@pytest.mark.parametrize("good_looks", [1, 15])
def test_an_outage_of_both_does_not_fail_the_canary_and_does_not_promote_it(rate: float, good_looks: int) -> None:
    gate = Gate(demand=StepDemand(0.1, rule_out_errors=0.005))
    gate.looks(good_looks)
    found = gate.looks(60, Rates(errors=rate), Rates(errors=rate))
    assert {each.verdict.kind for each in found} == {Kind.TOO_FEW}
    assert "but stable shows the same" in found[-1].verdict.reason


def test_slow_requests_of_both_do_not_fail_the_canary() -> None:
    found = Gate().looks(60, Rates(slow=0.2), Rates(slow=0.2))
    assert {each.verdict.kind for each in found} == {Kind.TOO_FEW}
    assert found[-1].verdict.reason.startswith("slower than 0.5 s: the canary is above the limit of 1 %")


def test_a_canary_worse_than_a_failing_stable_fails_and_the_reason_shows_both() -> None:
    found = Gate().looks(20, Rates(errors=0.9), Rates(errors=0.3))
    assert found[-1].verdict.kind is Kind.FAIL
    assert "of stable's" in found[-1].verdict.reason
    _, odds = found[-1].verdict.reason.split(
        "but the canary is worse: chance of this with a canary no worse than stable below 1 in "
    )
    assert 125 <= int(odds.replace(",", "")) <= float(found[-1].verdict.numbers["errors_evidence_worse_than_stable"])


def test_a_canary_better_than_a_failing_stable_never_fails() -> None:
    assert {each.verdict.kind for each in Gate().looks(60, Rates(errors=0.1), DOWN)} == {Kind.TOO_FEW}


def test_a_canary_that_fails_alone_after_an_outage_of_both_fails() -> None:
    gate = Gate(demand=StepDemand(0.1, rule_out_errors=0.001))
    gate.looks(10, DOWN, DOWN)
    assert gate.looks(20, DOWN, GOOD)[-1].verdict.kind is Kind.FAIL


def test_once_stable_is_gone_an_outage_before_excuses_only_what_was_before() -> None:
    gate = Gate(demand=StepDemand(0.1, rule_out_errors=0.001))
    gate.looks(10, DOWN, DOWN)
    alone = gate.looks(60, GOOD, each=(200, 0), expected_share=1.0)
    assert Kind.FAIL not in {each.verdict.kind for each in alone}
    assert gate.looks(5, DOWN, each=(200, 0), expected_share=1.0)[-1].verdict.kind is Kind.FAIL


def test_stable_without_a_request_for_some_looks_of_an_outage_does_not_put_the_blame_on_the_canary() -> None:
    gate = Gate()
    gate.looks(10, DOWN, DOWN)
    assert Kind.FAIL not in {each.verdict.kind for each in gate.looks(5, DOWN, each=(20, 0))}


def test_an_outage_after_good_minutes_is_seen_in_the_little_traffic_that_stable_still_has() -> None:
    gate = Gate(demand=StepDemand(0.9, rule_out_errors=0.0005))
    gate.looks(40, each=(180, 20))
    found = gate.looks(20, Rates(errors=0.05), Rates(errors=0.05), each=(180, 20))
    assert {each.verdict.kind for each in found} == {Kind.TOO_FEW}


# No old pod left.


def test_without_stable_the_limit_alone_decides() -> None:
    def last_step() -> Gate:
        return Gate(demand=StepDemand(1.0))

    assert last_step().looks(60, each=(20, 0))[-1].verdict.kind is Kind.PASS
    failed = last_step().looks(60, Rates(errors=0.05), each=(20, 0))[-1].verdict
    assert failed.kind is Kind.FAIL
    assert "stable had no requests" in failed.reason


def test_a_stable_that_stops_answering_does_not_stop_the_judgement() -> None:
    gate = Gate()
    gate.looks(5)
    assert gate.looks(60, each=(200, 0), expected_share=1.0)[-1].verdict.kind is Kind.PASS


# The share of the traffic.


def test_a_canary_with_too_little_of_the_traffic_is_not_promoted_however_good() -> None:
    found = Gate().looks(800, each=(0.72, 180))
    assert found[-1].verdict.kind is Kind.NO_DATA
    assert "the canary gets only 0.4" in found[-1].verdict.reason
    assert "of the requests where 10 % were asked for" in found[-1].verdict.reason
    assert found[-1].line.endswith("enough requests")


@pytest.mark.parametrize("each", [(180, 20), (20, 0)])
def test_a_canary_with_too_much_of_the_traffic_is_not_promoted(each: tuple[int, int]) -> None:
    found = Gate().looks(100, each=each)
    assert {each.verdict.kind for each in found[10:]} == {Kind.NO_DATA}
    assert "the canary gets as much as" in found[-1].verdict.reason


def test_a_bad_canary_fails_whatever_its_share() -> None:
    gate = Gate()
    gate.looks(20, each=(0.72, 180))
    assert gate.looks(20, DOWN, each=(0.72, 180))[-1].verdict.kind is Kind.FAIL


def test_a_share_that_is_not_known_yet_does_not_promote() -> None:
    found = Gate(demand=StepDemand(0.1, 0.5, 0.5)).looks(3)
    assert {each.verdict.kind for each in found} == {Kind.TOO_FEW}
    assert "too few requests to tell the canary's share" in found[-1].verdict.reason


def test_the_expected_share_follows_an_autoscaler() -> None:
    gate = Gate(demand=StepDemand(0.1, rule_out_errors=0.003))
    gate.looks(20)
    found = gate.looks(60, each=(20, 20), expected_share=0.5)
    assert Kind.NO_DATA not in {each.verdict.kind for each in found}
    assert found[-1].verdict.kind is Kind.PASS


def test_stable_alone_before_the_first_canary_pod_is_ready_is_no_share() -> None:
    gate = Gate()
    gate.looks(30, each=(0, 180))
    assert gate.looks(60)[-1].verdict.kind is Kind.PASS
    assert Kind.NO_DATA not in {each.verdict.kind for each in gate.looks(5)}


# Latency beside stable's.


def test_a_canary_slower_than_stable_but_within_the_limit_fails() -> None:
    found = Gate().looks(60, Rates(beyond_quick=0.6), Rates(beyond_quick=0.05))
    assert found[-1].verdict.kind is Kind.FAIL
    assert len(found) <= 5
    assert "requests to the canary took longer than 0.1 s (60.0 %), and of stable's at the same time" in (
        found[-1].verdict.reason
    )
    assert "(5.0 %; 10 points more are tolerated)" in found[-1].verdict.reason


def test_a_canary_that_is_slower_by_less_than_the_margin_passes() -> None:
    demand = StepDemand(0.1, rule_out_errors=0.001)
    found = Gate(demand=demand).looks(250, Rates(beyond_quick=0.12), Rates(beyond_quick=0.05))
    assert found[-1].verdict.kind is Kind.PASS


def test_a_latency_that_rises_for_both_at_once_does_not_fail() -> None:
    gate = Gate(demand=StepDemand(0.1, rule_out_errors=0.003))
    gate.looks(5, Rates(beyond_quick=0.05), Rates(beyond_quick=0.05))
    assert gate.looks(100, Rates(beyond_quick=0.9), Rates(beyond_quick=0.9))[-1].verdict.kind is Kind.PASS


def test_without_a_bucket_at_the_limit_nothing_is_promoted_but_errors_still_fail() -> None:
    def look(errors: int) -> Kind:
        analysis = CanaryAnalysis(Limits(slow_seconds=0.3), StepDemand(1.0))
        found = analysis.look(Tally(5000, errors, {0.1: 5000, 0.5: 5000}), Tally()).verdict
        if found.kind is Kind.NO_DATA:
            assert "no bucket that ends at 0.3 s (the canary's: 0.1, 0.5)" in found.reason
        return found.kind

    assert look(errors=0) is Kind.NO_DATA
    assert look(errors=500) is Kind.FAIL
