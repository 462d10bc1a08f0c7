"""Taking a release: at once where it is free, after one duration from a run that is gone, never from one at work."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from checks.reader import Unreachable
from checks.waiting import SHOWN_EVERY_SECONDS, Clock, Reporter
from cluster.errors import GateFailed
from cluster.lease.lease import LONGEST_DURATION_SECONDS, Lease, LeaseState, Term, taken

INTERVAL_SECONDS = 0.5
# Twice the longest duration and some: while the cluster does not answer, no silence is counted.
LONGEST_WAIT_SECONDS = 2.5 * LONGEST_DURATION_SECONDS


class ReleaseHeld(GateFailed):
    """Another run holds the release and is at work."""


@dataclass(frozen=True)
class Seen:
    """What a Lease said, and from when on it has been seen to say so, in seconds of our own clock.

    `shown_at` is when a person was told last.
    """

    term: Term
    since: float
    shown_at: float = -math.inf


@dataclass(frozen=True)
class LeaseTaking:
    """Takes the Lease for `holder`.

    Whether the one who has it is gone is judged by what is seen to change, on our own clock: the times in the Lease
    are those of another machine. `alive` says whether there is still a reason to wait.
    """

    lease: Lease
    holder: str
    duration_seconds: int
    alive: Callable[[], bool]
    reporter: Reporter
    clock: Clock
    wall_clock: Callable[[], datetime]

    def run(self) -> tuple[LeaseState, float]:
        """Return the Lease as taken, and the moment before it was taken, in seconds of the clock.

        Raises ReleaseHeld where its holder is at work, and GateFailed, ClusterError or Unreachable where it cannot be
        taken for another reason.
        """
        answered_at = started = self.clock.now()
        seen: Seen | None = None
        tried: Seen | None = None
        while self.clock.now() - started <= LONGEST_WAIT_SECONDS:
            self._live()
            asked_at = self.clock.now()
            try:
                found = self.lease.read()
                answered_at = self.clock.now()
                if tried is not None and found.term == tried.term:
                    return found, tried.since
                if self._may_take(found, seen, asked_at):
                    at = self.wall_clock()
                    tried = Seen(taken(found, self.holder, self.duration_seconds, at), self.clock.now())
                    held = self.lease.take(found, self.holder, self.duration_seconds, at)
                    if held is not None:
                        self._tell(found.term, held.term)
                        return held, tried.since
                    self.clock.sleep(INTERVAL_SECONDS)
                    continue
            except Unreachable:
                # The holder could give no sign of life either: what was seen before says nothing.
                seen = None
                if self.clock.now() - answered_at >= self.duration_seconds:
                    raise
                self.clock.sleep(INTERVAL_SECONDS)
                continue
            seen = self._look(found.term, seen, answered_at)
        raise GateFailed(
            f"{self._release} cannot be taken: in {self.clock.now() - started:.0f} s it could not be told whether"
            " its holder is at work. See that the cluster answers steadily, then run the same command again"
        )

    @property
    def _release(self) -> str:
        return f"the release of {self.lease.deployment} in {self.lease.namespace}"

    @staticmethod
    def _may_take(found: LeaseState, seen: Seen | None, asked_at: float) -> bool:
        if not found.term.holder:
            return True
        return seen is not None and seen.term == found.term and asked_at - seen.since >= found.term.duration_seconds

    def _look(self, term: Term, seen: Seen | None, now: float) -> Seen:
        """Return what has been seen, and wait a moment. Raises ReleaseHeld at a sign of life."""
        if seen is not None and seen.term != term:
            raise ReleaseHeld(
                f"{self._release} is held by {term.named_holder}, which is at work. This run stops here. Wait until"
                " that one has ended, then run the same command again; if it is killed, its hold ends by itself"
                f" {term.duration_seconds} s after its last sign of life"
            )
        seen = seen or Seen(term, now)
        left = max(0.0, term.duration_seconds - (now - seen.since))
        if now - seen.shown_at >= SHOWN_EVERY_SECONDS:
            seen = replace(seen, shown_at=now)
            self.reporter.live(
                f"{self._release} is held by {term.named_holder}; without a sign of life it is taken over in"
                f" {left:.0f} s"
            )
        self.clock.sleep(min(INTERVAL_SECONDS, left))
        return seen

    def _live(self) -> None:
        if not self.alive():
            raise GateFailed(f"{self._release} is not taken: the engine that this program works for is gone")

    def _tell(self, before: Term, now: Term) -> None:
        if before.holder:
            self.reporter.line(
                f"{self._release} was held by {before.named_holder}, which gave no sign of life for"
                f" {before.duration_seconds} s: taken over (token {now.token})"
            )
