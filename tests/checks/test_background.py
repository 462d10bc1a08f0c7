"""A loop that asks a slow look never waits for it, and never takes an old answer for a new one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from checks import background
from checks.background import Background
from checks.reader import Unreachable
from checks.verdict import Kind, Verdict
from tests.fake_time import FakeTime

PASS, FAIL = Verdict(Kind.PASS, "quiet", {"firing": 0}, "the query"), Verdict(Kind.FAIL, "an alert fires")
PATIENCE_SECONDS = 5.0


def made(look: Callable[[], Verdict], fake: FakeTime, *, interval_seconds: float = 60) -> Background:
    return Background(look, name="Prometheus", interval_seconds=interval_seconds, fresh_seconds=10, clock=fake.clock)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.002)


def answered(it: Background, kind: Kind) -> Callable[[], bool]:
    return lambda: it.latest().kind is kind


@pytest.mark.parametrize("verdict", [PASS, FAIL])
def test_a_fresh_answer_counts_whatever_it_is(verdict: Verdict) -> None:
    fake = FakeTime()
    with made(lambda: verdict, fake) as it:
        until(answered(it, verdict.kind))
        fake.seconds += 10
        assert it.latest() == verdict


@pytest.mark.parametrize("verdict", [PASS, FAIL])
def test_an_old_answer_counts_no_more(verdict: Verdict) -> None:
    fake = FakeTime()
    with made(lambda: verdict, fake) as it:
        until(answered(it, verdict.kind))
        fake.seconds += 12
        old = it.latest()
    assert old.kind is Kind.UNREACHABLE
    assert old.reason == f"Prometheus has not answered for 12 s; the last answer was {verdict}"
    assert old.query == verdict.query


def test_a_look_that_hangs_is_not_waited_for() -> None:
    fake, go = FakeTime(), threading.Event()
    with made(lambda: PASS if go.wait(PATIENCE_SECONDS) else FAIL, fake) as it:
        assert it.latest() == Verdict(Kind.UNREACHABLE, "Prometheus has not answered yet, for 0 s")
        fake.seconds += 7
        assert it.latest().reason == "Prometheus has not answered yet, for 7 s"
        go.set()
        until(answered(it, Kind.PASS))


def test_it_looks_again_and_again_and_the_last_answer_counts() -> None:
    answers = [PASS, PASS, FAIL]
    with made(lambda: answers.pop(0) if len(answers) > 1 else answers[0], FakeTime(), interval_seconds=0.001) as it:
        until(answered(it, Kind.FAIL))


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (Unreachable("Prometheus at http://x answered 503"), "gives no answer: Prometheus at http://x answered 503"),
        (KeyError(), "Prometheus gives no answer: KeyError"),
    ],
)
def test_an_exception_is_unreachable_and_the_next_look_is_made_all_the_same(error: Exception, says: str) -> None:
    broken = threading.Event()
    broken.set()

    def look() -> Verdict:
        if broken.is_set():
            raise error
        return PASS

    with made(look, FakeTime(), interval_seconds=0.001) as it:
        until(lambda: "not answered yet" not in it.latest().reason)
        assert it.latest().kind is Kind.UNREACHABLE
        assert says in it.latest().reason
        broken.clear()
        until(answered(it, Kind.PASS))


def test_it_ends_at_once_between_two_looks() -> None:
    with made(lambda: PASS, FakeTime(), interval_seconds=3600) as it:
        until(answered(it, Kind.PASS))
        assert it.stop()
        assert it.stop(), "stopping twice is fine"


def test_stopping_does_not_wait_for_a_look_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "STOP_SECONDS", 0.05)
    go = threading.Event()
    with made(lambda: PASS if go.wait(PATIENCE_SECONDS) else FAIL, FakeTime()) as it:
        began = time.monotonic()
        assert not it.stop()
        assert time.monotonic() - began < 2
        go.set()
        until(it.stop)


def test_leaving_waits_for_nothing_as_a_rollback_may_follow() -> None:
    go = threading.Event()
    with made(lambda: PASS if go.wait(PATIENCE_SECONDS) else FAIL, FakeTime()) as it:
        began = time.monotonic()
    assert time.monotonic() - began < background.STOP_SECONDS / 2
    go.set()
    until(it.stop)


def test_nothing_is_asked_before_it_is_entered_nor_after_it_is_left() -> None:
    asked: list[int] = []

    def look() -> Verdict:
        asked.append(1)
        return PASS

    it = made(look, FakeTime(), interval_seconds=0.001)
    assert it.latest().kind is Kind.UNREACHABLE
    assert asked == []
    with it:
        until(lambda: len(asked) > 1)
    until(it.stop)
    count = len(asked)
    time.sleep(0.02)
    assert len(asked) == count
    assert it.stop()
