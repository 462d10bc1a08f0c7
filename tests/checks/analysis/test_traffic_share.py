"""A canary that gets far less or far more than its share is noticed, chance is not mistaken for it."""

from __future__ import annotations

import random

import pytest

from checks.analysis.traffic_share import Share, ShareFinding, TrafficShare


def watched(
    shares: list[float], expected: float, *, a_look: int = 200, seed: int = 1, traffic: TrafficShare | None = None
) -> list[ShareFinding]:
    """Return each look's finding, where each request of a look goes to the canary with that look's share."""
    dice = random.Random(seed)  # noqa: S311
    traffic = traffic or TrafficShare()
    found = []
    for share in shares:
        canary = sum(dice.random() < share for _ in range(a_look))
        found.append(traffic.look(canary, a_look - canary, expected))
    return found


@pytest.mark.parametrize("expected", [0.05, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("a_look", [20, 200])
def test_chance_alone_never_makes_it_flap_in_five_minutes(expected: float, a_look: int) -> None:
    found = watched([expected] * 300, expected, a_look=a_look)
    assert {each.share for each in found} <= {Share.UNKNOWN, Share.AS_ASKED}
    assert found[-1].share is Share.AS_ASKED


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [1 / 19, 2 / 11])
def test_not_even_a_share_at_the_edge_of_what_is_tolerated_flaps(share: float, seed: int) -> None:
    assert {each.share for each in watched([share] * 200, 0.1, seed=seed)} <= {Share.UNKNOWN, Share.AS_ASKED}


def test_a_share_somewhat_off_is_tolerated() -> None:
    assert {each.share for each in watched([0.07] * 100, 0.1)[20:]} == {Share.AS_ASKED}
    assert {each.share for each in watched([0.15] * 100, 0.1)[20:]} == {Share.AS_ASKED}


@pytest.mark.parametrize(
    ("share", "expected", "says"),
    [
        (0.004, 0.1, Share.TOO_LITTLE),
        (0.0, 0.5, Share.TOO_LITTLE),
        (0.4, 0.1, Share.TOO_MUCH),
        (1.0, 0.1, Share.TOO_MUCH),
        (0.9, 0.5, Share.TOO_MUCH),
        (0.6, 0.9, Share.TOO_LITTLE),
    ],
)
def test_a_share_of_another_size_is_noticed_within_ten_looks_and_stays_so(
    share: float, expected: float, says: Share
) -> None:
    assert {each.share for each in watched([share] * 60, expected)[9:]} == {says}


def test_the_finding_names_what_was_seen_and_asked() -> None:
    found = watched([0.0] * 10, 0.1)[-1]
    assert (found.share, found.observed, found.requests) == (Share.TOO_LITTLE, 0.0, 2000)
    assert found.expected == pytest.approx(0.1)


def test_it_is_not_judged_before_there_are_enough_requests() -> None:
    found = watched([0.1] * 40, 0.1, a_look=20)
    # 50 requests to the canary are to be expected among 500.
    assert [each.share for each in found[:24]] == [Share.UNKNOWN] * 24
    assert found[24].share is Share.AS_ASKED


def test_a_canary_that_loses_its_traffic_is_noticed_and_one_that_gets_it_back_is_forgiven() -> None:
    traffic = TrafficShare()
    assert watched([0.1] * 300, 0.1, traffic=traffic)[-1].share is Share.AS_ASKED
    assert watched([0.0] * 10, 0.1, traffic=traffic)[-1].share is Share.TOO_LITTLE
    assert watched([0.1] * 20, 0.1, traffic=traffic)[-1].share is Share.AS_ASKED


def test_a_change_of_the_expected_share_is_judged_by_what_was_expected_when() -> None:
    traffic = TrafficShare()
    watched([0.1] * 12, 0.1, traffic=traffic)
    assert {each.share for each in watched([0.5] * 12, 0.5, traffic=traffic)} == {Share.AS_ASKED}
    assert watched([0.1] * 12, 0.5, traffic=traffic)[-1].share is Share.TOO_LITTLE


def test_without_stable_pods_there_is_nothing_to_compare_and_without_canary_pods_nothing_known() -> None:
    traffic = TrafficShare()
    assert traffic.look(100, 0, 1.0).share is Share.NOTHING_TO_COMPARE
    assert traffic.look(100, 0, 0.0).share is Share.UNKNOWN


def test_what_was_before_a_time_without_canary_pods_is_forgotten() -> None:
    traffic = TrafficShare()
    assert watched([0.0] * 10, 0.1, traffic=traffic)[-1].share is Share.TOO_LITTLE
    traffic.look(0, 200, 0.0)
    assert watched([0.1], 0.1, traffic=traffic)[-1].share is Share.UNKNOWN


def test_no_requests_at_all_tell_nothing() -> None:
    assert TrafficShare().look(0, 0, 0.1) == ShareFinding(Share.UNKNOWN, expected=0.1)
