"""Item 11: the maintenance window is open, and long enough for what is planned."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from concerns.window import WEEK, WindowSettings
from evidence.checklist.proof import Proof, Prover, State
from evidence.checklist.service import duration

SOURCE = "approval.window"


def window_prover(
    window: WindowSettings | None,
    *,
    estimated_minutes: int | None,
    stack: str,
    wall_clock: Callable[[], datetime],
) -> Prover:
    """Return what proves that a release of `estimated_minutes` may begin now and end within `window`.

    An unknown estimate (None) leaves the item unknown, where there is a window at all.
    """
    if window is None:
        return lambda: Proof(State.PROVEN, SOURCE, "none is required")
    return lambda: _look(window, estimated_minutes, stack, wall_clock())


def _look(window: WindowSettings, estimated: int | None, stack: str, now: datetime) -> Proof:
    value = text_of(window)
    start, end = window.opening(now)
    if estimated is not None and estimated > window.minutes:
        closes = f"shorten the plan to {window.minutes} minutes, or set approval.window in Pulumi.{stack}.yaml"
        return Proof(
            State.MISSING, SOURCE, f"{value}; the plan takes {estimated} minutes, and never fits", closes=closes
        )
    if now < start:
        seen, closes = f"opens {_at(start, window)}, in {duration(start - now)}", "begin when it opens"
        return Proof(State.MISSING, SOURCE, f"{value}; it is closed", seen=seen, closes=closes)
    left = end - now
    seen = f"{int(left.total_seconds() // 60)} minutes are left"
    if estimated is None:
        closes = "write the estimated minutes into the release file, by which item 6 is proven"
        return Proof(State.UNKNOWN, SOURCE, f"{value}; how long the plan takes is not known", seen=seen, closes=closes)
    if left < timedelta(minutes=estimated):
        later, _ = window.opening(end + timedelta(seconds=1))
        seen, closes = f"{seen}; opens again {_at(later, window)}", "begin when it opens again"
        value = f"{value}; too little of it is left for the {estimated} minutes of the plan"
        return Proof(State.MISSING, SOURCE, value, seen=seen, closes=closes)
    return Proof(State.PROVEN, SOURCE, f"{value}; the plan takes {estimated} minutes", seen=f"open, {seen}")


def _at(start: datetime, window: WindowSettings) -> str:
    return f"{start:%A %Y-%m-%d %H:%M} ({window.timezone})"


def text_of(window: WindowSettings) -> str:
    """Return the window as a person says it."""
    days = "daily" if len(set(window.days)) == len(WEEK) else ", ".join(day for day in WEEK if day in window.days)
    return f"{days} at {window.start} for {window.minutes} minutes ({window.timezone})"
