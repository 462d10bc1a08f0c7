"""A release begins only with an approval that counts, and only in its window."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from checks.reader import Unreachable
from cluster.approval.gate import Look, ReleaseApprovalGate
from cluster.errors import GateFailed
from concerns.window import WindowSettings
from tests.fake_time import Told

NOW = datetime(2026, 7, 1, 22, 10, tzinfo=UTC)
WINDOW = WindowSettings(start="22:00", minutes=30, timezone="UTC")
VERSION = "v2026.07.01.221000"
APPROVED = Look(approved=True, text=f"{VERSION} was approved by ann")
NOT_APPROVED = Look(approved=False, text=f"release {VERSION} is not approved", closes="ann runs: make approve")


def run(look: Look, *, window: WindowSettings | None = None, now: datetime = NOW) -> list[str]:
    told = Told()
    ReleaseApprovalGate(lambda: look, "staging", window, told.reporter, wall_clock=lambda: now).run(VERSION)
    return told.lines


def refused(look: Look, *, window: WindowSettings | None = None, now: datetime = NOW) -> str:
    with pytest.raises(GateFailed) as caught:
        run(look, window=window, now=now)
    return str(caught.value)


def test_an_approved_release_goes_on_and_says_who_let_it() -> None:
    assert run(APPROVED) == [f"release {VERSION} was approved by ann"]


def test_without_an_approval_it_stops_with_who_may_and_the_command() -> None:
    assert refused(NOT_APPROVED) == (
        f"release {VERSION} is not approved; nothing was changed in staging. To approve it: ann runs: make approve;"
        " then run the same command again"
    )


def test_what_cannot_be_looked_up_is_no_approval() -> None:
    def down() -> Look:
        raise Unreachable("the cluster gives no answer")

    with pytest.raises(Unreachable):
        ReleaseApprovalGate(down, "staging", None, Told().reporter).run(VERSION)


def test_in_the_window_it_goes_on_and_says_until_when() -> None:
    assert run(APPROVED, window=WINDOW)[-1] == "the maintenance window is open until 22:30 (UTC)"


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        (NOW.replace(hour=21, minute=59), "Wednesday 2026-07-01 22:00"),
        (NOW.replace(minute=30), "Thursday 2026-07-02 22:00"),
    ],
)
def test_outside_the_window_an_approved_release_stops_with_the_time_that_it_opens(now: datetime, opens: str) -> None:
    text = refused(APPROVED, window=WINDOW, now=now)
    assert "is approved, but the maintenance window of staging is closed; nothing was changed" in text
    assert f"It opens at {opens} for 30 minutes (UTC): run the same command then" in text


def test_an_open_window_is_no_approval() -> None:
    assert "is not approved" in refused(NOT_APPROVED, window=WINDOW)
