"""A canary that is slower than stable at the same moment is found although it is within the limit."""

from __future__ import annotations

import random
from collections.abc import Callable

from checks.analysis.relative_latency import SlowerFinding, SlowerThanStable
from checks.analysis.tally import Tally

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
Median = Callable[[int], float]


def answered(before: Tally, dice: random.Random, requests: int, median: float) -> Tally:
    took = [dice.lognormvariate(0, 0.5) * median for _ in range(requests)]
    return before + Tally(requests, 0, {bound: sum(each <= bound for each in took) for bound in BUCKETS})


def looks(canary: Median, stable: Median, *, seed: int, count: int) -> list[SlowerFinding]:
    """Return the findings of so many looks, with 20 and 60 requests of these median seconds before each."""
    dice, test = random.Random(seed), SlowerThanStable(margin=0.1, false_abort=0.01)  # noqa: S311
    ours, theirs = Tally(0, 0, dict.fromkeys(BUCKETS, 0)), Tally(0, 0, dict.fromkeys(BUCKETS, 0))
    found = []
    for look in range(count):
        ours, theirs = answered(ours, dice, 20, canary(look)), answered(theirs, dice, 60, stable(look))
        found.append(test.look(ours, theirs))
    return found


def failed(canary: Median, stable: Median, *, count: int, gates: int) -> int:
    return sum(any(each.failed for each in looks(canary, stable, seed=seed, count=count)) for seed in range(gates))


def test_a_latency_twice_as_long_is_found_within_seconds() -> None:
    assert failed(lambda _: 0.08, lambda _: 0.04, count=15, gates=10) == 10


def test_the_same_latency_never_fails() -> None:
    assert failed(lambda _: 0.04, lambda _: 0.04, count=60, gates=10) == 0


def test_a_wave_of_slow_requests_that_hits_both_never_fails() -> None:
    wave: Median = lambda look: 0.2 if look > 10 else 0.04  # noqa: E731
    assert failed(wave, wave, count=60, gates=10) == 0


def test_a_faster_canary_never_fails() -> None:
    assert failed(lambda _: 0.02, lambda _: 0.04, count=40, gates=5) == 0


def test_the_bound_is_the_smallest_that_few_of_stables_requests_exceed() -> None:
    test = SlowerThanStable(margin=0.1, false_abort=0.01)
    canary = Tally(50, 0, {0.05: 0, 0.1: 0, 0.25: 0, 0.5: 50})
    few = Tally(99, 0, {0.05: 99, 0.1: 99, 0.25: 99, 0.5: 99})
    assert test.look(canary, few).bound_seconds is None
    assert test.look(canary, Tally(100, 0, {0.05: 79, 0.1: 80, 0.25: 99, 0.5: 100})).bound_seconds == 0.1


def test_requests_before_the_bound_was_chosen_are_not_compared() -> None:
    test = SlowerThanStable(margin=0.1, false_abort=0.01)
    stable = Tally(1000, 0, {0.05: 1000})
    assert test.look(Tally(1000, 0, {0.05: 0}), stable).log_evidence == 0
    found = test.look(Tally(1010, 0, {0.05: 10}), stable + Tally(90, 0, {0.05: 90}))
    assert (found.counts.canary_requests, found.counts.canary_bad) == (10, 0)
    assert (found.counts.stable_requests, found.counts.stable_bad) == (90, 0)
    assert not found.failed


def test_histograms_without_a_common_bucket_are_not_compared() -> None:
    test = SlowerThanStable(margin=0.1, false_abort=0.01)
    for look in range(1, 20):
        found = test.look(Tally(100 * look, 0, {0.03: 0}), Tally(100 * look, 0, {0.05: 100 * look}))
        assert (found.bound_seconds, found.failed) == (None, False)


def test_a_slow_request_that_shows_a_look_before_its_count_waits_for_it() -> None:
    test = SlowerThanStable(margin=0.1, false_abort=0.01)
    test.look(Tally(100, 0, {0.05: 100}), Tally(500, 0, {0.05: 500}))
    # The bucket was read before the last ten requests were added to it: ten seem slow, and a look later are not.
    test.look(Tally(120, 0, {0.05: 110}), Tally(600, 0, {0.05: 600}))
    found = test.look(Tally(120, 0, {0.05: 120}), Tally(700, 0, {0.05: 700}))
    assert found.counts.canary_bad == 10
    found = test.look(Tally(200, 0, {0.05: 170}), Tally(800, 0, {0.05: 800}))
    assert (found.counts.canary_requests, found.counts.canary_bad) == (100, 30)
