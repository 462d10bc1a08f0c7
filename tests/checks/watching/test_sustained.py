"""What fails for a moment does not fail a release."""

from __future__ import annotations

from checks.verdict import Kind, Verdict
from checks.watching.sustained import Sustained
from tests.fake_time import FakeTime

FAIL, PASS = Verdict(Kind.FAIL, "above the limit"), Verdict(Kind.PASS, "fine")
UNKNOWN = Verdict(Kind.UNREACHABLE, "silent")


def kinds(*found: Verdict) -> list[Kind]:
    time = FakeTime()
    sustained, seen = Sustained(60, time.clock), list[Kind]()
    for each in found:
        seen.append(sustained.judge(each).kind)
        time.seconds += 20
    return seen


def test_a_fail_counts_once_it_has_lasted() -> None:
    assert kinds(FAIL, FAIL, FAIL, FAIL, FAIL) == [*[Kind.TOO_FEW] * 3, Kind.FAIL, Kind.FAIL]


def test_one_good_look_begins_anew() -> None:
    assert kinds(FAIL, FAIL, FAIL, PASS, FAIL, FAIL)[-1] is Kind.TOO_FEW


def test_what_was_not_seen_is_not_held_against_a_release() -> None:
    assert kinds(FAIL, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, FAIL) == [
        Kind.TOO_FEW,
        *[Kind.UNREACHABLE] * 4,
        Kind.TOO_FEW,
    ]


def test_the_reason_says_for_how_long() -> None:
    time = FakeTime()
    sustained = Sustained(60, time.clock)
    assert "for 0 s; it counts once it has lasted for 60 s" in sustained.judge(FAIL).reason
    time.seconds += 61
    assert sustained.judge(FAIL).reason == "above the limit, for 61 s now"
