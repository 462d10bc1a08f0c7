"""The bounded wait that every gate uses."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from checks.verdict import Verdict

SHOWN_EVERY_SECONDS = 5.0


@dataclass(frozen=True)
class Clock:
    """Time as the checks see it: `now` in seconds from any start, `sleep` in seconds."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass
class Reporter:
    """Tells a person what goes on: `line` stays, `live` is replaced by the next one."""

    line: Callable[[str], None]
    live: Callable[[str], None] = field(default=lambda _text: None)


def wait_for_verdict(
    look: Callable[[], Verdict],
    *,
    waiting_for: str,
    timeout_seconds: float,
    interval_seconds: float,
    reporter: Reporter,
    clock: Clock,
) -> Verdict:
    """Look again and again until the verdict is certain or `timeout_seconds` are over.

    Returns the certain verdict, or the last uncertain one with the time-out in its reason: never a PASS that no look
    has given. What is waited for is shown when its reason changes, and every five seconds.
    """
    started = clock.now()
    shown, shown_at = "", started
    while True:
        verdict = look()
        elapsed = clock.now() - started
        if verdict.certain:
            return verdict
        if elapsed >= timeout_seconds:
            return replace(verdict, reason=f"{verdict.reason} (gave up after {timeout_seconds:.0f} s)")
        if verdict.reason != shown or clock.now() - shown_at >= SHOWN_EVERY_SECONDS:
            shown, shown_at = verdict.reason, clock.now()
            reporter.live(f"{waiting_for}, {elapsed:.0f} of at most {timeout_seconds:.0f} s: {verdict.reason}")
        clock.sleep(min(interval_seconds, max(0.0, timeout_seconds - elapsed)))
