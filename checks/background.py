"""A slow look that goes on beside a fast loop, which never waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from checks.verdict import Kind, Verdict
from checks.waiting import Clock

STOP_SECONDS = 1.0


class Background:
    """Looks again and again in a daemon thread, with `interval_seconds` between two looks, while it is entered.

    `name` is what is asked, as in "Prometheus has not answered for 12 s". An answer counts for `fresh_seconds` after
    it came, whatever its kind: an old PASS must not promote, and an old FAIL may have passed.
    """

    def __init__(
        self,
        look: Callable[[], Verdict],
        *,
        name: str,
        interval_seconds: float,
        fresh_seconds: float,
        clock: Clock,
    ) -> None:
        self._look = look
        self._name = name
        self._interval_seconds = interval_seconds
        self._fresh_seconds = fresh_seconds
        self._clock = clock
        self._began_at = clock.now()
        self._latest: tuple[Verdict, float] | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"look-{name}", daemon=True)

    def __enter__(self) -> Self:
        self._began_at = self._clock.now()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Nobody waits here, not even for a look that hangs: what follows may be a rollback.
        self._stopped.set()

    def latest(self) -> Verdict:
        """Return the last answer if it is fresh, else UNREACHABLE. Never waits."""
        latest = self._latest
        if latest is None:
            silence = self._clock.now() - self._began_at
            return Verdict(Kind.UNREACHABLE, f"{self._name} has not answered yet, for {silence:.0f} s")
        verdict, answered_at = latest
        silence = self._clock.now() - answered_at
        if silence <= self._fresh_seconds:
            return verdict
        reason = f"{self._name} has not answered for {silence:.0f} s; the last answer was {verdict}"
        return Verdict(Kind.UNREACHABLE, reason, verdict.numbers, verdict.query, verdict.details)

    def stop(self) -> bool:
        """Look no more. Waits STOP_SECONDS at most for a look under way; returns whether it has ended."""
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join(STOP_SECONDS)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                verdict = self._look()
            except Exception as error:  # noqa: BLE001 - a thread that dies would look like one that waits
                reason = f"{self._name} gives no answer: {str(error) or type(error).__name__}"
                verdict = Verdict(Kind.UNREACHABLE, reason)
            self._latest = (verdict, self._clock.now())
            self._stopped.wait(self._interval_seconds)
