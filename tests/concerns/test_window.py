"""The maintenance window is open when it says so, over midnight and over a change of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from concerns.window import WindowSettings


def window(**changes: Any) -> WindowSettings:
    return WindowSettings.model_validate(
        {"start": "22:00", "minutes": 30, "timezone": "Europe/Berlin", **changes}, strict=True
    )


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def opening(wanted: WindowSettings, now: str) -> tuple[str, str]:
    start, end = wanted.opening(at(now))
    return start.astimezone(UTC).isoformat(timespec="minutes"), end.astimezone(UTC).isoformat(timespec="minutes")


TODAY = ("2026-07-01T20:00+00:00", "2026-07-01T20:30+00:00")
TOMORROW = ("2026-07-02T20:00+00:00", "2026-07-02T20:30+00:00")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-07-01T19:59:59", TODAY),
        ("2026-07-01T20:00:00", TODAY),
        ("2026-07-01T20:29:59", TODAY),
        ("2026-07-01T20:30:00", TOMORROW),
    ],
)
def test_it_is_open_from_its_first_to_before_its_last_moment(now: str, expected: tuple[str, str]) -> None:
    assert opening(window(), now) == expected


def test_it_reaches_past_midnight() -> None:
    late = window(start="23:50")
    assert opening(late, "2026-07-01T22:10:00") == ("2026-07-01T21:50+00:00", "2026-07-01T22:20+00:00")


def test_it_opens_on_its_days_only() -> None:
    sunday = window(days=("sunday",))
    assert opening(sunday, "2026-07-01T20:10:00")[0] == "2026-07-05T20:00+00:00"
    assert opening(sunday, "2026-07-05T20:40:00")[0] == "2026-07-12T20:00+00:00"


def test_it_lasts_as_long_when_the_clocks_are_put_forward_in_it() -> None:
    night = window(start="01:45", minutes=60)
    assert opening(night, "2026-03-29T00:50:00") == ("2026-03-29T00:45+00:00", "2026-03-29T01:45+00:00")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"minutes": 0}, "a window ends after it starts"),
        ({"minutes": -30}, "a window ends after it starts"),
        ({"minutes": 1441}, "a window is no longer than a day: at most 1440 minutes"),
        ({"timezone": "Berlin"}, "must be the name of a time zone, such as Europe/Berlin or UTC"),
        ({"timezone": "../../etc/passwd"}, "must be the name of a time zone"),
        ({"timezone": ""}, "must be the name of a time zone"),
        ({"start": "24:00"}, "should match pattern"),
        ({"start": "9:00"}, "should match pattern"),
        ({"days": ()}, "at least 1 item"),
        ({"days": ("mon",)}, "should be 'monday'"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        window(**changes)
