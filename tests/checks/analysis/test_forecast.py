"""A step's forecast is what the requests of now allow, and never less than the step measures for."""

from __future__ import annotations

import pytest

from checks.analysis.forecast import forecast, seconds_in


def of(needed: int, share: float, rate: float) -> str:
    return forecast(needed, share, rate, minimum_seconds=15, maximum_seconds=150)


@pytest.mark.parametrize(
    ("needed", "share", "rate", "seconds"), [(380, 0.1, 42, 90), (380, 1, 42, 15), (1000, 0.5, 20.5, 98)]
)
def test_the_canary_sees_its_share_of_the_requests(needed: int, share: float, rate: float, seconds: float) -> None:
    line = f"step 10 %: goes on{of(needed, share, rate)}"
    assert line.endswith(f"; at {rate:g} requests a second now about {seconds:g} s")
    assert seconds_in(line) == seconds


def test_too_few_requests_are_told_and_no_duration_is_promised() -> None:
    line = of(380, 0.1, 10)
    assert line == (
        "; at 10 requests a second now it would take 380 s, and 150 s are all it has: too few requests to go on"
    )
    assert seconds_in(line) is None


def test_without_requests_there_is_no_end() -> None:
    assert "it would never end" in of(380, 0.1, 0)
    assert seconds_in(of(380, 0.1, 0)) is None


def test_many_requests_a_second_are_read_back() -> None:
    assert seconds_in(of(380, 0.1, 12_345)) == 15


def test_a_line_without_a_forecast_has_no_duration() -> None:
    assert seconds_in("step 10 %: goes on after 15 to 150 s") is None
