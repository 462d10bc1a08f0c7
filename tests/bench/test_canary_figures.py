"""The figures of the bench are what the answers say: nothing bad is left out, nothing good is counted."""

from __future__ import annotations

import pytest

from bench.canary_cases import FAULTS, IsBad
from bench.canary_figures import Exposure, Run, Spread, exposure, summary
from sandbox.load.answer import Answer

BAD, GOOD = "v2100.01.02", "v2100.01.01"
ERRORS, SLOW = FAULTS["errors-100"].is_bad, FAULTS["latency"].is_bad


def answer(at: float, version: str = GOOD, status: int = 200, *, took: float = 0.01) -> Answer:
    return Answer(sent_at=at - took, latency_seconds=took, status=status, error="", version=version)


def test_the_time_goes_from_the_first_bad_answer_to_the_last_whatever_the_order_they_are_read_in() -> None:
    answers = [answer(12.5, BAD, 500), answer(9.0), answer(10.0, BAD, 500), answer(11.0), answer(14.0)]

    found = exposure(answers, BAD, ERRORS)

    assert found == Exposure(total=5, bad=2, seconds=2.5, off_seconds=2.5, share=2 / 3, lost=0)


def test_good_answers_of_the_bad_version_are_no_bad_ones_but_tell_how_long_it_served() -> None:
    answers = [answer(8.0, BAD), answer(10.0, BAD, 500), answer(11.0, BAD, 500), answer(13.0, BAD), answer(13.5)]

    found = exposure(answers, BAD, ERRORS)

    assert (found.bad, found.seconds, found.off_seconds) == (2, 1.0, 3.0)


def test_of_a_slow_version_every_answer_is_bad_and_of_another_version_none() -> None:
    answers = [answer(10.0, BAD), answer(10.5), answer(11.0, BAD)]

    found = exposure(answers, BAD, SLOW)

    assert (found.bad, found.seconds, found.lost) == (2, 1.0, 0)


@pytest.mark.parametrize("is_bad", [ERRORS, SLOW])
def test_whatever_fails_and_is_not_the_bad_version_is_lost(is_bad: IsBad) -> None:
    refused = Answer(sent_at=1.0, latency_seconds=0.1, status=0, error="connection refused", version="")
    answers = [refused, answer(10.0, GOOD, 500), answer(10.5, "", 502), answer(11.0, BAD, 500)]

    found = exposure(answers, BAD, is_bad)

    assert (found.bad, found.lost) == (1, 3)


def test_a_version_that_nobody_takes_away_is_watched_for_so_long_and_no_longer() -> None:
    answers = [answer(0.5), *(answer(10.0 + number, BAD, 500) for number in range(100)), answer(200.0, GOOD, 500)]

    found = exposure(answers, BAD, ERRORS, within_seconds=60.0)

    assert (found.total, found.bad, found.seconds, found.lost) == (62, 61, 60.0, 0)


def test_a_version_that_hurt_nobody_has_no_time_and_no_share() -> None:
    assert exposure([answer(1.0, BAD), answer(2.0)], BAD, ERRORS) == Exposure(2, 0, 0.0, 0.0, 0.0, 0)


def run(seconds: float, bad: int, step: str | None = "10 %", lost: int = 0) -> Run:
    return Run(Exposure(total=1000, bad=bad, seconds=seconds, off_seconds=seconds, share=0.1, lost=lost), step)


def test_a_case_is_told_by_its_median_its_least_and_its_most_and_by_every_lost_request() -> None:
    found = summary("errors-1", [run(1.0, 4), run(30.0, 9, "50 %", lost=2), run(2.0, 3)])

    assert found.seconds == Spread(2.0, 1.0, 30.0)
    assert found.bad == Spread(4, 3, 9)
    assert found.steps == ("2 at 10 %", "1 at 50 %")
    assert (found.runs, found.found, found.lost, found.total) == (3, 3, 2, 3000)


def test_a_run_that_was_never_taken_back_is_not_found() -> None:
    found = summary("errors-1", [run(1.0, 4), run(60.0, 90, step=None)])

    assert (found.runs, found.found, found.steps) == (2, 1, ("1 at 10 %",))
