"""A wait is bounded, tells what it waits for, and never passes on its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from checks.verdict import Kind, Verdict
from checks.waiting import Clock, wait_for_verdict
from tests.fake_time import FakeTime, Told

UNCERTAIN = (Kind.NO_DATA, Kind.TOO_FEW, Kind.UNREACHABLE)


def wait(
    look: Callable[[], Verdict], time: FakeTime, told: Told, *, timeout: float = 30, every: float = 0.5
) -> Verdict:
    return wait_for_verdict(
        look,
        waiting_for="the pods",
        timeout_seconds=timeout,
        interval_seconds=every,
        reporter=told.reporter,
        clock=time.clock,
    )


@pytest.mark.parametrize("kind", [Kind.PASS, Kind.FAIL])
def test_a_certain_verdict_ends_it_at_once(kind: Kind) -> None:
    time, told = FakeTime(), Told()
    verdict = Verdict(kind, "so it is")
    assert wait(lambda: verdict, time, told) is verdict
    assert time.slept == []
    assert told.live == told.lines == []


@pytest.mark.parametrize("kind", UNCERTAIN)
def test_time_that_runs_out_is_never_a_pass_and_says_so(kind: Kind) -> None:
    time = FakeTime()
    verdict = wait(lambda: Verdict(kind, "1 of 2 ready", {"wanted": 2}), time, Told(), timeout=30)
    assert verdict.kind is kind
    assert verdict.reason == "1 of 2 ready (gave up after 30 s)"
    assert verdict.numbers == {"wanted": 2}
    assert time.passed == 30


def test_the_last_look_is_the_one_that_counts() -> None:
    time, verdicts = FakeTime(), iter([Verdict(Kind.UNREACHABLE, "x"), Verdict(Kind.TOO_FEW, "y")])
    last = Verdict(Kind.PASS, "ready")
    assert wait(lambda: next(verdicts, last), time, Told()) is last
    assert time.slept == [0.5, 0.5]


def test_it_looks_once_more_when_time_is_up() -> None:
    time = FakeTime()
    verdict = wait(lambda: Verdict(Kind.PASS if time.passed >= 1 else Kind.TOO_FEW, "x"), time, Told(), timeout=1)
    assert verdict.kind is Kind.PASS


def test_it_never_sleeps_past_its_time() -> None:
    time = FakeTime()
    wait(lambda: Verdict(Kind.TOO_FEW, "x"), time, Told(), timeout=1.2, every=5)
    assert time.slept == [pytest.approx(1.2)]


def test_a_slow_look_cannot_make_it_endless() -> None:
    time = FakeTime()

    def look() -> Verdict:
        time.seconds += 7
        return Verdict(Kind.UNREACHABLE, "timed out")

    wait(look, time, Told(), timeout=20)
    assert time.passed <= 20 + 7


def test_a_wait_is_shown_when_its_reason_changes_and_every_five_seconds() -> None:
    time, told = FakeTime(), Told()
    reasons = iter(["1 of 2 ready"] * 12 + ["2 of 2 ready"] * 50)
    wait(lambda: Verdict(Kind.TOO_FEW, next(reasons)), time, told, timeout=18, every=1)
    assert [line.split(",")[1] for line in told.live] == [
        *[f" {n} of at most 18 s: 1 of 2 ready" for n in (0, 5, 10)],
        *[f" {n} of at most 18 s: 2 of 2 ready" for n in (12, 17)],
    ]


def test_only_pass_and_fail_are_certain() -> None:
    assert {kind for kind in Kind if Verdict(kind, "").certain} == {Kind.PASS, Kind.FAIL}


def test_the_real_clock_does_not_go_back_when_somebody_sets_it() -> None:
    clock = Clock()
    assert clock.now.__name__ == "monotonic"
