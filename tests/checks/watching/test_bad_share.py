"""Too many bad requests fail a release within minutes, whenever it turns bad, and a moment of them never does."""

from __future__ import annotations

import random

import pytest

from checks.verdict import Kind, Verdict
from checks.watching.bad_share import BadShare

LOOK_SECONDS = 5.0
PER_LOOK = 100


class Stream:
    """A release that answers 20 requests a second, of which a share is bad from one moment on."""

    def __init__(self, seed: int = 1, *, limit: float = 0.001) -> None:
        self.judge = BadShare("ended with an error", limit, 0.01, 60, 3600)
        self.at, self.requests, self.bad = 0.0, 0, 0
        self._random = random.Random(seed)  # noqa: S311 - the same requests in each run
        self.judge.look(0.0, 0, 0)

    def go_on(self, seconds: float, share: float, *, per_look: int = PER_LOOK) -> Verdict:
        """Return the last verdict, or the first that is a FAIL."""
        found = Verdict(Kind.NO_DATA, "")
        for _ in range(round(seconds / LOOK_SECONDS)):
            self.at += LOOK_SECONDS
            self.requests += per_look
            self.bad += sum(self._random.random() < share for _ in range(per_look)) if share else 0
            found = self.judge.look(self.at, self.requests, self.bad)
            if found.kind is Kind.FAIL:
                break
        return found


@pytest.mark.parametrize("good_minutes", [0, 5, 50])
@pytest.mark.parametrize(("share", "within_seconds"), [(1.0, 75), (0.05, 90), (0.01, 180)])
def test_a_release_that_turns_bad_fails_soon_whenever_it_does(
    good_minutes: int, share: float, within_seconds: float
) -> None:
    stream = Stream()
    stream.go_on(60 * good_minutes, 0)
    turned = stream.at
    assert stream.go_on(600, share).kind is Kind.FAIL
    assert stream.at - turned <= within_seconds


@pytest.mark.parametrize("seconds", [5, 30, 55])
def test_a_burst_that_passes_within_a_minute_fails_nothing(seconds: float) -> None:
    stream = Stream()
    stream.go_on(600, 0)
    during = stream.go_on(seconds, 1.0)
    assert during.kind is Kind.TOO_FEW
    assert "not for longer than 60 s" in during.reason
    assert stream.go_on(3000, 0).kind is Kind.PASS


def test_a_release_at_the_limit_is_left_alone_for_the_hour() -> None:
    for seed in range(20):
        assert Stream(seed).go_on(3600, 0.0008).kind is not Kind.FAIL


def test_one_error_among_few_requests_is_chance() -> None:
    stream = Stream()
    stream.requests, stream.bad, stream.at = 30, 1, 5.0
    assert stream.judge.look(5.0, 30, 1).kind is Kind.TOO_FEW


def test_without_requests_nothing_is_known() -> None:
    stream = Stream()
    stream.go_on(60, 0)
    found = stream.go_on(120, 0, per_look=0)
    assert (found.kind, found.reason) == (Kind.NO_DATA, "no request was answered for 60 s")


def test_bursts_that_come_again_and_pass_fail_nothing() -> None:
    stream = Stream()
    for _ in range(5):
        assert stream.go_on(300, 0).kind is Kind.PASS
        assert stream.go_on(25, 1.0).kind is Kind.TOO_FEW


def test_what_was_bad_before_counts_once_it_goes_on_again() -> None:
    stream = Stream()
    stream.go_on(50, 1.0)
    stream.go_on(300, 0)
    assert stream.go_on(50, 1.0).kind is Kind.FAIL


def test_the_numbers_say_how_many_requests_were_hurt() -> None:
    stream = Stream()
    found = stream.go_on(600, 1.0)
    assert found.kind is Kind.FAIL
    assert found.numbers["bad"] == found.numbers["requests"] == stream.requests
    assert "limit 0.1 %" in found.reason
